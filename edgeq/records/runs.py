"""What interpreters and devices answered, and what an inference costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Reference(Enum):
    """A host interpreter that a device is compared with."""

    TFLM = "tflm"
    LITERT_REFERENCE = "litert-reference"
    LITERT_DEFAULT = "litert-default"
    LITERT_BUILTIN = "litert-builtin"


EVERYWHERE = (Reference.TFLM, Reference.LITERT_REFERENCE, Reference.LITERT_DEFAULT)
"""Those of every table. LiteRT's own optimized kernels without XNNPACK are there for a device that runs just these."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReferenceOutputs:
    """What a reference interpreter answered. One array per model output, shape (n, *output shape), its own dtype."""

    reference: Reference
    version: str
    outputs: tuple[NDArray[np.generic], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceShare:
    """What one of several devices ran: `ranges` are the first and last sample of each row of samples, from 0.

    `failure` says why it dropped out and others went on; None if it did not.
    """

    device: str
    samples: int
    ranges: tuple[tuple[int, int], ...]
    failure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DeviceRun:
    """What devices answered. Outputs as in ReferenceOutputs; `ticks` has one count per sample (0: no counter).

    `stack_bytes` is the stack's high-water mark, None where the device does not measure it. `arena_used_bytes` is what
    an interpreter took of its arena, None where there is none. `resumed` samples were answered in an earlier run;
    `seconds` is the time of the others. `shares` says who ran what. `engine` is what HELLO calls it; `about` is what an
    interpreter's device tells of itself, empty for a board.
    """

    device: str
    board: str
    clock_hz: int
    outputs: tuple[NDArray[np.generic], ...]
    ticks: NDArray[np.uint32]
    ticks_hz: int
    stack_bytes: int | None
    seconds: float
    retries: int
    resumed: int = 0
    shares: tuple[DeviceShare, ...] = ()
    arena_used_bytes: int | None = None
    engine: str = ""
    trace_points: int = 0
    about: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerCost:
    """Instructions and cycles of one kernel call in one inference. `cycles` are estimated, or measured where the device
    times its calls; `instructions` None where no emulator plays the board."""

    index: int
    label: str
    kernel: str
    macs: int
    instructions: int | None
    cycles: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Wall time of one inference in milliseconds, over `runs` timed ones."""

    median_ms: float
    p90_ms: float
    p99_ms: float
    runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpCost:
    """An op that an interpreter ran, by its own name, and its mean time; `kernels` are whose it is: XNNPACK's, or
    LiteRT's own."""

    label: str
    kernels: str
    microseconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Cost of one inference. `source` is "estimated" (emulated instructions × documented timings) or "measured".

    `counter` is what counted: "emulator", or on a device "DWT" (the core's cycle counter), "SysTick" or "timer".
    `instructions` is None where no emulator plays the board. `latency_ms` is cycles / clock, None where only
    instructions could be counted. `layers` need not add up to the whole: calls between layers are in the total only.
    An interpreter has no cycles: `latency_ms` is then the median of `latency`, `ops` are those that it told the time of
    (XNNPACK's own among them, which are not the model's), and `about` says under what conditions.
    """

    source: str
    counter: str
    instructions: int | None
    cycles_estimated: int | None
    cycles_measured: int | None
    clock_hz: int
    latency_ms: float | None
    layers: tuple[LayerCost, ...]
    latency: Latency | None = None
    ops: tuple[OpCost, ...] = ()
    about: Mapping[str, str] = field(default_factory=dict)
