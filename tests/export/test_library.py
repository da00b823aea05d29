"""The exported C: it compiles everywhere without a warning, holds no name but the model's, and computes what the
reference computes, two models in one program."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from exports import C99, CPP17, WARNINGS, ZIG, save_samples

import edgeq
from edgeq import process
from edgeq.builds import Build
from edgeq.errors import ToolError

pytestmark = pytest.mark.xdist_group("export")

_ZIG_TARGETS = {
    "cortex-m0": ("thumb-freestanding-eabi", "cortex_m0"),
    "cortex-m3": ("thumb-freestanding-eabi", "cortex_m3"),
    "cortex-m4": ("thumb-freestanding-eabihf", "cortex_m4+vfp4d16sp"),
    "cortex-m7": ("thumb-freestanding-eabihf", "cortex_m7+fp_armv8d16"),
    "cortex-m33": ("thumb-freestanding-eabihf", "cortex_m33+dsp+fp_armv8d16sp"),
    "cortex-m55": ("thumb-freestanding-eabihf", "cortex_m55+mve_fp"),
    "riscv32": ("riscv32-freestanding-none", "generic_rv32+m"),
}
_GCC_TARGETS = {
    "cortex-m0": ("-mcpu=cortex-m0", "-mthumb"),
    "cortex-m3": ("-mcpu=cortex-m3", "-mthumb"),
    "cortex-m4": ("-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"),
    "cortex-m7": ("-mcpu=cortex-m7", "-mthumb", "-mfpu=fpv5-d16", "-mfloat-abi=hard"),
    "cortex-m33": ("-mcpu=cortex-m33", "-mthumb", "-mfpu=fpv5-sp-d16", "-mfloat-abi=hard"),
    "cortex-m55": ("-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard"),
}


@pytest.fixture(scope="module")
def libraries(small: Build, vector: Build, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("libraries")
    return {
        build.name: edgeq.export_build(build.folder, to="library", out=folder / build.name).out
        for build in (small, vector)
    }


def compile_all(
    compiler: tuple[str, ...], library: Path, folder: Path, *flags: str, more: tuple[Path, ...] = ()
) -> None:
    """All sources of a library in one command, warnings being errors; objects into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = sorted((library / "src").rglob("*.c"))
    process.run(
        [*compiler, *WARNINGS, "-O1", f"-I{library / 'include'}", *flags, "-c", *sources, *more],
        timeout=200, what="compiling the library", cwd=folder,
    )  # fmt: skip


@pytest.mark.parametrize("core", _ZIG_TARGETS)
def test_clang(libraries: dict[str, Path], tmp_path: Path, core: str) -> None:
    """zig cc, which is clang, for every core; the kernels of one build on all, those for vectors where they are."""
    target, cpu = _ZIG_TARGETS[core]
    compiler = (*ZIG, "cc", "-target", target, f"-mcpu={cpu}", "-fno-sanitize=all")
    library = libraries["vector" if core == "cortex-m55" else "small"]
    compile_all(compiler, library, tmp_path, *C99)
    compile_all(compiler, library, tmp_path, *CPP17)


@pytest.mark.parametrize("core", _GCC_TARGETS)
def test_gcc(libraries: dict[str, Path], tmp_path: Path, core: str) -> None:
    """Without the headers of a C library: the example, which needs stdio.h, is left to the host's compilers."""
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    library = libraries["vector" if core == "cortex-m55" else "small"]
    compile_all(("arm-none-eabi-gcc", *_GCC_TARGETS[core]), library, tmp_path, *C99)
    compile_all(("arm-none-eabi-g++", *_GCC_TARGETS[core]), library, tmp_path, *CPP17, "-fsyntax-only")


@pytest.mark.parametrize(
    "compiler", [("gcc",), ("g++",), (*ZIG, "cc"), (*ZIG, "c++")], ids=["gcc", "g++", "clang", "clang++"]
)
def test_host(libraries: dict[str, Path], tmp_path: Path, compiler: tuple[str, ...]) -> None:
    if shutil.which(compiler[0]) is None:
        pytest.skip(f"{compiler[0]} is not installed")
    language = CPP17 if compiler[-1].endswith("++") else C99
    for library in libraries.values():
        compile_all(compiler, library, tmp_path, *language, more=(library / "examples" / "main.c",))


def test_avr_is_refused(libraries: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "sketch.c").write_text('#include "small.h"\n')
    include = f"-I{libraries['small'] / 'include'}"
    with pytest.raises(ToolError, match="small: AVR has neither"):
        process.run(
            [*ZIG, "cc", "-D__AVR__", include, "-fsyntax-only", "sketch.c"], timeout=60, what="a sketch", cwd=tmp_path
        )


