"""Samples through a device."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from edgeq.devices.base import Device
from edgeq.errors import DataError
from edgeq.link.messages import TensorInfo
from edgeq.link.session import RunResult, Session
from edgeq.records import DeviceRun, Progress


def sample_shape(tensor: TensorInfo) -> tuple[int, ...]:
    """The tensor's shape without a leading batch dimension of 1."""
    return tensor.shape[1:] if tensor.shape[:1] == (1,) else tensor.shape


def run_samples(
    device: Device,
    session: Session,
    inputs: Sequence[NDArray[np.generic]],
    progress: Progress | None = None,
    *,
    stateful: bool = False,
) -> DeviceRun:
    """Every sample once, in order.

    Args:
        device: what runs, for the record.
        session: connected to it.
        inputs: one array per model input in the input's own dtype, shape (n, *shape), where a leading batch dimension
            of 1 in the model's shape may be left out.
        progress: told "start" once and one step per sample.
        stateful: the model has variables: the samples are one sequence, begun anew if the device resets.

    Returns:
        Outputs of shape (n, *shape), a leading batch dimension of 1 left out. Ticks are 0 in a traced build.

    Raises:
        DataError: the inputs do not fit the model on the device.
        DeviceError, LinkError: as `Session.run`.
    """
    progress = progress or Progress()
    arrays = _fit(session.inputs, inputs)
    samples = len(arrays[0])
    outputs = tuple(np.zeros((samples, *sample_shape(t)), _little(t.dtype)) for t in session.outputs)
    ticks = np.zeros(samples, np.uint32)
    begin = time.monotonic()
    feed = [tuple(array[i].tobytes() for array in arrays) for i in range(samples)]

    def start() -> None:
        progress.start(f"Running on {device.name}", samples)

    def step(sample: Sequence[bytes]) -> RunResult:
        progress.step(1)
        return session.run(sample)

    results: Iterable[RunResult]
    if stateful:
        results = session.in_sequence(step, feed, begin=start)
    else:
        start()
        results = session.run_many(feed)
    for i, result in enumerate(results):
        for output, data in zip(outputs, result.outputs, strict=True):
            output[i] = np.frombuffer(data, output.dtype).reshape(output.shape[1:])
        ticks[i] = result.ticks
        if not stateful:
            progress.step(1)
    seconds = time.monotonic() - begin
    return DeviceRun(
        device=device.name,
        board=session.hello.board,
        clock_hz=session.hello.clock_hz,
        outputs=tuple(output.astype(output.dtype.newbyteorder("=")) for output in outputs),
        ticks=ticks,
        ticks_hz=session.hello.ticks_hz,
        stack_bytes=session.stats().stack_high_water or None,
        seconds=seconds,
        retries=session.counters.retries,
    )


def _little(dtype: str) -> np.dtype[np.generic]:
    return np.dtype(dtype).newbyteorder("<")


def _fit(tensors: Sequence[TensorInfo], inputs: Sequence[NDArray[np.generic]]) -> tuple[NDArray[np.generic], ...]:
    """The inputs as contiguous little-endian arrays of the tensors' sizes."""
    if len(inputs) != len(tensors) or not inputs:
        raise DataError(f"The model has {len(tensors)} inputs, the data {len(inputs)}.")
    if len({len(array) for array in inputs}) != 1:
        raise DataError(f"The inputs have different numbers of samples: {[len(array) for array in inputs]}.")
    fitting = []
    for tensor, array in zip(tensors, inputs, strict=True):
        if array.dtype.name != tensor.dtype or array.shape[1:] not in (tensor.shape, sample_shape(tensor)):
            raise DataError(
                f"Input {tensor.name} of the model on the device is {tensor.dtype} {sample_shape(tensor)}, "
                f"the data are {array.dtype.name} {array.shape[1:]} per sample."
            )
        fitting.append(np.ascontiguousarray(array, _little(tensor.dtype)))
    return tuple(fitting)
