"""A finished build: the records of all stages together, and the folder that keeps them.

A build's folder holds model.tflite, project/, firmware.elf, firmware-traced.elf, samples.npz, references.npz, and
manifest.json, which ties them together by SHA-256. `open_build` needs no TensorFlow: what lowering decided is computed
again from the .tflite.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.boards import Board, load_board
from edgeq.errors import InputError
from edgeq.generate.manifest import Json, Manifest, load_arrays, read_manifest, save_arrays, write_manifest
from edgeq.generate.project import generate
from edgeq.interpreter import TflmPart, interpreted_program, restored_part, tflm_facts
from edgeq.lower.choose import Limits
from edgeq.lower.lower import lower
from edgeq.lower.names import Pass
from edgeq.lower.ops import supported_ops
from edgeq.lower.program import Program, Saving
from edgeq.lower.trace import TracePoint, trace_points
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.graph import Graph
from edgeq.model.verify import verify_for
from edgeq.records import (
    Agreement,
    Finding,
    Group,
    Image,
    Method,
    Optimize,
    Project,
    Quantized,
    Reference,
    ReferenceOutputs,
    Toolchain,
)
from edgeq.report import codec
from edgeq.toolchain.elf import memory_use
from edgeq.training.history import TrainingHistory

MODEL, SAMPLES, REFERENCES, PROJECT = "model.tflite", "samples.npz", "references.npz", "project"
_IMAGE, _TRACED = "image", "traced image"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BuildSamples:
    """What goes through the device: `inputs` per model input, in its own dtype, shape (n, *shape without batch).

    `float_outputs` are the float model's answers to the same samples, None if there is no float model. `source` and
    `sha256` tell where they came from.
    """

    inputs: tuple[NDArray[np.generic], ...]
    labels: NDArray[np.generic] | None
    float_outputs: tuple[NDArray[np.generic], ...] | None
    source: str
    sha256: str
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.inputs[0])

    def first(self, n: int) -> BuildSamples:
        """The first `n` samples."""
        return dataclasses.replace(
            self,
            inputs=tuple(a[:n] for a in self.inputs),
            labels=None if self.labels is None else self.labels[:n],
            float_outputs=None if self.float_outputs is None else tuple(a[:n] for a in self.float_outputs),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Build:
    """Everything that belongs to a build.

    `references` has the primary reference first; `notes` are sentences for the report. `board_spec` is what the user
    said for the board: a name or a folder. `limits` are those with which lowering gives `program`. `traced` is the
    image that hands out layers, None where that does not fit the board. `tflm` belongs to the engine of that name.
    """

    folder: Path
    name: str
    engine: str
    optimize: Optimize
    source_format: str
    source_sha256: str | None
    quantized: Quantized
    program: Program
    limits: Limits
    without_passes: tuple[Pass, ...]
    board: Board
    board_spec: str
    project: Project
    image: Image
    traced: Image | None
    samples: BuildSamples
    references: tuple[ReferenceOutputs, ...]
    notes: tuple[str, ...]
    flash_limit: int | None
    ram_limit: int | None
    tflm_arena_bytes: int | None
    tflm: TflmPart | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What keeps the model from being full-integer for this engine; a build that was made has none."""
        known = supported_ops if self.tflm is None else None
        return verify_for(self.quantized.graph, known, engine=self.engine, float_io=self.quantized.method is None)

    @property
    def trace_points(self) -> tuple[TracePoint, ...]:
        """Where a traced image of this build hands out tensors."""
        return trace_points(self.program)


def generate_project(
    board: Board,
    out: Path,
    *,
    name: str,
    quantized: Quantized,
    program: Program,
    samples: BuildSamples,
    golden: Sequence[NDArray[np.generic]],
    tflm_arena_bytes: int | None,
) -> Project:
    """The C project for a board; its golden input is the first sample, `golden` the primary reference's answer to it.

    Raises:
        InputError: the folder cannot be written.
    """
    return generate(
        program,
        quantized=quantized,
        board=board,
        out=out,
        name=name,
        golden_inputs=[a[0] for a in samples.inputs],
        golden_outputs=golden,
        labels=label_names(samples, quantized.graph),
        arena_tflm_bytes=tflm_arena_bytes,
    )


def label_names(samples: BuildSamples, graph: Graph) -> tuple[str, ...]:
    """The names of the classes for the generated code; none where no output has as many values."""
    sizes = {t.elements for t in graph.output_tensors}
    return samples.class_names if len(samples.class_names) in sizes else ()


