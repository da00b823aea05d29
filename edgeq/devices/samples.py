"""Samples through a device."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from edgeq.devices.results import sample_shape
from edgeq.errors import DataError
from edgeq.link.about import TensorInfo
from edgeq.link.codes import HelloFlag
from edgeq.link.session import RunResult, Session


def answers(
    session: Session,
    inputs: Sequence[NDArray[np.generic]],
    samples: Sequence[int],
    *,
    stateful: bool = False,
) -> Iterable[RunResult]:
    """The device's answers to some of the samples, in their order, each as soon as it is there.

    Args:
        session: connected to the device.
        inputs: made by `fitting`.
        samples: indices into them.
        stateful: the model has variables: the samples are one sequence, begun anew if the device resets, and all
            answers come at its end.

    Raises:
        DeviceError, LinkError: as `Session.run`.
    """
    feed = (tuple(array[i].tobytes() for array in inputs) for i in samples)
    return session.in_sequence(session.run, list(feed)) if stateful else session.run_many(feed)


def fitting(tensors: Sequence[TensorInfo], inputs: Sequence[NDArray[np.generic]]) -> tuple[NDArray[np.generic], ...]:
    """Inputs as contiguous little-endian arrays of the tensors' sizes.

    Args:
        tensors: the inputs of the model on the device.
        inputs: one array per model input in the input's own dtype, shape (n, *shape), where a leading batch dimension
            of 1 in the model's shape may be left out.

    Raises:
        DataError: they do not fit.
    """
    if len(inputs) != len(tensors) or not inputs:
        raise DataError(f"The model has {len(tensors)} inputs, the data {len(inputs)}.")
    if len({len(array) for array in inputs}) != 1:
        raise DataError(f"The inputs have different numbers of samples: {[len(array) for array in inputs]}.")
    fit = []
    for tensor, array in zip(tensors, inputs, strict=True):
        if array.dtype.name != tensor.dtype or array.shape[1:] not in (tensor.shape, sample_shape(tensor)):
            raise DataError(
                f"Input {tensor.name} of the model on the device is {tensor.dtype} {sample_shape(tensor)}, "
                f"the data are {array.dtype.name} {array.shape[1:]} per sample."
            )
        fit.append(np.ascontiguousarray(array, np.dtype(tensor.dtype).newbyteorder("<")))
    return tuple(fit)


def facts(session: Session) -> dict[str, str]:
    """What an interpreter's device tells of itself, its machine first; nothing of a board, whose HELLO tells all.

    Raises:
        DeviceError, LinkError: as `Session.run`.
    """
    hello = session.hello
    if not hello.flags & HelloFlag.INTERPRETER:
        return {}
    found = {"machine": hello.board, **session.about()}
    if hello.flags & HelloFlag.EMULATED:
        found["time"] = "none: the processor is emulated, which shows what it computes and not how fast"
    return found
