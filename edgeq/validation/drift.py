"""Drift: how far a device's outputs are from those of a reference interpreter, in LSB and in real values."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edgeq.errors import DataError
from edgeq.model.graph import Tensor
from edgeq.records import Drift, ReferenceOutputs

HISTOGRAM_LIMIT = 256
"""Differences beyond ±256 LSB are counted at ±256: int8 never gets there, wider types would fill the report."""

FARTHEST = 65535
"""The largest difference that is counted, in LSB: the width of int16."""


def measure_drift(
    device_outputs: tuple[NDArray[np.generic], ...],
    reference: ReferenceOutputs,
    output_tensors: Sequence[Tensor],
    *,
    first_layer: str | None = None,
) -> Drift:
    """Compare a device's outputs with a reference's, over all samples and all outputs.

    Args:
        device_outputs: one array per model output, shape (n, *output shape), in the tensor's own dtype.
        reference: the reference's outputs, of the same shapes and dtypes.
        output_tensors: the model's outputs; their scale and zero point turn integers into real values. Those of a
            float32 output are of the integers before the last DEQUANTIZE (`edgeq.model.quantization.with_steps`).
        first_layer: the first layer that differs, where it is known.

    Returns:
        The figures. An LSB is one step of the integers, as `lsb_difference` counts them.
        Top-1 is taken along the last axis, ties go to the lowest index; it is None if no output has two values there.
        RMSE, cosine similarity and SQNR are over the dequantized values of all outputs together:
        RMSE = √(Σ(r−d)²/N), cosine = Σ r·d / √(Σ r² · Σ d²), SQNR = 10·log10(Σ r² / Σ(r−d)²) (the usual definition
        of signal-to-quantization-noise ratio, Jayant and Noll, Digital Coding of Waveforms, 1984, section 4.1).
        Equal outputs, and no outputs at all, have RMSE 0, cosine 1 and SQNR +inf; an all-zero reference with another
        device output has cosine 0 and SQNR −inf.

    Raises:
        DataError: the number of outputs, or a shape or dtype, differs.
    """
    _check(device_outputs, reference, output_tensors)
    histogram: dict[int, int] = {}
    wrong_samples = np.zeros(len(device_outputs[0]) if device_outputs else 0, dtype=bool)
    mismatches = worst = total = agreed = decided = 0
    signal = noise = device_power = product = 0.0
    for device, host, tensor in zip(device_outputs, reference.outputs, output_tensors, strict=True):
        steps = lsb_difference(device, host, tensor)
        total += steps.size
        mismatches += int(np.count_nonzero(steps))
        if steps.size:
            worst = max(worst, int(np.abs(steps).max()))
            wrong_samples |= steps.reshape(len(steps), -1).any(axis=1)
        values, counts = np.unique(np.clip(steps, -HISTOGRAM_LIMIT, HISTOGRAM_LIMIT), return_counts=True)
        for value, count in zip(values.tolist(), counts.tolist(), strict=True):
            histogram[value] = histogram.get(value, 0) + count
        if device.ndim > 1 and device.shape[-1] > 1 and device.size:
            same = np.argmax(device, axis=-1) == np.argmax(host, axis=-1)
            agreed += int(np.count_nonzero(same))
            decided += same.size
        real_device, real_host = dequantize(device, tensor), dequantize(host, tensor)
        signal += float(np.sum(real_host * real_host))
        device_power += float(np.sum(real_device * real_device))
        product += float(np.sum(real_host * real_device))
        noise += float(np.sum((real_host - real_device) ** 2))
    return Drift(
        reference=reference.reference,
        samples=len(wrong_samples),
        outputs=total,
        mismatches=mismatches,
        mismatched_samples=int(np.count_nonzero(wrong_samples)),
        max_lsb=worst,
        histogram=dict(sorted(histogram.items())),
        top1_agreement=agreed / decided if decided else None,
        rmse=math.sqrt(noise / total) if mismatches else 0.0,
        cosine=_cosine(product, signal, device_power) if mismatches else 1.0,
        sqnr_db=decibel(signal, noise) if mismatches else math.inf,
        first_layer=first_layer,
    )


def lsb_difference(device: NDArray[np.generic], host: NDArray[np.generic], tensor: Tensor) -> NDArray[np.int64]:
    """device − host in LSB as int64, so that −128 − 127 is −255 and does not wrap around.

    float32 values count in steps of the integers that they were made from; what differs by less than half a step, as
    no DEQUANTIZE makes it, counts as one, and so does any difference of values that have no such steps. +0 and −0 are
    one number, and all NaN another, which is as far from every other as can be.
    """
    if device.dtype.kind in "iub":
        return device.astype(np.int64) - host.astype(np.int64)
    with np.errstate(invalid="ignore", over="ignore"):
        differs = (device != host) & ~(np.isnan(device) & np.isnan(host))
        apart = device.astype(np.float64) - host.astype(np.float64)
        steps = np.sign(apart) if tensor.quantization is None else np.rint(apart / tensor.quantization.scale)
        steps = np.where(steps == 0, np.where(apart < 0, -1, 1), steps)
    steps = np.clip(np.nan_to_num(steps, nan=FARTHEST), -FARTHEST, FARTHEST)
    return np.where(differs, steps, 0).astype(np.int64)


def dequantize(values: NDArray[np.generic], tensor: Tensor) -> NDArray[np.float64]:
    """Real values in float64: scale · (q − zero_point), TFLite's quantization specification; floats are unchanged."""
    real = values.astype(np.float64)
    if tensor.quantization is None or values.dtype.kind not in "iu":
        return real
    return (real - tensor.quantization.zero_point) * tensor.quantization.scale


def _cosine(product: float, signal: float, device_power: float) -> float:
    if signal == 0.0 or device_power == 0.0:
        return 0.0
    # Two roots, as the product of two sums of squares can overflow.
    ratio = product / (math.sqrt(signal) * math.sqrt(device_power))
    return ratio if math.isnan(ratio) else max(-1.0, min(1.0, ratio))


def decibel(signal: float, noise: float) -> float:
    """10·log10(signal / noise): +inf without noise, −inf without a signal."""
    if noise == 0.0:
        return math.inf  # integers differ only where no scale tells them apart: +0 against −0 is no mismatch
    return 10.0 * math.log10(signal / noise) if signal > 0.0 else -math.inf if signal == 0.0 else math.nan


def _check(device: tuple[NDArray[np.generic], ...], reference: ReferenceOutputs, tensors: Sequence[Tensor]) -> None:
    if not len(device) == len(reference.outputs) == len(tensors):
        raise DataError(
            f"The device answered with {len(device)} outputs and {reference.reference.value} with "
            f"{len(reference.outputs)}; the model has {len(tensors)}.",
            hint="Both must run the same model: build again with `edgeq build`.",
        )
    for got, expected, tensor in zip(device, reference.outputs, tensors, strict=True):
        if got.shape != expected.shape or got.dtype != expected.dtype:
            raise DataError(
                f"Output {tensor.name}: the device's values are {got.dtype} {got.shape}, those of "
                f"{reference.reference.value} are {expected.dtype} {expected.shape}.",
                hint="Both must run the same model on the same samples: build again with `edgeq build`.",
            )
    if len({len(a) for a in device}) > 1:
        raise DataError(f"The outputs have different numbers of samples: {[len(a) for a in device]}.")