def project_for(build: Build, board: Board, out: Path) -> Project:
    """The build's program as a C project for another board.

    Raises:
        InputError: its engine is a library for its own board alone.
    """
    if build.tflm is not None:
        raise InputError(
            f"{build.folder} was built with the tflm engine for {build.board.name}; its library is for no other board, "
            "nor for this computer.",
            hint="--device emulated or qemu; --device tflm-host is the interpreter on this computer.",
        )
    return generate_project(
        board,
        out,
        name=build.name,
        quantized=build.quantized,
        program=build.program,
        samples=build.samples,
        golden=[a[0] for a in build.references[0].outputs],
        tflm_arena_bytes=build.tflm_arena_bytes,
    )


def save_build(build: Build) -> Manifest:
    """Write what is not on disk yet into the build's folder, and the manifest.

    Raises:
        InputError: the folder cannot be written.
    """
    folder = build.folder
    (folder / MODEL).write_bytes(build.quantized.content)
    samples = build.samples
    arrays: dict[str, NDArray[np.generic]] = {f"input_{i}": a for i, a in enumerate(samples.inputs)}
    arrays |= {f"float_output_{i}": a for i, a in enumerate(samples.float_outputs or ())}
    arrays |= {} if samples.labels is None else {"labels": samples.labels}
    save_arrays(folder / SAMPLES, arrays)
    answers = {f"{r.reference.value} {i}": a for r in build.references for i, a in enumerate(r.outputs)}
    save_arrays(folder / REFERENCES, answers)
    files: dict[str, Path | str] = {
        "model": MODEL,
        "samples": SAMPLES,
        "references": REFERENCES,
        _IMAGE: build.image.elf,
    }
    files |= {} if build.traced is None else {_TRACED: build.traced.elf}
    files |= {f"{PROJECT}/{name}": f"{PROJECT}/{name}" for name in build.project.files}
    return write_manifest(folder, files=files, facts=_facts(build))


def open_build(folder: Path) -> Build:
    """A build from its folder; nothing in it has changed since it was made.

    Raises:
        InputError: no build; a file is missing or was changed; or it was made by another version of edgeq.
    """
    manifest = read_manifest(folder)
    if (target := manifest.facts.get("target")) is not None:
        raise InputError(
            f"{folder} is a build for {target}: it has no firmware.",
            hint=f"`edgeq validate`, `drift` and `profile` run its variants in LiteRT. For firmware build one for a "
            f"microcontroller: edgeq build {folder}/variants/int8.tflite --out OUT",
        )
    try:
        return _restore(folder, manifest)
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise InputError(f"{folder}'s manifest is damaged: {exc!r}.", hint="Build again: edgeq build …") from exc


def _facts(build: Build) -> dict[str, Json]:
    quantized, toolchain, project = build.quantized, build.image.toolchain, build.project
    return {
        "name": build.name,
        "engine": build.engine,
        "optimize": build.optimize.value,
        "limits": {"flash": build.limits.flash, "ram": build.limits.ram},
        "without_passes": [p.value for p in build.without_passes],
        "saved": codec.encode(build.program.saved),
        "board": build.board_spec,
        "source": {"format": build.source_format, "sha256": build.source_sha256},
        "quantization": {
            "method": quantized.method.value if quantized.method else None,
            "calibration_samples": quantized.calibration_samples,
            "seed": quantized.seed,
            "recipe": quantized.recipe,
            "history": codec.encode(quantized.history),
            "agreement": codec.encode(quantized.agreement),
        },
        "data": {
            "source": build.samples.source,
            "sha256": build.samples.sha256,
            "class_names": list(build.samples.class_names),
        },
        "references": [[r.reference.value, r.version] for r in build.references],
        "toolchain": {"name": toolchain.name, "version": toolchain.version, "flags": list(toolchain.flags)},
        "project": {
            "symbol": project.symbol,
            "sources": {group.value: list(names) for group, names in project.sources.items()},
            "include_dirs": list(project.include_dirs),
            "linker_script": project.linker_script,
            "tflm_files": list(project.tflm_files),
            "op_symbols": list(project.op_symbols),
            "defines": list(project.defines),
        },
        "tflm": tflm_facts(build.tflm),
        "notes": list(build.notes),
        "flash_limit": build.flash_limit,
        "ram_limit": build.ram_limit,
        "tflm_arena_bytes": build.tflm_arena_bytes,
    }


