"""What one inference costs: on an emulated board, whole and per layer; by a device's own counter; in an interpreter."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgeq.boards import Board
from edgeq.devices.emulated import BlockCounts
from edgeq.devices.samples import facts
from edgeq.errors import DeviceError, UnavailableError
from edgeq.link.about import PER_OP_PROFILE, Hello
from edgeq.link.codes import TicksKind
from edgeq.link.timing import op_times
from edgeq.records import Latency, LayerCost, OpCost, Profile
from edgeq.validation.cycles import Cost, CycleModel

if TYPE_CHECKING:
    from edgeq.link.session import Session
    from edgeq.lower.program import KernelCall

_BETWEEN = -1


def profile(elf: Path, board: Board, counts: BlockCounts, calls: Sequence[KernelCall]) -> Profile:
    """Instructions and estimated cycles per inference, from the blocks that ran.

    Args:
        elf: the image that ran; not a traced one.
        board: gives the clock.
        counts: from `EmulatedDevice.stop_counting`.
        calls: the program's kernel calls, in the order of the operators that were counted.

    Raises:
        DeviceError: no inference ran while blocks were counted.
    """
    if counts.runs == 0:
        raise DeviceError("No inference ran while instructions were counted: nothing to profile.")
    blocks: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for operator, address, size, executions in counts.blocks:
        blocks[operator].append((address, size, executions))
    model = CycleModel(elf)
    costs = {operator: model.total(found) for operator, found in blocks.items() if operator >= _BETWEEN}
    total = sum(costs.values(), Cost())
    cycles = round(total.cycles / counts.runs)
    return Profile(
        source="estimated",
        counter="emulator",
        instructions=round(total.instructions / counts.runs),
        cycles_estimated=cycles,
        cycles_measured=None,
        clock_hz=board.clock_hz,
        latency_ms=1e3 * cycles / board.clock_hz,
        layers=tuple(_layer(i, call, costs.get(i, Cost()), counts.runs) for i, call in enumerate(calls)),
    )


def counted(ticks: int, board: Board) -> Profile:
    """Instructions of one inference from QEMU's clock; no cycles, for which the blocks would have to be known.

    Args:
        ticks: of the board's counter in the emulator.
        board: gives that counter's rate, and the clock.
    """
    from edgeq.devices.qemu import NANOSECONDS_PER_INSTRUCTION

    hz = board.emulated_counter.hz if board.emulated_counter else 0
    return Profile(
        source="estimated",
        counter="emulator",
        instructions=round(ticks * 1e9 / (hz * NANOSECONDS_PER_INSTRUCTION)) if hz else None,
        cycles_estimated=None,
        cycles_measured=None,
        clock_hz=board.clock_hz,
        latency_ms=None,
        layers=(),
    )


_COUNTERS = {TicksKind.CPU: "DWT", TicksKind.SYSTICK: "SysTick", TicksKind.TIMER: "timer"}


def measured(
    estimated: Profile | None,
    hello: Hello,
    ticks: int,
    board: Board,
    *,
    calls: Sequence[KernelCall] = (),
    op_ticks: Sequence[int] | None = None,
) -> Profile | None:
    """What a device's own counter says of one inference, over what an emulator says.

    Args:
        estimated: of the same image; None where no emulator plays the board: then there is nothing on single layers.
        hello: tells what the device's counter counts.
        ticks: of one inference.
        board: where no emulator plays it, a timer is a real one; elsewhere it may be an emulator's.
        calls: the program's kernel calls.
        op_ticks: of each of them, by the device's counter; None where it does not time them.

    Returns:
        `estimated` where the device has no counter of its own.
    """
    kind = hello.ticks_kind
    emulated = board.unicorn_cpu is not None or board.qemu_machine is not None
    if kind is TicksKind.NONE or hello.ticks_hz == 0 or (kind is TicksKind.TIMER and emulated):
        return estimated
    cycles = round(ticks * hello.clock_hz / hello.ticks_hz)
    return Profile(
        source="measured",
        counter=_COUNTERS[kind],
        instructions=None if estimated is None else estimated.instructions,
        cycles_estimated=None if estimated is None else estimated.cycles_estimated,
        cycles_measured=cycles,
        clock_hz=hello.clock_hz,
        latency_ms=1e3 * cycles / hello.clock_hz,
        layers=_measured_layers(estimated, hello, calls, op_ticks),
    )


def _measured_layers(
    estimated: Profile | None, hello: Hello, calls: Sequence[KernelCall], op_ticks: Sequence[int] | None
) -> tuple[LayerCost, ...]:
    layers = () if estimated is None else estimated.layers
    if op_ticks is None or len(op_ticks) != len(calls):
        return layers
    instructions = {layer.index: layer.instructions for layer in layers}
    return tuple(
        LayerCost(
            index=i, label=call.label, kernel=call.kernel, macs=call.macs, instructions=instructions.get(i),
            cycles=round(ticks * hello.clock_hz / hello.ticks_hz),
        )
        for i, (call, ticks) in enumerate(zip(calls, op_ticks, strict=True))
    )  # fmt: skip


_LATENCY_SECONDS = 2.0
_LEAST_RUNS, _MOST_RUNS = 30, 1000
_REQUEST_SECONDS = 30.0
"""Of inferences in one request, a quarter of what a device may take for it."""


def interpreted(session: Session, sample: Sequence[bytes]) -> Profile | None:
    """Wall time of many inferences of one sample in a row, on a device that runs an interpreter.

    Args:
        session: with the device.
        sample: the bytes of the inputs.

    Returns:
        None where the device tells no times (an emulated processor), or where the many inferences failed.
    """
    hello = session.hello
    first = session.run(sample).ticks
    if not hello.ticks_hz or not first:
        return None
    runs = min(max(round(_LATENCY_SECONDS * hello.ticks_hz / first), _LEAST_RUNS), _MOST_RUNS)
    most = max(int(_REQUEST_SECONDS * hello.ticks_hz / first), 1)
    ticks: list[int] = []
    try:
        while len(ticks) < runs:
            some = session.times(sample, min(most, runs - len(ticks)))
            if some is None:
                return None
            ticks += some
    except UnavailableError:
        return None
    found = latency(ticks, hello.ticks_hz)
    about = facts(session)
    ops = _op_costs(session, sample) if not about.get(PER_OP_PROFILE, "").startswith("none") else ()
    if isinstance(ops, str):
        ops, about = (), {**about, PER_OP_PROFILE: f"none: {ops}"}
    return Profile(
        source="measured", counter="timer", instructions=None, cycles_estimated=None, cycles_measured=None,
        clock_hz=hello.clock_hz, latency_ms=found.median_ms, layers=(), latency=found, ops=ops, about=about,
    )  # fmt: skip


def _op_costs(session: Session, sample: Sequence[bytes]) -> tuple[OpCost, ...] | str:
    """What the device tells of single ops, or why it tells nothing."""
    try:
        found = op_times(session, sample)
    except DeviceError as exc:
        return exc.message
    if found is None:
        return "this agent does not tell the time of single ops"
    return tuple(
        OpCost(label=op.label, kernels="XNNPACK" if op.delegated else "LiteRT", microseconds=op.nanoseconds / 1000)
        for op in found
    )


def latency(ticks: Sequence[int], ticks_hz: int) -> Latency:
    """The distribution of times; quantiles between two measured values are interpolated."""
    median, p90, p99 = (float(v) for v in np.quantile([1e3 * t / ticks_hz for t in ticks], [0.5, 0.9, 0.99]))
    return Latency(median_ms=median, p90_ms=p90, p99_ms=p99, runs=len(ticks))


def _layer(index: int, call: KernelCall, cost: Cost, runs: int) -> LayerCost:
    return LayerCost(
        index=index,
        label=call.label,
        kernel=call.kernel,
        macs=call.macs,
        instructions=round(cost.instructions / runs),
        cycles=round(cost.cycles / runs),
    )
