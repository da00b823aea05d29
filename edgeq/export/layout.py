"""A library, and the files that templates/export/ writes around it, in the places that an ecosystem expects."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

from edgeq import resources
from edgeq.builds import Build
from edgeq.export.interpreted import arena_bytes, interpreted_library, interpreter_run
from edgeq.export.library import Library, library
from edgeq.export.record import Package
from edgeq.generate.environment import environment
from edgeq.generate.tflm_project import variable_count
from edgeq.generate.views import constant_views, golden_arrays, output_crc, value_views
from edgeq.generate.writing import ENGINE_ABI
from edgeq.interpreter import Running, unusual_inputs
from edgeq.version import version

_SHARED = {"README.md": "common/README.md.j2"}
_LICENSE = "common/LICENSE"
_SPEED = "edgeq/speed.h"

# What the kernels were written and measured with; -O2 alone costs GCC nearly half of a convolution's speed.
OPTIMIZE = ("-O2", "-funroll-loops", "-fomit-frame-pointer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where an ecosystem has what.

    `include` and `sources` are folders for the public headers, and for the sources; `templates` maps a path to a
    template below templates/export/. All of them may have {name} in it for the model's C prefix. `ecosystem` is the
    folder of the ecosystem's own templates; what `without_tflm` has of these paths is left out where TensorFlow Lite
    Micro runs the model. Where it compiles for size whatever a library wants, `asks_for_speed`: the kernels say so
    themselves.
    """

    ecosystem: str
    include: str
    sources: str
    templates: Mapping[str, str]
    asks_for_speed: bool = False
    without_tflm: frozenset[str] = frozenset()

    def files(self, build: Build, package: Package) -> dict[str, bytes]:
        """The package of a build: path -> content.

        Raises:
            InputError: a file of the build cannot be read, or its engine has no such form.
            UnsupportedError: TensorFlow Lite Micro is to run it, and computes it wrongly.
        """
        run = interpreter_run(build) if (package.engine or build.engine) == "tflm" else None
        made = library(build) if run is None else interpreted_library(build, run)
        include, sources = (self._at(f, made) for f in (self.include, self.sources))
        files = {f"{include}/{path}": text for path, text in made.public.items()}
        files |= {f"{sources}/{path}": self._with_flags(path, text) for path, text in made.private.items()}
        headers = {f"{include}/{path}" for path in (*made.public, f"{made.prefix}.h", f"{made.prefix}/config.h")}
        written = {f"{sources}/{path}" for path in made.sources}
        templates = {**_SHARED, f"{include}/{made.prefix}/config.h": "common/config.h.j2", **self.templates}
        if self.asks_for_speed:
            templates[f"{sources}/{_SPEED}"] = "common/speed.h.j2"
        if run is not None:
            templates = {path: template for path, template in templates.items() if path not in self.without_tflm}
            own = {f"{include}/{{name}}.h": "tflm/model.h.j2", f"{sources}/{{name}}_engine.cpp": "tflm/engine.cpp.j2"}
            templates |= own
            written.add(f"{sources}/{made.prefix}_engine.cpp")
        context = {
            **_facts(build, package),
            **({} if run is None else _interpreted_facts(build, run)),
            "ecosystem": self.ecosystem,
            "tflm": run is not None,
            "include": include,
            "sources": tuple(sorted(written)),
            "headers": tuple(sorted(headers)),
        }
        for path, template in templates.items():
            files[self._at(path, made)] = _environment().get_template(template).render(context)
        files["LICENSE"] = (resources.templates() / "export" / _LICENSE).read_text(encoding="utf-8")
        return {path: text.encode() for path, text in files.items()}

    def _with_flags(self, path: str, text: str) -> str:
        kernel = path.startswith("kernels/") and path.endswith(".c")
        return f'#include "../{_SPEED}"\n{text}' if self.asks_for_speed and kernel else text

    def _at(self, path: str, made: Library) -> str:
        return path.format(name=made.prefix)


def _facts(build: Build, package: Package) -> dict[str, Any]:
    """What every template may say about a model."""
    program = build.program
    inputs, outputs = value_views(program, program.inputs, "input"), value_views(program, program.outputs, "output")
    constants = constant_views(program, build.quantized.graph, build.project.symbol)
    names = build.samples.class_names
    return {
        "prefix": build.project.symbol,
        "macro": build.project.symbol.upper(),
        "version": version(),
        "engine_abi": ENGINE_ABI,
        "sha256": build.quantized.graph.sha256,
        "package": package,
        "program": program,
        "arena_bytes": program.arena_bytes,
        "weight_bytes": sum(c.data.nbytes for c in constants),
        "golden_bytes": sum(v.nbytes for v in inputs),
        "inputs": inputs,
        "outputs": outputs,
        "values": inputs + outputs,
        "labels": len(names) in {v.elements for v in outputs},
        "label_count": len(names),
        "board": build.board,
        "optimize": OPTIMIZE,
    }


def _interpreted_facts(build: Build, run: Running) -> dict[str, Any]:
    """What is otherwise where TensorFlow Lite Micro runs the model, and what its engine is written from."""
    program = build.program
    return {
        "arena_bytes": arena_bytes(build),
        "weight_bytes": len(run.content),
        "equal_model": run.equal_model,
        "unusual": tuple(dict.fromkeys(found.reason for found in unusual_inputs(run.graph))),
        "variables": variable_count(run.graph),
        "golden_inputs": golden_arrays([a[0] for a in build.samples.inputs], program.inputs),
        "output_crc": output_crc(golden_arrays([a[0] for a in build.references[0].outputs], program.outputs)),
    }


@cache
def _environment() -> Any:
    made = environment("export")
    made.filters.update(json=lambda value: json.dumps(value, ensure_ascii=False), xml=escape)
    return made
