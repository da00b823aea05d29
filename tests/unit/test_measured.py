"""What a device's counter says of one inference, and when it is believed."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from projects import small_model
from report_samples import digits, profile

from edgeq.boards import load_board
from edgeq.link.about import Hello
from edgeq.link.codes import HelloFlag, TicksKind
from edgeq.lower.interpreted import interpreted
from edgeq.model.flatbuffer import parse_tflite
from edgeq.report.console import render
from edgeq.validation.latency import measured

BOTH, NEITHER = load_board("netduinoplus2"), load_board("rpi-pico")


def hello(kind: TicksKind, ticks_hz: int = 125_000_000) -> Hello:
    return Hello(
        version=1, engine_abi=1, flags=HelloFlag(0), session_before=0, last_run=0, clock_hz=125_000_000,
        ticks_hz=ticks_hz, ticks_kind=kind, max_payload=1024, rx_window=0, input_count=1, output_count=1, op_count=1,
        trace_point_count=0, input_bytes=1, output_bytes=1, arena_bytes=1, stack_bytes=1, sha256="00" * 32,
        board="b", engine="aot", model="m",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "hz", "counter", "cycles"),
    [
        (TicksKind.CPU, 125_000_000, "DWT", 1_000_000),
        (TicksKind.SYSTICK, 125_000_000, "SysTick", 1_000_000),
        (TicksKind.TIMER, 1_000_000, "timer", 125_000_000),
    ],
)
def test_a_real_counter_is_a_measurement(kind: TicksKind, hz: int, counter: str, cycles: int) -> None:
    found = measured(None, hello(kind, hz), 1_000_000, NEITHER)
    assert found is not None
    assert (found.source, found.counter, found.cycles_measured) == ("measured", counter, cycles)
    assert found.latency_ms == pytest.approx(cycles / 125_000)
    assert (found.instructions, found.cycles_estimated, found.layers) == (None, None, ())


def test_layers_stay_as_they_were_estimated() -> None:
    estimated = profile()
    found = measured(estimated, hello(TicksKind.CPU), 77, BOTH)
    assert found is not None
    assert (found.cycles_measured, found.cycles_estimated) == (77, estimated.cycles_estimated)
    assert (found.layers, found.instructions) == (estimated.layers, estimated.instructions)


def test_layers_that_the_device_has_timed() -> None:
    """Where no emulator plays the board, they are all that is known of single layers."""
    calls = interpreted(parse_tflite(small_model()), arena_bytes=0, known_tensors=99, sha256="").calls
    ticks = [100 * (i + 1) for i in range(len(calls))]
    found = measured(None, hello(TicksKind.TIMER, 1_000_000), 2800, NEITHER, calls=calls, op_ticks=ticks)
    assert found is not None
    assert [layer.cycles for layer in found.layers] == [125 * t for t in ticks]
    assert (found.layers[0].kernel, found.layers[0].instructions) == ("CONV_2D", None)
    estimated = replace(profile(), layers=tuple(replace(c, instructions=7) for c in found.layers))
    both = measured(estimated, hello(TicksKind.CPU), 2800, BOTH, calls=calls, op_ticks=ticks)
    assert both is not None
    assert [(layer.cycles, layer.instructions) for layer in both.layers] == [(t, 7) for t in ticks]


@pytest.mark.parametrize(
    ("said", "board"),
    [
        (hello(TicksKind.NONE), NEITHER),
        (hello(TicksKind.NONE), BOTH),
        (hello(TicksKind.TIMER), BOTH),
        (hello(TicksKind.CPU, 0), BOTH),
    ],
    ids=["none", "none, emulated", "timer of an emulator", "no rate"],
)
def test_what_is_none(said: Hello, board: object) -> None:
    assert board in (BOTH, NEITHER)
    assert measured(None, said, 5, BOTH if board is BOTH else NEITHER) is None
    estimated = profile()
    assert measured(estimated, said, 5, BOTH if board is BOTH else NEITHER) is estimated


def test_the_report_says_which_counter() -> None:
    from rich.console import Console

    text = io.StringIO()
    Console(width=100, file=text).print(
        render(replace(digits(), profile=measured(None, hello(TicksKind.SYSTICK), 1_000_000, NEITHER)))
    )
    row = next(line for line in text.getvalue().splitlines() if line.startswith("cycles, measured"))
    assert "1,000,000 = " in row
    assert "at 125 MHz, by SysTick" in row
    assert "instructions" not in text.getvalue()
