"""Exports that TensorFlow Lite Micro runs: each ecosystem's manifest names it, and the engine around it compiles and
runs with what stands in for its interpreter. No package index has TFLM's own library."""

from __future__ import annotations

import json
import os
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import yaml
from exports import WARNINGS, ZIG
from tflm_trees import NO_TFLM

import edgeq
from edgeq import process
from edgeq.builds import Build
from edgeq.export.registry import TITLES
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


_INTERPRETER = """
#pragma once
#include <stddef.h>
#include <stdint.h>
enum TfLiteStatus { kTfLiteOk, kTfLiteError };
struct TfLiteTensor {
  union { void *data; } data;
};
namespace tflite {
struct Model {};
inline const Model *GetModel(const void *) { static const Model model; return &model; }
struct MicroOpResolver {};
template <unsigned> struct MicroMutableOpResolver : MicroOpResolver {
  TfLiteStatus AddConcatenation() { return kTfLiteOk; }
  TfLiteStatus AddConv2D() { return kTfLiteOk; }
  TfLiteStatus AddFullyConnected() { return kTfLiteOk; }
  TfLiteStatus AddLogistic() { return kTfLiteOk; }
  TfLiteStatus AddMaxPool2D() { return kTfLiteOk; }
  TfLiteStatus AddReshape() { return kTfLiteOk; }
  TfLiteStatus AddSoftmax() { return kTfLiteOk; }
};
/* Copies the head of the input to both outputs. */
struct MicroInterpreter {
  MicroInterpreter(const Model *, const MicroOpResolver &, uint8_t *arena, size_t) {
    for (int i = 0; i < 3; i++) tensors[i].data.data = arena + 100 * i;
  }
  TfLiteStatus AllocateTensors() { return kTfLiteOk; }
  TfLiteStatus Reset() { return kTfLiteOk; }
  TfLiteStatus Invoke() {
    for (int i = 0; i < 54; i++) at(1)[i] = at(2)[i] = at(0)[i];
    return kTfLiteOk;
  }
  size_t arena_used_bytes() const { return 300; }
  TfLiteTensor *input(int) { return &tensors[0]; }
  TfLiteTensor *output(int i) { return &tensors[1 + i]; }
  int8_t *at(int i) { return static_cast<int8_t *>(tensors[i].data.data); }
  TfLiteTensor tensors[3];
};
}
"""
_MAIN = """
#include <small.h>

int main() {
  if (small_invoke() != EDGEQ_FAILED || small_input() != nullptr || small_arena_used() != 0) return 1;
  if (small_init() != EDGEQ_OK || small_arena_used() != 300) return 2;
  if (small_selftest() != EDGEQ_MISMATCH) return 3; /* another network */
  float in[SMALL_INPUT_ELEMENTS] = {1.0f}, out[SMALL_OUTPUT_0_ELEMENTS];
  small_quantize_input(in, small_input());
  if (small_invoke() != EDGEQ_OK) return 4;
  small_dequantize_output_0(small_output_0(), out);
  return small_output_1()[0] == 127 && out[0] > 0.99f && out[1] == 0.0f ? 0 : 5;
}
"""


def test_the_engine_compiles_and_runs(packages: dict[str, Path], tmp_path: Path) -> None:
    library = packages["library"]
    headers = ("micro/micro_interpreter.h", "micro/micro_mutable_op_resolver.h", "schema/schema_generated.h")
    for name in headers:
        (tmp_path / "tensorflow" / "lite" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "tensorflow" / "lite" / name).write_text('#include "interpreter.h"\n')
    (tmp_path / "interpreter.h").write_text(_INTERPRETER)
    (tmp_path / "main.cpp").write_text(_MAIN)
    sources = sorted(p for suffix in ("*.c", "*.cpp") for p in (library / "src").rglob(suffix))
    process.run(
        [*ZIG, "cc", "-x", "c++", "-std=c++17", *WARNINGS, "-O1", "-fno-exceptions", "-fno-rtti",
         "-fno-threadsafe-statics", f"-I{library / 'include'}", "-isystem", ".", *sources, "main.cpp", "-o", "main"],
        timeout=200, what="compiling the engine", cwd=tmp_path,
    )  # fmt: skip
    process.run([tmp_path / "main"], timeout=30, what="the engine")


@pytest.mark.skipif(not os.environ.get(TFLM_ROOT_VARIABLE), reason=NO_TFLM)
def test_the_engine_compiles_with_tflms_own_headers(small: Build, packages: dict[str, Path], tmp_path: Path) -> None:
    if shutil.which("arm-none-eabi-g++") is None:
        pytest.skip("arm-none-eabi-g++ is not installed")
    tflm = find_library(Path(os.environ[TFLM_ROOT_VARIABLE]), small.board)
    library = packages["library"]
    theirs = [argument for folder in tflm.include_dirs for argument in ("-isystem", folder)]
    process.run(
        ["arm-none-eabi-g++", *small.board.gcc_flags, "-std=c++17", *WARNINGS, "-O1", "-fno-exceptions", "-fno-rtti",
         "-DTF_LITE_STATIC_MEMORY", f"-I{library / 'include'}", *theirs, "-c",
         *sorted((library / "src").rglob("*.cpp"))],
        timeout=200, what="compiling the engine", cwd=tmp_path,
    )  # fmt: skip
