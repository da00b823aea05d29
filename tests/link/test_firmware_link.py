"""The C side of the link, compiled for this machine under sanitizers: vectors, garbage, and against its Python twin."""

from __future__ import annotations

import json
import random
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from link_firmware import DRIVER_INPUT_BYTES, PythonModel

from edgeq import process
from edgeq.devices.responder import Responder
from edgeq.link.codes import REPLY, Item, Kind, Mode
from edgeq.link.frame import BadFrame, Decoder, Frame, encode
from edgeq.link.messages import WRITE_HEAD, Fault, Read, Run

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "link.json").read_text())
INPUT_BYTES = DRIVER_INPUT_BYTES + 10


def drive(driver: Path, mode: str, data: bytes) -> bytes:
    return process.run([driver, mode], timeout=60, what=f"driver {mode}", stdin=data).stdout


def frame_of(vector: dict) -> Frame:
    return Frame(vector["kind"], bytes.fromhex(vector["payload"]), vector["flags"], vector["sequence"])


def raw(frame: Frame) -> bytes:
    return struct.pack("<BBH", frame.kind, frame.flags, frame.sequence) + frame.payload


def test_frame_vectors_encoded(driver: Path) -> None:
    frames = [raw(frame_of(v)) for v in VECTORS["frames"]]
    lines = drive(driver, "encode", b"".join(struct.pack("<I", len(f)) + f for f in frames))
    assert lines.hex() == "".join(v["line"] for v in VECTORS["frames"])


def decoded(driver: Path, line: bytes) -> list[bytes | None]:
    out, at, events = drive(driver, "frames", line), 0, []
    while at < len(out):
        good, at = out[at], at + 1
        if not good:
            events.append(None)
            continue
        (length,) = struct.unpack_from("<I", out, at)
        events.append(out[at + 4 : at + 4 + length])
        at += 4 + length
    return events


def test_frame_vectors_decoded(driver: Path) -> None:
    small = [v for v in VECTORS["frames"] if len(v["payload"]) <= 2 * 256]
    line = b"".join(bytes.fromhex(v["line"]) for v in small)
    assert decoded(driver, line) == [raw(frame_of(v)) for v in small]


@pytest.mark.parametrize("vector", VECTORS["damaged"], ids=lambda v: v["name"])
def test_damaged_vectors(driver: Path, vector: dict) -> None:
    expected = [None if event == "bad" else raw(frame_of(event)) for event in vector["events"]]
    assert decoded(driver, bytes.fromhex(vector["line"])) == expected


def talk_to_c(driver: Path, line: bytes) -> list[Frame | BadFrame]:
    boot, *answers = Decoder().feed(drive(driver, "link", line))
    assert isinstance(boot, Frame)
    assert boot.kind == Kind.BOOT
    return answers


def talk_to_python(line: bytes) -> list[Frame | BadFrame]:
    """One byte at a time, as the firmware gets them: it restarts in the middle of what is on the line."""
    model, sent = PythonModel(DRIVER_INPUT_BYTES), bytearray()
    responder = Responder(model, sent.extend, max_payload=256)
    for byte in line:
        responder.receive(bytes([byte]))
        if responder.reset_requested:
            responder = Responder(model, sent.extend, max_payload=256)
    return Decoder().feed(bytes(sent))[1:]


@pytest.mark.parametrize("vector", VECTORS["conversations"], ids=lambda v: v["name"])
@pytest.mark.parametrize("side", ["c", "python"])
def test_conversations(driver: Path, vector: dict, side: str) -> None:
    sent = [bytes.fromhex(s["raw"]) if "raw" in s else encode(frame_of(s["send"])) for s in vector["steps"]]
    answers = talk_to_c(driver, b"".join(sent)) if side == "c" else talk_to_python(b"".join(sent))
    expected = [frame_of(e) for s in vector["steps"] for e in s["expect"]]
    assert answers == expected


RUN_IDS = st.integers(1, 4)
OFFSETS = st.integers(0, INPUT_BYTES + 1) | st.just(2**32 - 1)
REQUESTS = st.one_of(
    st.builds(Frame, st.just(Kind.PING), st.binary(max_size=40)),
    st.builds(Frame, st.just(Kind.HELLO), st.binary(min_size=3, max_size=5)),
    st.builds(Frame, st.just(Kind.DESCRIBE), st.lists(st.integers(0, 2), min_size=3, max_size=5).map(bytes)),
    st.builds(
        lambda run, offset, data, flags: Frame(Kind.WRITE, WRITE_HEAD.pack(run, offset) + data, flags),
        RUN_IDS, OFFSETS, st.binary(max_size=INPUT_BYTES + 1), st.sampled_from([0, 1, 2]),
    ),
    st.builds(
        lambda run, mode, point, limit, data: Frame(
            Kind.RUN, Run(run=run, mode=mode, point=point, limit=limit, data=data).pack()
        ),
        # Fetching the last point is left out: only the C model has counted the inference by then.
        RUN_IDS, st.sampled_from(Mode), st.sampled_from([0, 1, 3]), st.sampled_from([0, 9, 0xFFFF]),
        st.just(b"") | st.binary(min_size=INPUT_BYTES, max_size=INPUT_BYTES),
    ),
    st.builds(
        lambda run, item, offset, length: Frame(
            Kind.READ, Read(run=run, item=item, offset=offset, length=length).pack()
        ),
        RUN_IDS, st.sampled_from(Item), st.integers(0, 26) | st.just(2**32 - 1), st.integers(0, 26) | st.just(250),
    ),
    st.builds(Frame, st.sampled_from([Kind.STATS, Kind.RESET])),
    st.builds(Frame, st.integers(0, 255).filter(lambda kind: kind not in {*Kind}), st.binary(max_size=20)),
)  # fmt: skip


