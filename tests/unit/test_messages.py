"""Messages: round trips, the C side's numbers, malformed payloads, texts for people."""

from __future__ import annotations

import json
import re
from enum import IntEnum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq import resources
from edgeq.link import codes
from edgeq.link.about import Fact, Hello, TensorInfo
from edgeq.link.codes import FaultKind, HelloFlag, Item, Kind, Mode, Refusal, Status, TicksKind
from edgeq.link.faults import describe_fault
from edgeq.link.frame import Frame, encode
from edgeq.link.messages import Answer, Error, Fault, Read, Run, Stats
from edgeq.link.monitor import Listener, describe
from edgeq.link.payload import MessageError

U8, U16, U32 = st.integers(0, 255), st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1)


def text(longest: int) -> st.SearchStrategy[str]:
    return st.text(st.characters(codec="ascii"), max_size=longest)


HELLOS = st.builds(
    Hello, version=U16, engine_abi=U16, flags=st.sampled_from([HelloFlag(0), HelloFlag.TRACED]), session_before=U32,
    last_run=U32, clock_hz=U32, ticks_hz=U32, ticks_kind=st.sampled_from(TicksKind), max_payload=U16, rx_window=U32,
    input_count=U16, output_count=U16, op_count=U16, trace_point_count=U16, input_bytes=U32, output_bytes=U32,
    arena_bytes=U32, stack_bytes=U32, sha256=st.binary(min_size=32, max_size=32).map(bytes.hex), board=text(48),
    engine=text(16), model=text(64),
)  # fmt: skip
TENSORS = st.builds(
    TensorInfo, output=st.booleans(), index=U16, name=text(120),
    dtype=st.sampled_from(["int8", "int16", "int32", "float32", "uint8", "int64", "bool", "float16", "float64"]),
    shape=st.lists(st.integers(0, 2**31 - 1), max_size=8).map(tuple), nbytes=U32,
    scale=st.floats(width=32, allow_nan=False), zero_point=st.integers(-(2**31), 2**31 - 1),
)  # fmt: skip
RUNS = st.builds(
    Run, run=U32, mode=st.sampled_from(Mode), repeat=U16, point=U16, limit=U16, offset=U32, data=st.binary()
)
ANSWERS = st.builds(
    Answer, run=U32, status=st.sampled_from(Status), mode=st.sampled_from(Mode), repeat=U16, total=U32, ticks=U32,
    ticks_min=U32, ticks_max=U32, ticks_sum=st.integers(0, 2**64 - 1), data=st.binary(),
)  # fmt: skip
READS = st.builds(Read, run=U32, item=st.sampled_from(Item), offset=U32, length=U16)
STATS = st.builds(Stats, frames_good=U32, frames_bad=U32, runs=U32, repeats=U32, stack_high_water=U32)
ERRORS = st.builds(Error, code=U8, request=U8, session=U32, run=U32, detail=U32)
FAULTS = st.builds(
    Fault, kind=U8, pc=U32, lr=U32, sp=U32, xpsr=U32, cfsr=U32, hfsr=U32, address=st.none() | U32
)  # fmt: skip


@given(st.one_of(HELLOS, TENSORS, RUNS, ANSWERS, READS, STATS, ERRORS, FAULTS))
def test_round_trip(message: Hello) -> None:
    packed = message.pack()
    assert type(message).unpack(packed) == message


@given(st.sampled_from([Hello, TensorInfo, Run, Answer, Read, Stats, Error, Fault]), st.binary(max_size=200))
def test_any_payload_is_understood_or_refused(kind: type[Hello], payload: bytes) -> None:
    try:
        kind.unpack(payload)
    except MessageError as exc:
        assert str(exc)


@given(st.one_of(HELLOS, STATS, ERRORS, FAULTS))
def test_a_longer_payload_is_of_a_later_version(message: Hello) -> None:
    assert type(message).unpack(message.pack() + b"more") == message


