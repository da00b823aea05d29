"""CMake on the package that TensorFlow Lite Micro runs: natively with what stands in for TFLM, and for a board with the
user's own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from test_cmake import cmake
from tflm_trees import NO_TFLM, forwarding

import edgeq
from edgeq import process
from edgeq.builds import Build
from edgeq.errors import ToolError
from edgeq.options import TFLM_ROOT_VARIABLE
from edgeq.toolchain.tflm import find_library

pytestmark = [
    pytest.mark.xdist_group("export"),
    pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake is not installed"),
]

_PROJECT = """
cmake_minimum_required(VERSION 3.13)
project(theirs LANGUAGES C CXX)
{tflm}
add_subdirectory("{package}" small)
add_executable(theirs main.c)
target_link_libraries(theirs PRIVATE small::small)
"""
_MAIN = """
#include <small.h>

int main(void) {
  if (small_init() != EDGEQ_OK) return 1;
  small_input()[0] = 42;
  return small_invoke() == EDGEQ_OK && small_output_1()[0] == 42 ? 0 : 2;
}
"""


@pytest.fixture(scope="module")
def package(small: Build, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("tflm cmake") / "small"
    return edgeq.export_build(small.folder, to="cmake", out=out, engine="tflm").out


def configure(folder: Path, package: Path, tflm: str, *arguments: str) -> Path:
    """A user's project around the package, configured; its build folder."""
    (folder / "main.c").write_text(_MAIN)
    (folder / "CMakeLists.txt").write_text(_PROJECT.format(tflm=tflm, package=package))
    cmake("-S", folder, "-B", folder / "out", *arguments)
    return folder / "out"


def test_built_and_run_behind_a_target_of_the_user(package: Path, tmp_path: Path) -> None:
    headers = forwarding(tmp_path / "tflm", "tflm_copier.h")
    target = f'add_library(their-tflm INTERFACE)\ntarget_include_directories(their-tflm SYSTEM INTERFACE "{headers}")'
    out = configure(tmp_path, package, target, "-DSMALL_TFLM=their-tflm", "-DCMAKE_CXX_FLAGS=-Wall -Wextra -Werror")
    cmake("--build", out)
    process.run([out / "theirs"], timeout=30, what="their program")


def test_without_a_target_the_message_says_what_to_do(package: Path, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"no target tflite-micro; define it before, or name yours with"):
        configure(tmp_path, package, "")


@pytest.mark.skipif(not os.environ.get(TFLM_ROOT_VARIABLE), reason=NO_TFLM)
def test_linked_with_tflm_itself_for_a_board(small: Build, package: Path, tmp_path: Path) -> None:
    """By a CMake that compiles for the Cortex-M4F; what TFLM prints goes nowhere."""
    tflm = find_library(Path(os.environ[TFLM_ROOT_VARIABLE]), small.board)
    defined = " INTERFACE_COMPILE_DEFINITIONS TF_LITE_STRIP_ERROR_STRINGS" if tflm.stripped else ""
    headers = ";".join(map(str, tflm.include_dirs))
    target = (
        "add_library(tflite-micro STATIC IMPORTED)\nset_target_properties(tflite-micro PROPERTIES "
        f'IMPORTED_LOCATION "{tflm.archive}" INTERFACE_INCLUDE_DIRECTORIES "{headers}"{defined})'
    )
    flags = " ".join(small.board.gcc_flags)
    out = configure(
        tmp_path, package, target, "-DCMAKE_SYSTEM_NAME=Generic", "-DCMAKE_C_COMPILER=arm-none-eabi-gcc",
        "-DCMAKE_CXX_COMPILER=arm-none-eabi-g++", "-DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY",
        f"-DCMAKE_C_FLAGS={flags}", f"-DCMAKE_CXX_FLAGS={flags}",
        "-DCMAKE_EXE_LINKER_FLAGS=--specs=nosys.specs -Wl,--gc-sections",
    )  # fmt: skip
    process.run(["cmake", "--build", out], timeout=300, what="cmake")
    symbols = process.run(["arm-none-eabi-nm", "-C", out / "theirs"], timeout=30, what="nm").stdout.decode()
    assert "T small_invoke\n" in symbols
    assert "tflite::MicroInterpreter::Invoke()" in symbols
    assert "__cxa_guard_acquire" not in symbols