@given(st.lists(st.tuples(REQUESTS, st.sampled_from(["", "", "", "", "", "twice", "flip", "cut"])), max_size=40))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_c_and_python_answer_alike(driver: Path, requests: list[tuple[Frame, str]]) -> None:
    line = bytearray()
    for number, (request, fate) in enumerate(requests):
        one = bytearray(encode(Frame(request.kind, request.payload, request.flags, number)))
        if fate == "flip":
            one[len(one) // 2] ^= 0x10
        line += one[:-3] if fate == "cut" else one * (2 if fate == "twice" else 1)
    assert talk_to_c(driver, bytes(line)) == talk_to_python(bytes(line))


def mutated_line(seed: int, size: int) -> bytes:
    """Requests of every kind, most of them damaged: bits, bytes, lengths; and plain noise."""
    rng, line = random.Random(seed), bytearray()  # noqa: S311
    kinds = [*Kind, 0x55]
    while len(line) < size:
        if rng.random() < 0.15:
            line += rng.randbytes(rng.randrange(600))
            continue
        head = struct.pack("<II", rng.choice([0, 1, 2, 3, 2**32 - 1]), rng.choice([0, 1, 17, 18, 2**31, 2**32 - 1]))
        payload = bytearray(head[: rng.randrange(9)] + rng.randbytes(rng.randrange(40)))
        if rng.random() < 0.5:
            payload = bytearray(Run(run=rng.randrange(5), mode=Mode(rng.randrange(4)), point=rng.randrange(4)).pack())
            payload += rng.randbytes(rng.choice([0, 0, 17, 18, 19, 238, 239]))
        kind = Kind.RUN if len(payload) > 15 and rng.random() < 0.7 else rng.choice(kinds)
        one = bytearray(encode(Frame(kind, bytes(payload), rng.choice([0, 0, 0, 1, 0xFF]), rng.randrange(65536))))
        for _ in range(rng.choice([0, 0, 0, 1, 3])):
            at = rng.randrange(len(one))
            action = rng.randrange(3)
            if action == 0:
                one[at] ^= 1 << rng.randrange(8)
            elif action == 1:
                del one[at : at + rng.randrange(1, 4)]
                one = one or bytearray(1)
            else:
                one[at:at] = rng.randbytes(rng.randrange(1, 300))
        line += one
    return bytes(line)


@pytest.mark.parametrize("seed", range(3))
def test_no_input_harms_the_firmware(driver: Path, seed: int) -> None:
    ping = Frame(Kind.PING, b"still there", 0, 4711)
    answers = talk_to_c(driver, mutated_line(seed, 700_000) + b"\0" + encode(ping))
    assert answers[-1] == Frame(Kind.PING | REPLY, b"still there", 0, 4711)
    kinds = {answer.kind for answer in answers if isinstance(answer, Frame)}
    assert {Kind.RUN | REPLY, Kind.ERROR, Kind.DAMAGED, Kind.BOOT} <= kinds
    assert not any(isinstance(answer, BadFrame) for answer in answers)


def test_a_fault_is_told_to_everyone_who_asks_until_reset(driver: Path) -> None:
    fault = Fault(
        kind=2 + 1, pc=0x1234, lr=0x5679, sp=0x2000_1000, xpsr=0x0100_0000, cfsr=0x8200, hfsr=0x4000_0000,
        address=0x6000_0000,
    )  # fmt: skip
    asked = encode(Frame(Kind.PING, b"hello?")) + encode(Frame(Kind.RUN, bytes(300)))
    out = Decoder().feed(drive(driver, "fault", asked))
    assert [(frame.kind, Fault.unpack(frame.payload)) for frame in out if isinstance(frame, Frame)] == [
        (Kind.FAULT, fault)
    ] * 3
    with pytest.raises(Exception, match="exit status 7"):  # edgeq_board_reset of the driver
        drive(driver, "fault", asked + encode(Frame(Kind.RESET)))
