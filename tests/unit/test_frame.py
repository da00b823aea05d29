"""The frame codec: vectors, round trips, garbage."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.link.frame import BadFrame, Decoder, Frame, cobs_decode, cobs_encode, encode

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "link.json").read_text())
FRAMES = st.builds(
    Frame,
    kind=st.integers(0, 255),
    payload=st.binary(max_size=1024) | st.integers(0, 1024).map(lambda n: b"\x55" * n),
    flags=st.integers(0, 255),
    sequence=st.integers(0, 65535),
)


def frame_of(vector: dict) -> Frame:
    return Frame(vector["kind"], bytes.fromhex(vector["payload"]), vector["flags"], vector["sequence"])


@pytest.mark.parametrize("vector", VECTORS["frames"], ids=lambda v: v["name"])
def test_vectors(vector: dict) -> None:
    line = bytes.fromhex(vector["line"])
    assert encode(frame_of(vector)) == line
    assert Decoder().feed(line) == [frame_of(vector)]


@pytest.mark.parametrize("vector", VECTORS["damaged"], ids=lambda v: v["name"])
@pytest.mark.parametrize("piece", [1, 7, 100_000])
def test_damaged_vectors(vector: dict, piece: int) -> None:
    line, decoder = bytes.fromhex(vector["line"]), Decoder()
    events = [event for at in range(0, len(line), piece) for event in decoder.feed(line[at : at + piece])]
    expected = [None if event == "bad" else frame_of(event) for event in vector["events"]]
    assert [None if isinstance(event, BadFrame) else event for event in events] == expected


def test_the_empty_frame_by_hand() -> None:
    crc = zlib.crc32(b"\x20\0\0\0").to_bytes(4, "little")
    assert 0 not in crc
    assert encode(Frame(0x20)) == b"\0" + b"\x02\x20" + b"\x01" + b"\x01" + bytes([5]) + crc + b"\0"


@given(st.lists(FRAMES, max_size=4), st.integers(1, 300))
def test_round_trip_in_pieces(frames: list[Frame], piece: int) -> None:
    line, decoder = b"".join(map(encode, frames)), Decoder()
    decoded = [event for at in range(0, len(line), piece) for event in decoder.feed(line[at : at + piece])]
    assert decoded == frames


@given(st.binary(max_size=1200) | st.integers(0, 1200).map(lambda n: b"\x07" * n))
def test_cobs_round_trip(data: bytes) -> None:
    coded = cobs_encode(data)
    assert 0 not in coded
    assert len(coded) <= len(data) + max(1, -(-len(data) // 254))
    assert cobs_decode(coded) == data


@given(st.binary(max_size=2000), FRAMES)
def test_garbage_never_hides_the_next_frame(garbage: bytes, frame: Frame) -> None:
    events = Decoder().feed(garbage + encode(frame))
    assert events[-1] == frame


@given(FRAMES, st.data())
def test_a_flipped_bit_is_never_accepted(frame: Frame, data: st.DataObject) -> None:
    line = bytearray(encode(frame))
    at = data.draw(st.integers(0, len(line) - 1))
    line[at] ^= 1 << data.draw(st.integers(0, 7))
    assert all(isinstance(event, BadFrame) or event == frame for event in Decoder().feed(bytes(line) + b"\0"))


def test_endless_noise_does_not_fill_the_memory() -> None:
    decoder = Decoder()
    bad = [event for _ in range(1000) for event in decoder.feed(b"\xaa" * 1000)]
    assert bad
    assert len(decoder.pending()) <= 1 << 17
    assert decoder.feed(encode(Frame(1)))[-1] == Frame(1)
