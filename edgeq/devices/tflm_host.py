"""TensorFlow Lite Micro on this machine, behind the same protocol as a board, on the bytes of the generated C array.

The array is compiled to a shared library and read back from there, so that the array itself is what is proven.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from edgeq import process
from edgeq.caches import zig_environment
from edgeq.devices.child import ChildDevice
from edgeq.errors import DeviceError
from edgeq.toolchain import zig

_COMPILE_SECONDS = 120.0


def compile_array(sources: Sequence[Path], include_dirs: Sequence[Path], out: Path) -> Path:
    """The C array as a shared library for this machine.

    Args:
        sources: the C or C++ files that define it.
        include_dirs: where their headers are.
        out: the library to write; its folder is made if missing.

    Raises:
        ToolError: the compiler refused it; the message has its words.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    plain_c = all(source.suffix == ".c" for source in sources)
    found = shutil.which("gcc" if plain_c else "g++")
    compiler = (found,) if found else (*zig.command(), "cc" if plain_c else "c++")
    includes = [f"-I{folder}" for folder in include_dirs]
    process.run(
        [*compiler, "-shared", "-fPIC", "-O0", *includes, "-o", out, *sources],
        timeout=_COMPILE_SECONDS,
        what="Compiling the model's C array for this machine",
        env=None if found else zig_environment(),
    )
    return out


def tflm_host_device(library: Path, *, array: str) -> ChildDevice:
    """Start TFLM's interpreter in a child process.

    Args:
        library: made by `compile_array`.
        array: the C name of the array in it.

    Raises:
        DeviceError: no such array, or TFLM refuses the model or crashed; the message has its words.
    """
    from edgeq.records import Reference
    from edgeq.reference.run import why_unavailable

    if (reason := why_unavailable(Reference.TFLM)) is not None:
        raise DeviceError("--device tflm-host cannot run here.", hint=reason)
    return ChildDevice(
        "tflm-host",
        [sys.executable, "-P", "-m", "edgeq.devices.tflm_host_child", library.resolve(), array],
        what="Running TensorFlow Lite Micro on this machine",
        env=process.own_environment(),
    )
