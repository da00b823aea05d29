"""Folders that look like a TensorFlow Lite Micro, in the layouts in which people have one. Nothing in them is TFLM's:
the headers hold the words that edgeq looks for, the libraries the symbols."""

from __future__ import annotations

import sys
from pathlib import Path

from edgeq import process
from edgeq.caches import zig_environment

NO_TFLM = "EDGEQ_TFLM_ROOT is not set: it names a TensorFlow Lite Micro, whose library no package index has"
"""Why tests of the tflm engine on a device are skipped; no tool can mend that."""

M4F = ("thumb-freestanding-eabihf", "cortex_m4+vfp4d16sp")
M4_SOFT = ("thumb-freestanding-eabi", "cortex_m4-vfp4d16sp")
M33F = ("thumb-freestanding-eabihf", "cortex_m33+dsp+fp_armv8d16sp")
HOST = ("x86_64-linux-gnu", "baseline")

ALLOCATES = "_ZN6tflite16MicroInterpreter15AllocateTensorsEv"
PRINTS = "_Z11MicroPrintfPKcz"
CMSIS_NN = "arm_convolve_wrapper_s8"

DOWNLOADS = "tensorflow/lite/micro/tools/make/downloads"
_METHODS = "".join(
    f"  TfLiteStatus {name}(const TFLMRegistration& r = Register()) {{\n"
    for name in ("AddConv2D", "AddFullyConnected", "AddSoftmax", "AddReshape")
)
HEADERS = {
    "micro_interpreter.h": "#define TFLITE_SCHEMA_VERSION (3)\n",
    "micro_mutable_op_resolver.h": _METHODS,
    "micro_common.h": "struct TFLMRegistration {};\n",
    "debug_log.h": "void DebugLog(const char* format, va_list args);\n",
    "micro_op_resolver.h": "TfLiteBridgeBuiltinParseFunction GetOpDataParser();\n",
}


def headers(folder: Path) -> None:
    """TFLM's own headers."""
    for name, text in HEADERS.items():
        write(folder / "tensorflow/lite/micro" / name, text)


def parts(folder: Path, *, flatbuffers: str = "flatbuffers/include") -> None:
    """What its headers include."""
    for name in (f"{flatbuffers}/flatbuffers/flatbuffers.h", "gemmlowp/fixedpoint/fixedpoint.h"):
        write(folder / name, "")
    write(folder / "ruy/ruy/profiler/instrumentation.h", "")


def library(path: Path, *symbols: str, target: tuple[str, str] = M4F) -> Path:
    """A static library that defines the symbols, compiled for a target of zig's."""
    path.parent.mkdir(parents=True, exist_ok=True)
    source, obj = path.with_suffix(".c"), path.with_suffix(".o")
    source.write_text("".join(f"int {s}(float x) {{ return (int)x; }}\n" for s in symbols))
    zig = [sys.executable, "-m", "ziglang"]
    triple, cpu = target
    flags = ["-target", triple, f"-mcpu={cpu}", "-O1", "-ffreestanding", "-fno-sanitize=all"]
    for argv in ([*zig, "cc", *flags, "-c", source, "-o", obj], [*zig, "ar", "rcs", path, obj]):
        process.run(argv, timeout=120, what="making a library", env=zig_environment())
    source.unlink()
    obj.unlink()
    return path


STAND_INS = Path(__file__).parent / "stand_ins"
"""C++ that stands in for TensorFlow Lite Micro's headers, and programs for it."""

_STOOD_FOR = (
    "c/common.h", "micro/arena_allocator/single_arena_buffer_allocator.h", "micro/compatibility.h", "micro/debug_log.h",
    "micro/memory_helpers.h", "micro/memory_planner/greedy_memory_planner.h", "micro/micro_allocator.h",
    "micro/micro_interpreter.h", "micro/micro_mutable_op_resolver.h", "micro/micro_op_resolver.h",
    "micro/micro_resource_variable.h", "schema/schema_generated.h", "schema/schema_utils.h",
)  # fmt: skip


def forwarding(folder: Path, header: str) -> Path:
    """A folder to include in the place of TFLM's headers, all of which are the `header` of STAND_INS."""
    for name in _STOOD_FOR:
        write(folder / "tensorflow/lite" / name, f'#include "{header}"\n')
    for name in (header, "tflm_memory.h"):
        write(folder / name, (STAND_INS / name).read_text())
    return folder


def stand_in(folder: Path, *, freestanding: bool = False) -> Path:
    """A folder to include in the place of TFLM's headers; `freestanding`: and of those of the C and C++ libraries that
    edgeq's own C++ takes, where the compiler has none."""
    forwarding(folder, "tflm.h")
    if freestanding:
        write(
            folder / "new", "#pragma once\ninline void *operator new(__SIZE_TYPE__, void *at) noexcept { return at; }\n"
        )
        jumps = (
            "int setjmp(jmp_buf) __attribute__((returns_twice)); void longjmp(jmp_buf, int) __attribute__((noreturn));"
        )
        write(folder / "setjmp.h", f'typedef int jmp_buf[32];\nextern "C" {{ {jumps} }}\n')
        write(folder / "stdlib.h", 'extern "C" void abort(void) __attribute__((noreturn));\n')
    return folder


def write(path: Path, text: str) -> None:
    """A file, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
