"""What `edgeq.devices.responder` serves: a model that runs in this process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from edgeq.link.about import OpTime, TensorInfo
from edgeq.link.codes import HelloFlag, Status


class InferenceError(Exception):
    """The interpreter could not run the model on this input; the message is its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inferred:
    """What a model gave: the bytes of its outputs, and the ticks of each inference (empty: nothing counts them)."""

    outputs: Sequence[bytes]
    ticks: Sequence[int] = ()


class HostModel(Protocol):
    """A model that runs in this process. Tensors are their little-endian bytes.

    `clock_hz` is the processor's, 0 where it is unknown; `ticks_hz` is 0 where nothing counts. `invoke`, `points`,
    `op_times` and `selftest` may raise InferenceError: the next inference is tried all the same.
    """

    name: str
    engine: str
    board: str
    sha256: str
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    op_count: int
    trace_point_count: int
    arena_bytes: int
    flags: HelloFlag
    clock_hz: int
    ticks_hz: int

    @property
    def about(self) -> Mapping[str, str]:
        """What ABOUT tells, by key."""
        ...

    def invoke(self, inputs: Sequence[bytes], repeat: int = 1) -> Inferred:
        """`repeat` inferences; the input is not restored in between."""
        ...

    def points(self, inputs: Sequence[bytes]) -> Sequence[bytes]:
        """The tensors at all trace points."""
        ...

    def op_times(self, inputs: Sequence[bytes]) -> Sequence[OpTime] | None:
        """The mean time of each op of an inference, in order of execution; None where nothing tells it."""
        ...

    def selftest(self) -> Status:
        """The golden input against the golden output."""
        ...
