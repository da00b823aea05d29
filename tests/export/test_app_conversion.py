"""firmware/app/conversion.h, which exports for Android take along: every bit as the host has it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from projects import HOST_CPP

from edgeq import process, resources
from edgeq.model.graph import DType, Quantization, Tensor
from edgeq.model.quantization import dequantize_output, quantize_input

_DRIVER = r"""
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "conversion.h"

/* float32 of stdin to integers, or integers (int32) to float32, on stdout. */
template <typename T>
int convert(edgeq::Quantization how, bool back) {
  char in[4], out[4];
  while (std::fread(in, sizeof in, 1, stdin) == 1) {
    if (back) {
      std::int32_t q;
      std::memcpy(&q, in, sizeof q);
      const float value = edgeq::dequantize(static_cast<T>(q), how);
      std::memcpy(out, &value, sizeof value);
    } else {
      float value;
      std::memcpy(&value, in, sizeof value);
      const std::int32_t q = edgeq::quantize<T>(value, how);
      std::memcpy(out, &q, sizeof q);
    }
    (void)std::fwrite(out, sizeof out, 1, stdout);
  }
  return 0;
}

int main(int, char **arguments) {
  const edgeq::Quantization how = {std::strtof(arguments[2], nullptr), std::atoi(arguments[3])};
  const bool back = arguments[4][0] == '1';
  if (std::strcmp(arguments[1], "int8") == 0) return convert<std::int8_t>(how, back);
  if (std::strcmp(arguments[1], "uint8") == 0) return convert<std::uint8_t>(how, back);
  return convert<std::int16_t>(how, back);
}
"""


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("conversion")
    (folder / "driver.cpp").write_text(_DRIVER)
    flags = ("-std=c++17", "-O2", "-Wall", "-Wextra", "-Werror", f"-I{resources.firmware() / 'app'}")
    process.run([*HOST_CPP, *flags, folder / "driver.cpp", "-o", folder / "driver"], timeout=100, what="compiling")
    return folder / "driver"


def converted(driver: Path, tensor: Tensor, values: bytes, *, back: bool) -> bytes:
    assert tensor.quantization is not None
    argv = [driver, tensor.dtype.value, float(tensor.quantization.scale).hex(), str(tensor.quantization.zero_point)]
    return subprocess.run(
        [*argv, "1" if back else "0"], input=values, capture_output=True, timeout=60, check=True
    ).stdout


@pytest.mark.parametrize("dtype", [DType.INT8, DType.UINT8, DType.INT16])
def test_conversions_equal_the_hosts(driver: Path, dtype: DType) -> None:
    """Random scales; values around every tie, in the range and far beyond, denormal and huge ones."""
    rng, limits = np.random.default_rng(7), np.iinfo(dtype.value)
    for _ in range(8):
        scale = np.float32(10.0 ** rng.uniform(-6, 3))
        zero = 0 if dtype is DType.INT16 else int(rng.integers(limits.min, limits.max + 1))
        how = Quantization(scales=(float(scale),), zero_points=(zero,))
        tensor = Tensor(index=0, name="x", shape=(1,), dtype=dtype, quantization=how)
        ties = (rng.integers(-300, 300, 4000) + 0.5).astype(np.float32) * scale
        near = np.nextafter(ties, rng.choice([-np.inf, np.inf], ties.shape).astype(np.float32))
        wide = np.float32(rng.choice([-1, 1], 4000)) * np.float32(10.0) ** rng.uniform(-44, 38, 4000).astype(np.float32)
        reals = np.concatenate([ties, near, wide]).astype(np.float32)
        found = np.frombuffer(converted(driver, tensor, reals.tobytes(), back=False), np.int32)
        assert np.array_equal(found, quantize_input(reals, tensor).astype(np.int32))
        integers = np.arange(limits.min, limits.max + 1, dtype=np.int32)
        back = np.frombuffer(converted(driver, tensor, integers.tobytes(), back=True), np.int32)
        assert np.array_equal(back, dequantize_output(integers.astype(dtype.value), tensor).view(np.int32))
