"""Exports that TensorFlow Lite Micro runs: each ecosystem's manifest names it, and the engine around it compiles and
runs with what stands in for its interpreter. No package index has TFLM's own library."""

from __future__ import annotations

import json
import os
import re
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
import yaml
from exports import WARNINGS, ZIG, package, unproven
from tflite_builder import ModelBuilder
from tflm_trees import NO_TFLM, forwarding

import edgeq
from edgeq import process
from edgeq.builds import Build
from edgeq.errors import UnsupportedError
from edgeq.export.interpreted import interpreter_run
from edgeq.export.registry import TITLES
from edgeq.model.flatbuffer import parse_tflite
from edgeq.options import TFLM_ROOT_VARIABLE
from edgeq.toolchain.tflm import find_library

pytestmark = pytest.mark.xdist_group("export")


@pytest.fixture(scope="module")
def packages(small: Build, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("tflm")
    return {to: edgeq.export_build(small.folder, to=to, out=folder / to, engine="tflm").out for to in TITLES}


def test_every_ecosystem_declares_tflm_in_its_own_way(packages: dict[str, Path]) -> None:
    """In the words of each: an Arduino library, a registry's package, a module, a component, a pack."""
    assert "depends=Chirale_TensorFLowLite\n" in (packages["arduino"] / "library.properties").read_text()
    (dependency,) = json.loads((packages["platformio"] / "library.json").read_text())["dependencies"]
    assert dependency["name"] == "Chirale_TensorFLowLite"
    module = yaml.safe_load((packages["zephyr"] / "zephyr" / "module.yml").read_text())
    assert module["build"]["depends"] == ["tflite-micro"]
    assert "depends on CPP && TENSORFLOW_LITE_MICRO" in (packages["zephyr"] / "zephyr" / "Kconfig").read_text()
    component = yaml.safe_load((packages["esp-idf"] / "idf_component.yml").read_text())
    assert "espressif/esp-tflite-micro" in component["dependencies"]
    assert "PRIV_REQUIRES esp-tflite-micro" in (packages["esp-idf"] / "CMakeLists.txt").read_text()
    pack = ET.parse(packages["cmsis-pack"] / "edgeq.small.pdsc").getroot()  # noqa: S314 (our own)
    assert [p.get("name") for p in pack.iter("package")][1:] == ["tensorflow-lite-micro"]
    assert "if(NOT TARGET ${SMALL_TFLM})" in (packages["cmake"] / "CMakeLists.txt").read_text()
    assert "TFLM_LIBRARY" in (packages["library"] / "Makefile").read_text()


@pytest.mark.parametrize("to", TITLES)
def test_nothing_of_the_other_engine_comes_along(packages: dict[str, Path], to: str) -> None:
    files = {p.name for p in packages[to].rglob("*") if p.is_file()}
    assert {"small.h", "small_engine.cpp", "small_model_data.cpp", "small_op_resolver.h", "settings.h"} <= files
    assert not {"small.c", "small_weights.c", "kernels.h"} & files


_MAIN = """
#include <small.h>

int main() {
  if (small_invoke() != EDGEQ_FAILED || small_input() != nullptr || small_arena_used() != 0) return 1;
  if (small_init() != EDGEQ_OK || small_arena_used() != 300 || small_arena_lacking() != 0) return 2;
  if (small_selftest() != EDGEQ_MISMATCH) return 3; /* another network */
  float in[SMALL_INPUT_ELEMENTS] = {1.0f}, out[SMALL_OUTPUT_0_ELEMENTS];
  small_quantize_input(in, small_input());
  if (small_invoke() != EDGEQ_OK) return 4;
  small_dequantize_output_0(small_output_0(), out);
  return small_output_1()[0] == 127 && out[0] > 0.99f && out[1] == 0.0f ? 0 : 5;
}
"""


def run_engine(library: Path, interpreter: str, main: str, tmp_path: Path, *flags: str) -> None:
    """Compile a package with what stands in for the interpreter's headers, and run a program with it."""
    forwarding(tmp_path, interpreter)
    # The compiler is called without its C++ library, which would have to be built first.
    (tmp_path / "new").write_text(
        "#pragma once\ninline void *operator new(__SIZE_TYPE__, void *at) noexcept { return at; }\n"
    )
    (tmp_path / "main.cpp").write_text(main)
    sources = sorted(p for suffix in ("*.c", "*.cpp") for p in (library / "src").rglob(suffix))
    process.run(
        [*ZIG, "cc", "-x", "c++", "-std=c++17", *WARNINGS, "-O1", "-fno-exceptions", "-fno-rtti",
         "-fno-threadsafe-statics", *flags, f"-I{library / 'include'}", "-isystem", ".", *sources, "main.cpp", "-o",
         "main"],
        timeout=200, what="compiling the engine", cwd=tmp_path,
    )  # fmt: skip
    process.run([tmp_path / "main"], timeout=30, what="the engine")


def test_the_engine_compiles_and_runs(packages: dict[str, Path], tmp_path: Path) -> None:
    run_engine(packages["library"], "tflm_copier.h", _MAIN, tmp_path)


_TOO_SMALL_MAIN = """
#include <small.h>

int main() {
  for (int round = 0; round < 2; round++) {
    if (small_init() != EDGEQ_FAILED || small_selftest() != EDGEQ_FAILED) return 1;
    if (small_invoke() != EDGEQ_FAILED || small_input() != nullptr || small_arena_used() != 0) return 2;
    if (small_arena_lacking() == 0 || small_arena_lacking() > 112) return 3; /* one tensor, at most */
  }
  return 0;
}
"""


def test_init_refuses_an_arena_that_is_too_small(packages: dict[str, Path], tmp_path: Path) -> None:
    """Before the interpreter writes behind a null that it does not expect; what lacks is told."""
    run_engine(packages["library"], "tflm_copier.h", _TOO_SMALL_MAIN, tmp_path, "-DSMALL_ARENA_BYTES=320")


def test_the_engine_is_of_an_older_cpp_too(packages: dict[str, Path], tmp_path: Path) -> None:
    """What Arduino's cores and ESP-IDF compile as, if nobody asks for more."""
    run_engine(packages["library"], "tflm_copier.h", _MAIN, tmp_path, "-std=c++11")


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """A sum over inferences, in a resource variable that begins with 7, behind a RELU6 that TFLM computes wrongly."""
    m = ModelBuilder()
    m.call_once({"sum": (np.array([[7] * 4], np.int8), {"scale": 0.1, "zero_point": 3})})
    x = m.tensor("x", (1, 4), scale=0.1)
    old, new = (m.tensor(name, (1, 4), scale=0.1, zero_point=3) for name in ("old", "new"))
    y = m.tensor("y", (1, 4), scale=0.04, zero_point=-100)
    m.op("READ_VARIABLE", [m.variable("sum")], [old])
    m.op("ADD", [x, old], [new])
    m.op("ASSIGN_VARIABLE", [m.variable("sum"), new], [])
    m.op("RELU6", [new], [y])
    return unproven(m.finish([x], [y]), tmp_path_factory.mktemp("stream"), "stream")


@pytest.fixture(scope="module")
def streaming(stream: Build, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return package(stream, "library", tmp_path_factory.mktemp("streaming"), "tflm")


def test_an_equal_model_stands_for_one_that_tflm_computes_wrongly(stream: Build, streaming: Path) -> None:
    content = interpreter_run(stream).content
    assert "RELU6" in {op.name for op in stream.quantized.graph.ops}
    assert "RELU6" not in {op.name for op in parse_tflite(content).ops}
    array = (streaming / "src/stream_model_data.cpp").read_text()
    body = array[array.index("= {") + 3 : array.index("};")]
    assert bytes(int(value, 0) for value in body.replace(",", " ").split()) == content
    assert f"_BYTES {len(content)}\n" in (streaming / "src/stream_model_data.h").read_text()
    resolver = (streaming / "src/stream_op_resolver.h").read_text()
    assert "AddMinimum" in resolver
    assert "AddRelu6" not in resolver
    assert "RELU6 ignores its output's scale" in (streaming / "README.md").read_text()


def test_a_model_that_tflm_computes_wrongly_is_refused(tmp_path: Path) -> None:
    m = ModelBuilder()
    x = m.tensor("x", (1, 3, 3, 2), scale=0.1)
    w = m.tensor("w", (1, 1, 1, 2), data=np.array([3, -2], np.int8).reshape(1, 1, 1, 2), scale=1.0)
    y = m.tensor("y", (1, 3, 3, 2), scale=0.1)
    m.op("DEPTHWISE_CONV_2D", [x, w, -1], [y], padding="SAME", stride_h=1, stride_w=1, depth_multiplier=1)
    with pytest.raises(UnsupportedError, match="crashes on a depthwise convolution"):
        package(unproven(m.finish([x], [y]), tmp_path, "wrong"), "library", tmp_path / "out", "tflm")


_STREAMING_MAIN = """
#include <stream.h>

int main() {
  for (int round = 0; round < 2; round++) {
    if (stream_init() != EDGEQ_OK) return 1;
    for (int i = 1; i < 4; i++) {
      stream_input()[0] = 2;
      if (stream_invoke() != EDGEQ_OK || stream_output()[3] != 7 + 2 * i) return 2;
    }
  }
  return 0;
}
"""


def test_a_model_with_resource_variables_starts_and_starts_anew(streaming: Path, tmp_path: Path) -> None:
    resolver = (streaming / "src/stream_op_resolver.h").read_text()
    methods = "".join(
        f"  TfLiteStatus {m}() {{ return kTfLiteOk; }}\\\n" for m in re.findall(r"resolver\.(\w+)", resolver)
    )
    (tmp_path / "methods.h").write_text(f"#define STAND_IN_METHODS {methods}\n")
    run_engine(streaming, "tflm_summer.h", _STREAMING_MAIN, tmp_path)


@pytest.mark.skipif(not os.environ.get(TFLM_ROOT_VARIABLE), reason=NO_TFLM)
@pytest.mark.parametrize("model", ["small", "stream"])
def test_the_engine_compiles_with_tflms_own_headers(
    small: Build, packages: dict[str, Path], streaming: Path, tmp_path: Path, model: str
) -> None:
    if shutil.which("arm-none-eabi-g++") is None:
        pytest.skip("arm-none-eabi-g++ is not installed")
    tflm = find_library(Path(os.environ[TFLM_ROOT_VARIABLE]), small.board)
    library = packages["library"] if model == "small" else streaming
    theirs = [argument for folder in tflm.include_dirs for argument in ("-isystem", folder)]
    process.run(
        ["arm-none-eabi-g++", *small.board.gcc_flags, "-std=c++17", *WARNINGS, "-O1", "-fno-exceptions", "-fno-rtti",
         "-DTF_LITE_STATIC_MEMORY", f"-I{library / 'include'}", *theirs, "-c",
         *sorted((library / "src").rglob("*.cpp"))],
        timeout=200, what="compiling the engine", cwd=tmp_path,
    )  # fmt: skip
