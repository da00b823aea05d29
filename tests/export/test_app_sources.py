"""The exported C++: compiled, held to the host's numbers, and run in the LiteRT of this machine."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import app_exports
import numpy as np
import pytest
from projects import HOST_CPP

import edgeq
from edgeq import process, resources
from edgeq.native_agent.runtime import litert_library
from edgeq.native_agent.targets import find_target

pytestmark = pytest.mark.xdist_group("export")

_STAND_INS = Path(__file__).parent.parent / "stand_ins"

_FLAGS = (
    "-std=c++17", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Werror", "-O0",
    "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
)  # fmt: skip


class Package:
    """An Android export whose C++ was compiled: `name`, its folder, and its two test programs."""

    def __init__(self, build: Path, folder: Path, **options: str) -> None:
        done = edgeq.export_build(build, to="android", out=folder / "package", **options)  # type: ignore[arg-type]
        self.name, self.out, cpp = done.name, done.out, done.out / "cpp"
        self.golden = self.out / "src/androidTest/assets" / self.name
        self.model = self.out / "src/main/assets" / f"{self.name}.tflite"
        includes = [f"-I{cpp / 'include'}", f"-I{cpp / 'src'}"]
        self.programs = {}
        for test, sources in (("spec", []), ("model", sorted((cpp / "src").glob("*.cpp")))):
            program = folder / f"test_{test}"
            argv = [*HOST_CPP, *_FLAGS, *includes, *sources, cpp / "test" / f"test_{test}.cpp", "-ldl", "-o", program]
            process.run(argv, timeout=200, what="compiling")
            self.programs[test] = program

    def answers(self, model: Path, golden: Path, library: str, *, leaks: int = 0) -> tuple[int, str]:
        argv = [self.programs["model"], model, golden, library]
        # LiteRT's library keeps memory of its own until the process ends: no leaks are looked for, unless asked.
        done = subprocess.run(
            argv, capture_output=True, text=True, timeout=60, check=False, env={"ASAN_OPTIONS": f"detect_leaks={leaks}"}
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    folder = tmp_path_factory.mktemp("sources")
    content = app_exports.described(app_exports.app_model())
    return Package(app_exports.make_app_build(folder / "build", content), folder)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(litert_library(find_target("host"), None, tmp_path_factory.mktemp("litert")))


def test_constants_and_conversions_are_the_hosts(package: Package) -> None:
    done = process.run([package.programs["spec"]], timeout=20, what="the exported test")
    assert done.stdout == b"small_net: constants and conversions are the host's\n"


def test_a_changed_constant_is_seen(package: Package, tmp_path: Path) -> None:
    copy = shutil.copytree(package.out / "cpp", tmp_path / "cpp")
    spec = copy / "include/small_net/spec.h"
    spec.write_text(spec.read_text().replace("{0.0186584f, -14}", "{0.01865841f, -14}"))
    argv = [*HOST_CPP, "-std=c++17", f"-I{copy}/include", copy / "test/test_spec.cpp", "-o", tmp_path / "test"]
    process.run(argv, timeout=100, what="compiling")
    done = subprocess.run([tmp_path / "test"], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    assert "wrong: image: scale" in done.stdout


def test_the_model_answers_as_the_host(package: Package, library: str) -> None:
    assert package.answers(package.model, package.golden, library)[0] == 0


def test_another_answer_is_seen(package: Package, library: str, tmp_path: Path) -> None:
    golden = shutil.copytree(package.golden, tmp_path / "golden")
    values = np.fromfile(golden / "golden_output_0.bin", "<f4")
    values[2] += np.float32(1.5 * 0.0371)
    values.tofile(golden / "golden_output_0.bin")
    status, said = package.answers(package.model, golden, library)
    assert status == 1
    assert "answers otherwise than the host" in said


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("model", "the .tflite has the SHA-256 "),
        ("library", "LiteRT's library cannot be loaded: "),
        ("version", "LiteRT's library has no LiteRt"),
        ("input", "class_input has 4 values, not 5"),
    ],
)
def test_what_is_wrong_is_said(package: Package, library: str, tmp_path: Path, what: str, words: str) -> None:
    model, golden = package.model, shutil.copytree(package.golden, tmp_path / "golden")
    if what == "model":
        model = tmp_path / "other.tflite"
        model.write_bytes(app_exports.app_model())
    elif what == "library":
        library = "/nowhere/libLiteRt.so"
    elif what == "version":
        library = str(tmp_path / "empty.so")
        process.run([*HOST_CPP, "-shared", "-x", "c++", "/dev/null", "-o", library], timeout=60, what="compiling")
    else:
        (golden / "golden_input_1.bin").write_bytes(bytes(16))
    status, said = package.answers(model, golden, library)
    assert status == 3
    assert words in said


def test_options_that_litert_does_not_take_are_given_back(package: Package, tmp_path: Path) -> None:
    library, sources = tmp_path / "refusing.so", [_STAND_INS / "litert.cpp", _STAND_INS / "litert_refuses_options.cpp"]
    include = f"-I{resources.firmware() / 'agent' / 'src'}"
    process.run([*HOST_CPP, "-shared", "-fPIC", include, *sources, "-o", library], timeout=60, what="compiling")
    status, said = package.answers(package.model, package.golden, str(library), leaks=1)
    assert (status, "compiling the model: LiteRT's status 3" in said) == (3, True), said


@pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake is not installed")
def test_cmake_builds_and_runs_its_tests(package: Package, library: str, tmp_path: Path) -> None:
    """Of a model without signature, labels and normalization, with uint8 values."""
    content = app_exports.app_model(signature=False, integer="uint8")
    build = app_exports.make_app_build(tmp_path / "build", content, name="plain")
    out = edgeq.export_build(build, to="android", out=tmp_path / "package").out
    made, compiler = tmp_path / "made", shutil.which("g++") or "c++"
    configure = [
        "cmake",
        "-S",
        out / "cpp",
        "-B",
        made,
        f"-DPLAIN_LITERT={library}",
        f"-DCMAKE_CXX_COMPILER={compiler}",
    ]
    process.run(configure, timeout=100, what="cmake")
    process.run(["cmake", "--build", made, "--parallel", "2"], timeout=200, what="cmake")
    done = process.run(["ctest", "--test-dir", made], timeout=60, what="ctest")
    assert b"100% tests passed, 0 tests failed out of 2" in done.stdout