def c_enumerators() -> dict[str, int]:
    headers = resources.firmware() / "include" / "edgeq"
    source = "".join((headers / name).read_text() for name in ("link.h", "engine.h", "board.h"))
    found = re.findall(r"\b(EDGEQ_\w+)\s*=\s*(0x[0-9A-Fa-f]+|\d+)", source)
    found += re.findall(r"#define (EDGEQ_\w+)\s+(0x[0-9A-Fa-f]+|\d+)u?\b", source)
    return {name: int(value, 0) for name, value in found}


@pytest.mark.parametrize(
    ("prefix", "enum"),
    [
        ("EDGEQ_LINK_", Kind),
        ("EDGEQ_LINK_", Refusal),
        ("EDGEQ_LINK_", Mode),
        ("EDGEQ_LINK_ITEM_", Item),
        ("EDGEQ_LINK_HELLO_", HelloFlag),
        ("EDGEQ_FAULT_", FaultKind),
        ("EDGEQ_TICKS_", TicksKind),
        ("EDGEQ_", Status),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_python_and_c_have_the_same_numbers(prefix: str, enum: type[IntEnum]) -> None:
    known = c_enumerators()
    assert {m.name: m.value for m in enum} == {m.name: known.get(prefix + str(m.name)) for m in enum}
    assert known["EDGEQ_BOARD_BAUD"] == codes.BAUD


def test_python_and_c_have_the_same_version() -> None:
    known = c_enumerators()
    assert known["EDGEQ_PROTOCOL_VERSION"] == codes.PROTOCOL_VERSION
    assert known["EDGEQ_LINK_REPLY"] == codes.REPLY
    assert known["EDGEQ_LINK_QUIET"] == codes.QUIET


def test_a_fault_in_words() -> None:
    fault = Fault(
        kind=FaultKind.BUS, pc=0x1234, lr=0x5679, sp=0x2000_1000, xpsr=0, cfsr=0x8200, hfsr=0, address=0x6000_0000
    )
    said = describe_fault(fault, {0x1234: "edgeq_add, add.c:30"}.get)
    assert said == (
        "a bus fault (access to an address where nothing is) at edgeq_add, add.c:30 (0x00001234), "
        "address 0x60000000, called from 0x00005678"
    )


@given(st.builds(Frame, kind=U8, payload=st.binary(max_size=150), flags=U8, sequence=U16))
def test_every_frame_can_be_described(frame: Frame) -> None:
    assert "\n" not in describe(frame)
    assert describe(frame)


def test_the_monitor_shows_text_and_frames() -> None:
    stats = Stats(frames_good=5, frames_bad=1, runs=3, repeats=0, stack_high_water=800)
    line = b"booting\r\nclock ok\n" + encode(Frame(Kind.STATS | codes.REPLY, stats.pack(), 0, 12)) + b"\x1b[31mred"
    listener = Listener()
    lines = [text for i in range(len(line)) for text in listener.feed(line[i : i + 1])] + listener.idle()
    assert lines == [
        "booting",
        "clock ok",
        "STATS reply #12: 5 good frames, 1 bad, 3 runs, 0 answered again, stack 800 bytes",
        "␛[31mred",
    ]


VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "link.json").read_text("utf-8"))


@pytest.mark.parametrize("vector", VECTORS["payloads"], ids=lambda v: v["name"])
def test_payload_vectors(vector: dict[str, Any]) -> None:
    record = {"ABOUT": Fact, "DESCRIBE": TensorInfo}[vector["reply"]]
    fields = {key: tuple(value) if isinstance(value, list) else value for key, value in vector["fields"].items()}
    assert record(**fields).pack().hex() == vector["payload"]
    assert record.unpack(bytes.fromhex(vector["payload"]) + b"later fields") == record(**fields)


def test_a_fact_that_ends_too_early() -> None:
    whole = Fact(index=0, count=1, key="threads", value="4").pack()
    for length in range(len(whole)):
        with pytest.raises(MessageError):
            Fact.unpack(whole[:length])
