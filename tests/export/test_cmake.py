"""CMake's own word on the package: in the tree, installed and found, of another version, and run on all samples."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from exports import save_samples

import edgeq
from edgeq import process
from edgeq.builds import Build
from edgeq.errors import ToolError

pytestmark = [
    pytest.mark.xdist_group("export"),
    pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake is not installed"),
]

_MAIN = """
#include <stdio.h>

#include <small.h>

int main(void) {
  if (small_init() != EDGEQ_OK) return 1;
  while (fread(small_input(), SMALL_INPUT_BYTES, 1, stdin) == 1) {
    if (small_invoke() != EDGEQ_OK) return 2;
    fwrite(small_output_0(), SMALL_OUTPUT_0_BYTES, 1, stdout);
    fwrite(small_output_1(), SMALL_OUTPUT_1_BYTES, 1, stdout);
  }
  return 0;
}
"""


def cmake(*arguments: str | Path) -> str:
    done = process.run(["cmake", *arguments], timeout=200, what="cmake")
    assert b"warning" not in done.stderr.lower(), done.stderr.decode()
    return done.stdout.decode()


@pytest.fixture(scope="module")
def package(small: Build, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("cmake") / "of theirs" / "small"
    return edgeq.export_build(small.folder, to="cmake", out=out, package_version="2.3.4").out


@pytest.fixture(scope="module")
def installed(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("installed")
    cmake("-S", package, "-B", place / "build")
    assert "small: self-test passed" in cmake("--build", place / "build", "--target", "test_small")
    cmake("--install", place / "build", "--prefix", place / "prefix")
    return place / "prefix"


def program(folder: Path, how: str, *arguments: str, language: str = "C") -> Path:
    """A user's program, built; `how` is what its CMakeLists.txt says about the model."""
    suffix = {"C": "c", "CXX": "cpp"}[language]
    (folder / f"main.{suffix}").write_text(_MAIN)
    (folder / "CMakeLists.txt").write_text(
        f"cmake_minimum_required(VERSION 3.13)\nproject(theirs LANGUAGES C CXX)\n{how}\n"
        f"add_executable(theirs main.{suffix})\ntarget_link_libraries(theirs PRIVATE small::small)\n"
    )
    cmake("-S", folder, "-B", folder / "out", *arguments)
    cmake("--build", folder / "out")
    return folder / "out" / "theirs"


def test_installed_and_found(small: Build, installed: Path, tmp_path: Path) -> None:
    theirs = program(tmp_path, "find_package(small 2.1 REQUIRED CONFIG)", f"-DCMAKE_PREFIX_PATH={installed}")
    samples, answers = save_samples(small, tmp_path)
    assert process.run([theirs], timeout=60, what="their program", stdin=samples.read_bytes()).stdout == answers
    headers = {p.relative_to(installed / "include").as_posix() for p in (installed / "include").rglob("*.h")}
    assert headers == {"small.h", "small/config.h", "small/engine.h"}


def test_another_major_version_is_not_found(installed: Path, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="version"):
        program(tmp_path, "find_package(small 3.0 REQUIRED CONFIG)", f"-DCMAKE_PREFIX_PATH={installed}")


def test_as_a_subdirectory_of_a_program_in_cpp(small: Build, package: Path, tmp_path: Path) -> None:
    theirs = program(tmp_path, f'add_subdirectory("{package}" small)', "-DSMALL_SELFTEST=OFF", language="CXX")
    samples, answers = save_samples(small, tmp_path)
    assert process.run([theirs], timeout=60, what="their program", stdin=samples.read_bytes()).stdout == answers