_TWO = """
#include <stdio.h>
#include <string.h>

#include "small.h"
#include "vector.h"

static int all(FILE *in, FILE *out) {
  if (small_init() != EDGEQ_OK || vector_init() != EDGEQ_OK) return 1;
  if (small_selftest() != EDGEQ_OK || vector_selftest() != EDGEQ_OK) return 2;
  while (fread(small_input(), SMALL_INPUT_BYTES, 1, in) == 1) {
    memcpy(vector_input(), small_input(), VECTOR_INPUT_BYTES);
    if (small_invoke() != EDGEQ_OK || vector_invoke() != EDGEQ_OK) return 3;
    if (memcmp(small_output_0(), vector_output_0(), SMALL_OUTPUT_0_BYTES)) return 4;
    if (memcmp(small_output_1(), vector_output_1(), SMALL_OUTPUT_1_BYTES)) return 5;
    fwrite(small_output_0(), SMALL_OUTPUT_0_BYTES, 1, out);
    fwrite(vector_output_1(), VECTOR_OUTPUT_1_BYTES, 1, out);
  }
  return 0;
}

int main(void) { return all(stdin, stdout); }
"""


@pytest.mark.parametrize("compiler", [(*ZIG, "cc"), ("g++",)], ids=["C99", "C++17"])
def test_two_models_in_one_program(
    small: Build, libraries: dict[str, Path], tmp_path: Path, compiler: tuple[str, ...]
) -> None:
    """All objects are linked, not only those that an archive gives: no name is there twice. Both models are right."""
    if shutil.which(compiler[0]) is None:
        pytest.skip(f"{compiler[0]} is not installed")
    (tmp_path / "main.c").write_text(_TWO)
    sources = sorted(s for library in libraries.values() for s in (library / "src").rglob("*.c"))
    includes = [f"-I{library / 'include'}" for library in libraries.values()]
    process.run(
        [*compiler, *(CPP17 if compiler == ("g++",) else C99), *includes, "-O1", *sources, "main.c", "-o", "both"],
        timeout=200, what="linking two models", cwd=tmp_path,
    )  # fmt: skip
    samples, answers = save_samples(small, tmp_path)
    done = process.run([tmp_path / "both"], timeout=60, what="two models", stdin=samples.read_bytes())
    assert done.stdout == answers


def test_every_global_name_is_the_models(libraries: dict[str, Path], tmp_path: Path) -> None:
    """What the objects of a library define begins with the model's name; what they need is of it, or memcpy's kind."""
    if shutil.which("nm") is None or shutil.which("gcc") is None:
        pytest.skip("not installed: gcc, nm")
    for name, library in libraries.items():
        compile_all(("gcc",), library, tmp_path / name, *C99)
        listed = process.run(
            ["nm", "-P", "-g", "-A", *sorted((tmp_path / name).glob("*.o"))], timeout=60, what="nm"
        ).stdout.decode()
        symbols = {line.split()[1] for line in listed.splitlines()}
        others = {s for s in symbols if not s.startswith(f"{name}_")}
        assert others <= {"memcpy", "memset", "memmove", "memcmp", "_GLOBAL_OFFSET_TABLE_"}


def test_a_users_settings(libraries: dict[str, Path], tmp_path: Path) -> None:
    """Without -D: a header of the user's places arena and weights, and leaves the golden input out."""
    if shutil.which("objdump") is None or shutil.which("gcc") is None:
        pytest.skip("not installed: gcc, objdump")
    (tmp_path / "small_user_config.h").write_text(
        '#define SMALL_ARENA_SECTION ".fast"\n#define SMALL_WEIGHTS_SECTION ".slow"\n#define SMALL_NO_SELFTEST\n'
    )
    compile_all(("gcc",), libraries["small"], tmp_path, *C99, f"-I{tmp_path}")
    headers = {
        name: process.run(["objdump", "-h", tmp_path / f"{name}.o"], timeout=30, what="objdump").stdout.decode()
        for name in ("small", "small_weights", "small_golden")
    }
    assert ".fast" in headers["small"]
    assert ".slow" in headers["small_weights"]
    assert ".rodata" not in headers["small_golden"]


def test_weights_are_never_copied_to_ram(libraries: dict[str, Path], tmp_path: Path) -> None:
    """Nothing of the library is initialised data: no section .data in any object."""
    if shutil.which("size") is None or shutil.which("gcc") is None:
        pytest.skip("not installed: gcc, size")
    for name, library in libraries.items():
        compile_all(("gcc",), library, tmp_path / name, *C99, "-fno-pic", "-fno-pie")
        listed = process.run(["size", *sorted((tmp_path / name).glob("*.o"))], timeout=60, what="size").stdout.decode()
        assert {line.split()[1] for line in listed.splitlines()[1:]} == {"0"}
