"""Drift layer by layer: compare fingerprints, fetch only what differs, find the first layer that parts.

The device sends the CRC-32 of every traced tensor; the host has those of the reference. Where they agree, nothing
else is sent: finding the first layer that differs costs four bytes a layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edgeq.errors import DataError
from edgeq.lower.program import Vanished
from edgeq.model.graph import Graph, Tensor
from edgeq.model.naming import op_label
from edgeq.model.quantization import with_steps
from edgeq.records import LayerDrift
from edgeq.validation.drift import decibel, lsb_difference

EQUAL = "equal"
DIFFERS = "differs"

Fetch = Callable[[int, int], bytes]
"""(traced sample, trace point) -> the device's bytes of the point's tensor, little-endian."""

ReferenceValues = Callable[[Sequence[int]], Mapping[int, NDArray[np.generic]]]
"""Tensor indices -> their values on all traced samples, (traced samples, *shape); called once at most."""


class TracePoint(Protocol):
    """Where the device takes a fingerprint: after kernel call `call`, of tensor `tensor` of the .tflite."""

    @property
    def call(self) -> int:
        """Index of the kernel call."""

    @property
    def tensor(self) -> int:
        """Index of the tensor in the graph."""

    @property
    def label(self) -> str:
        """The call, as the report names it."""


def measure_layers(
    graph: Graph,
    points: Sequence[TracePoint],
    vanished: Iterable[Vanished],
    *,
    device_crcs: NDArray[np.uint32],
    reference_crcs: NDArray[np.uint32],
    fetch: Fetch,
    reference_values: ReferenceValues,
    fetch_samples: int = 4,
) -> tuple[LayerDrift, ...]:
    """Compare every trace point, and list the tensors that have none, in the order of the .tflite's ops.

    Args:
        graph: the model; its ops give the order, its tensors the names.
        points: the trace points in the order of execution.
        vanished: tensors that the program does not compute, and why; their `state` is that reason.
        device_crcs: shape (traced samples, points).
        reference_crcs: the same of the reference, whose tensor is that of the point.
        fetch: asks the device for a tensor; called only where the fingerprints differ.
        reference_values: asks the reference for the tensors that differ.
        fetch_samples: at most so many samples per layer are fetched.

    Raises:
        DataError: the numbers of samples or points do not fit together, or values of another size were fetched.
    """
    expected = (len(device_crcs), len(points))
    if device_crcs.shape != expected or reference_crcs.shape != expected:
        raise DataError(
            f"Fingerprints of shape {device_crcs.shape} (device) and {reference_crcs.shape} (reference) for "
            f"{len(points)} trace points.",
            hint="The firmware was built from another model or without tracing; build again.",
        )
    differs = device_crcs != reference_crcs
    order = {tensor: i for i, tensor in enumerate(t for op in graph.ops for t in op.outputs)}
    wrong = sorted({point.tensor for i, point in enumerate(points) if differs[:, i].any()})
    expected_values = reference_values(wrong) if wrong and fetch_samples else {}
    rows: list[tuple[int, int, LayerDrift]] = []
    for i, point in enumerate(points):
        samples = np.flatnonzero(differs[:, i]).tolist()
        dtype = np.dtype(graph.tensors[point.tensor].dtype.value).newbyteorder("<")
        pairs = [(_values(fetch(s, i), dtype), expected_values[point.tensor][s]) for s in samples[:fetch_samples]]
        tensor = with_steps(graph, point.tensor)
        mismatches, worst = _compare(point.label, tensor, pairs)
        is_float = dtype.kind == "f" and tensor.quantization is None
        row = LayerDrift(
            point=i,
            label=point.label,
            tensor=graph.tensors[point.tensor].name,
            state=DIFFERS if samples else EQUAL,
            samples=len(device_crcs),
            differing_samples=len(samples),
            mismatches=mismatches,
            max_lsb=worst,
            fetched_samples=len(pairs),
            elements=graph.tensors[point.tensor].elements,
            sqnr_db=_sqnr(pairs) if pairs and is_float else None,
        )
        rows.append((order.get(point.tensor, len(order)), i, row))
    for gone in vanished:
        row = LayerDrift(
            point=None,
            label=_producer(graph, gone.tensor),
            tensor=graph.tensors[gone.tensor].name,
            state=gone.reason,
            samples=0,
            differing_samples=0,
            mismatches=0,
            max_lsb=0,
            elements=graph.tensors[gone.tensor].elements,
        )
        rows.append((order.get(gone.tensor, len(order)), -1, row))
    return tuple(row for _, _, row in sorted(rows, key=lambda r: r[:2]))


def first_diverging(layers: Iterable[LayerDrift]) -> LayerDrift | None:
    """The layer with the lowest trace point whose fingerprint differs; None if none does."""
    wrong = [row for row in layers if row.state == DIFFERS and row.point is not None]
    return min(wrong, key=lambda row: row.point or 0, default=None)


def _values(content: bytes, dtype: np.dtype[Any]) -> NDArray[np.generic]:
    return np.frombuffer(content[: len(content) // dtype.itemsize * dtype.itemsize], dtype)


def _compare(
    label: str, tensor: Tensor, pairs: list[tuple[NDArray[np.generic], NDArray[np.generic]]]
) -> tuple[int, int]:
    mismatches = worst = 0
    for device, host in pairs:
        if device.size != host.size:
            raise DataError(f"{label}: the device sent {device.size} values, the reference has {host.size}.")
        steps = np.abs(lsb_difference(device.reshape(-1), host.reshape(-1), tensor))
        mismatches += int(np.count_nonzero(steps))
        worst = max(worst, int(steps.max(initial=0)))
    return mismatches, worst


def _sqnr(pairs: list[tuple[NDArray[np.generic], NDArray[np.generic]]]) -> float:
    """10·log10(Σ reference² / Σ (reference − device)²), in dB."""
    signal = noise = 0.0
    for device, host in pairs:
        expected = host.reshape(-1).astype(np.float64)
        signal += float(np.sum(expected**2))
        noise += float(np.sum((expected - device.reshape(-1).astype(np.float64)) ** 2))
    return decibel(signal, noise)


def _producer(graph: Graph, tensor: int) -> str:
    return next((op_label(graph, op) for op in graph.ops if tensor in op.outputs), graph.tensors[tensor].name)
