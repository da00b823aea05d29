"""What the exported sources are held to: values that the host converted, and a sample that it ran."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeq.model.graph import DType, Tensor
from edgeq.model.quantization import dequantize_output, quantize_input
from edgeq.records import Normalization

_COLORS = (0x000000, 0xFFFFFF, 0xFF0000, 0x00FF00, 0x0000FF, 0x7F8081, 0x010203, 0xC86432, 0x123456)
_PIXELS = (0.0, 1.0, 64.0, 127.0, 128.0, 254.0, 255.0, -3.5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """Two lists of equal length: what goes in, and what the host makes of it."""

    before: tuple[float, ...]
    after: tuple[float, ...]


def quantized(tensor: Tensor) -> Conversion | None:
    """Real values and a tensor's integers: ties of both signs, the ends of the range and beyond, its zero point, and
    values that no other rounding gives. None for tensors of real values."""
    if tensor.dtype is DType.FLOAT32 or tensor.quantization is None:
        return None
    scale, zero = np.float32(tensor.quantization.scale), tensor.quantization.zero_point
    limits = np.iinfo(tensor.dtype.value)
    low, high = limits.min - zero, limits.max - zero
    steps = np.array(
        [0, 0.5, -0.5, 1.5, -1.5, 2.5, -2.5, 0.499, -0.499, 1, -1, low, high, low - 0.5, high + 0.5, low - 7, high + 7,
         low + 0.5, high - 0.5, 7.25, -7.75, 1e6, -1e6],
        np.float32,
    )  # fmt: skip
    reals = np.append(steps * scale, np.array([3e38, -3e38], np.float32)).astype(np.float32)
    return Conversion(before=_floats(reals), after=_floats(quantize_input(reals, tensor)))


def dequantized(tensor: Tensor) -> Conversion | None:
    """A tensor's integers and their real values. None for tensors of real values."""
    if tensor.dtype is DType.FLOAT32 or tensor.quantization is None:
        return None
    limits, zero = np.iinfo(tensor.dtype.value), tensor.quantization.zero_point
    wanted = {limits.min, limits.max, limits.min + 1, limits.max - 1, zero, zero - 1, zero + 1, zero + 77, 0, 3, 100}
    integers = np.array(sorted(q for q in wanted if limits.min <= q <= limits.max), tensor.dtype.value)
    return Conversion(before=_floats(integers), after=_floats(dequantize_output(integers, tensor)))


def normalized(normalization: Normalization | None) -> Conversion | None:
    """Values of an app, as many for each channel, and what the model takes: (x − mean) / std in float32, in that order.
    None without a normalization."""
    if normalization is None:
        return None
    channels = max(len(normalization.mean), len(normalization.std))
    x = np.repeat(np.array(_PIXELS, np.float32), channels).reshape(-1, channels)
    mean, std = np.array(normalization.mean, np.float32), np.array(normalization.std, np.float32)
    return Conversion(before=_floats(x), after=_floats(((x - mean) / std).astype(np.float32)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An input that is an image of `width` × `height` pixels with 3 channels (RGB) or 1 (gray): some pixels, as
    0xRRGGBB, and the model's values for them, one behind the other."""

    width: int
    height: int
    channels: int
    pixels: tuple[int, ...]
    values: tuple[float, ...]


def picture(width: int, height: int, channels: int, normalization: Normalization) -> Picture:
    """The first pixels of an image, up to `_COLORS`, and what becomes of them: RGB as it is, gray by ITU-R 601 in
    integers, as Pillow's mode "L" has it; then the normalization."""
    colors = np.array(_COLORS[: width * height], np.int64)
    rgb = np.stack([colors >> 16, colors >> 8 & 255, colors & 255], axis=-1)
    if channels == 1:
        rgb = (rgb @ np.array([19595, 38470, 7471]) + 0x8000 >> 16)[:, None]
    mean, std = np.array(normalization.mean, np.float32), np.array(normalization.std, np.float32)
    values = ((rgb.astype(np.float32) - mean) / std).astype(np.float32)
    return Picture(
        width=width, height=height, channels=channels, pixels=tuple(map(int, colors)), values=_floats(values)
    )


def little_endian(values: NDArray[np.generic]) -> bytes:
    """Real values as float32, little-endian: how a sample lies in a test's files."""
    return values.astype("<f4").tobytes()


def _floats(values: NDArray[np.generic]) -> tuple[float, ...]:
    return tuple(float(v) for v in values.reshape(-1))