def _restore(folder: Path, manifest: Manifest) -> Build:
    facts: Mapping[str, Any] = manifest.facts
    content = manifest.path(folder, "model").read_bytes()
    graph = parse_tflite(content, where=str(folder / MODEL))
    board = load_board(facts["board"])
    optimize = Optimize(facts["optimize"])
    limits = Limits(flash=facts["limits"]["flash"], ram=facts["limits"]["ram"])
    without = tuple(map(Pass, facts["without_passes"]))
    passes = [p for p in Pass if p not in without]
    project = facts["project"]
    method = facts["quantization"]["method"]
    quantized = Quantized(
        content=content,
        graph=graph,
        method=Method(method) if method else None,
        float_model=None,
        calibration_samples=facts["quantization"]["calibration_samples"],
        seed=facts["quantization"]["seed"],
        recipe=facts["quantization"].get("recipe"),
        history=codec.decode(TrainingHistory | None, facts["quantization"].get("history"), "history"),
        agreement=codec.decode(Agreement | None, facts["quantization"].get("agreement"), "agreement"),
    )
    tflm = None
    if facts.get("tflm") is not None:
        tflm = restored_part(facts["tflm"], quantized)
        program = interpreted_program(tflm.running, quantized, tflm.arena)
    else:
        program = lower(graph, features=board.features, optimize=optimize, limits=limits, passes=passes)
        saved = codec.decode(tuple[Saving, ...], facts["saved"], "saved")
        program = dataclasses.replace(program, saved=saved)
    if len(program.calls) != len(project["op_symbols"]):
        raise InputError(
            f"{folder} was made by edgeq {manifest.edgeq}, which compiled the model in another way than this version.",
            hint="Build again: edgeq build …",
        )
    arrays = load_arrays(manifest.path(folder, "samples"))
    answers = load_arrays(manifest.path(folder, "references"))
    outputs = range(len(graph.outputs))
    return Build(
        folder=folder,
        name=facts["name"],
        engine=facts["engine"],
        optimize=optimize,
        source_format=facts["source"]["format"],
        source_sha256=facts["source"]["sha256"],
        quantized=quantized,
        program=program,
        limits=limits,
        without_passes=without,
        board=board,
        board_spec=facts["board"],
        project=Project(
            root=folder / PROJECT,
            symbol=project["symbol"],
            sources={Group(group): tuple(names) for group, names in project["sources"].items()},
            include_dirs=tuple(project["include_dirs"]),
            linker_script=project["linker_script"],
            tflm_files=tuple(project["tflm_files"]),
            op_symbols=tuple(project["op_symbols"]),
            files=tuple(r.removeprefix(f"{PROJECT}/") for r in manifest.files if r.startswith(f"{PROJECT}/")),
            defines=tuple(project["defines"]),
        ),
        image=_image(folder, manifest, board, _IMAGE),
        traced=_image(folder, manifest, board, _TRACED) if _TRACED in manifest.files else None,
        samples=BuildSamples(
            inputs=tuple(arrays[f"input_{i}"] for i in range(len(graph.inputs))),
            labels=arrays.get("labels"),
            float_outputs=tuple(arrays[f"float_output_{i}"] for i in outputs) if "float_output_0" in arrays else None,
            source=facts["data"]["source"],
            sha256=facts["data"]["sha256"],
            class_names=tuple(facts["data"]["class_names"]),
        ),
        references=tuple(
            ReferenceOutputs(
                reference=Reference(name), version=version, outputs=tuple(answers[f"{name} {i}"] for i in outputs)
            )
            for name, version in facts["references"]
        ),
        notes=tuple(facts["notes"]),
        flash_limit=facts["flash_limit"],
        ram_limit=facts["ram_limit"],
        tflm_arena_bytes=facts["tflm_arena_bytes"],
        tflm=tflm,
    )


def _image(folder: Path, manifest: Manifest, board: Board, role: str) -> Image:
    toolchain: Mapping[str, Any] = manifest.facts["toolchain"]  # type: ignore[assignment] # as `_facts` wrote it
    elf = manifest.path(folder, role)
    return Image(
        elf=elf,
        toolchain=Toolchain(name=toolchain["name"], version=toolchain["version"], flags=tuple(toolchain["flags"])),
        memory=memory_use(elf, board),
        traced=role == _TRACED,
        sha256=manifest.files[role].sha256,
    )
