"""The other form of an export: TensorFlow Lite Micro, which the ecosystem brings along, runs the .tflite.

The array, the operators and the settings are the build's own, or those of an equal model that TensorFlow Lite Micro
computes right; what is around them (templates/export/tflm/) has the same functions as the aot engine's library.
"""

from __future__ import annotations

from dataclasses import replace

from edgeq import resources
from edgeq.builds import Build
from edgeq.errors import InputError
from edgeq.export.library import Library, assembled, with_headers
from edgeq.export.namespace import ENGINE
from edgeq.generate.tflm import arena_estimate
from edgeq.generate.tflm_project import model_files
from edgeq.interpreter import Running, running

_FIRMWARE = ("model/affine.c", "src/crc32.c", f"include/{ENGINE}", "include/edgeq/tflm_arena.h")


def arena_bytes(build: Build) -> int:
    """Bytes of the interpreter's arena: what the device asked for, or an estimate from what the host's took.

    Raises:
        InputError: no interpreter measured it.
    """
    if build.engine == "tflm":
        return build.program.arena_bytes
    if build.tflm_arena_bytes is None:
        raise InputError(
            f"{build.folder} does not know how large an arena TensorFlow Lite Micro needs: it was built where the "
            "interpreter could not be asked.",
            hint="Build again on Linux x86-64, where its wheel is installed.",
        )
    return arena_estimate(build.tflm_arena_bytes)


def interpreter_run(build: Build) -> Running:
    """What TensorFlow Lite Micro is given to run.

    Raises:
        UnsupportedError: it computes the model wrongly, and no equal model is known.
    """
    return build.tflm.running if build.tflm is not None else running(build.quantized)


def interpreted_library(build: Build, run: Running) -> Library:
    """The library of a build, whatever its engine, around TensorFlow Lite Micro; without what the templates write.

    Args:
        build: of either engine.
        run: of `interpreter_run`.

    Raises:
        InputError: a file of the build cannot be read.
    """
    prefix = build.project.symbol
    data, settings = f"tflm/{prefix}_model_data.cc", f"tflm/{prefix}_settings.h"
    files = with_headers(build.project.root, [data, settings, f"tflm/{prefix}_op_resolver.h"], ("tflm",))
    if run.equal_model is not None and build.tflm is None:  # the build's own files have the user's model
        equal = model_files(prefix, content=run.content, graph=run.graph, sha256=build.quantized.graph.sha256)
        files |= {path: replace(files[path], text=text) for path, text in equal.items()}
    private = {path: path.removeprefix("tflm/").replace(".cc", ".cpp") for path in files if path != settings}
    own = with_headers(resources.firmware(), _FIRMWARE, ("include",))
    public = {settings: f"{prefix}/settings.h", f"include/{ENGINE}": f"{prefix}/engine.h"}
    private |= {path: f"edgeq/{path.rpartition('/')[2]}" for path in own if path not in public}
    return assembled({**files, **own}, public, private, prefix)
