#!/usr/bin/env python3
"""What the link survives, and how much its CRC lets through.

soak: many inferences on the native firmware behind a bad line (bit errors, losses, duplicates, a cut, two resets);
every result is checked, every inference of the device accounted for.

crc: frames through a line with bit errors, losses and duplicates of bytes; the damaged ones that a check of 8, 16 or 32
bits takes for whole.
"""

from __future__ import annotations

import binascii
import dataclasses
import json
import random
import sys
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "link")]

import link_firmware  # noqa: E402
from soak import ISSUE, soak  # noqa: E402

from edgeq import resources  # noqa: E402
from edgeq.link.faulty.faults import Direction, Faults  # noqa: E402
from edgeq.link.frame import cobs_decode, cobs_encode  # noqa: E402

CHECKS: dict[int, Callable[[bytes], int]] = {
    8: lambda data: binascii.crc_hqx(data, 0xFFFF) & 0xFF,
    16: lambda data: binascii.crc_hqx(data, 0xFFFF),
    32: zlib.crc32,
}


@click.group()
def main() -> None:
    """Figures of the link."""


@main.command("soak")
@click.option("--samples", default=10_000, show_default=True)
@click.option("--input-bytes", default=64, show_default=True)
@click.option("--bit-errors", default=ISSUE.bit_errors, show_default=True)
@click.option("--drop", default=ISSUE.drop, show_default=True)
@click.option("--duplicate", default=ISSUE.duplicate, show_default=True)
@click.option("--frames", is_flag=True, help="Frames are lost and doubled, not bytes.")
@click.option("--seed", default=0, show_default=True)
def soak_command(samples: int, input_bytes: int, **faults: float) -> None:
    """Run it, and print what happened as JSON."""
    board = resources.firmware() / "boards" / "native" / "board.c"
    with tempfile.TemporaryDirectory() as folder:
        program = link_firmware.compile_firmware(
            Path(folder) / "firmware", board=board, main=True, input_bytes=input_bytes
        )
        found = soak(program, Faults(**faults), samples=samples, input_bytes=input_bytes, cuts=[0.3], resets=[0.5, 0.8])
    print(json.dumps(dataclasses.asdict(found), indent=2))
    if found.wrong or found.twice or found.samples != samples:
        raise SystemExit(1)


@main.command("crc")
@click.option("--frames", default=1_000_000, show_default=True, help="How many are sent.")
@click.option("--bytes", "size", default=64, show_default=True, help="Of each frame, header included.")
@click.option("--seed", default=0, show_default=True)
def crc_command(frames: int, size: int, seed: int) -> None:
    """Count damaged frames that each check takes for whole.

    A check of n bits lets one in 2^n of them through, if damage makes any of its values as likely as any other: losses
    and doubled bytes do, and COBS makes flipped code bytes into such damage.
    """
    rng, damaged = random.Random(seed), 0  # noqa: S311 (sample data)
    passed = dict.fromkeys(CHECKS, 0)
    line = Direction(Faults(bit_errors=ISSUE.bit_errors, drop=ISSUE.drop, duplicate=ISSUE.duplicate), seed=seed)
    for _ in range(frames):
        body = rng.randbytes(size)
        checks = b"".join(check(body).to_bytes(bits // 8, "little") for bits, check in CHECKS.items())
        sent = cobs_encode(body + checks)
        line.feed(sent, 0.0)
        arrived = line.take(1e9)
        if arrived == sent:
            continue
        for piece in filter(None, arrived.split(b"\0")):
            data = cobs_decode(piece)
            if data is None or len(data) < 8 + len(checks):
                continue
            damaged += 1
            got, at = data[: -len(checks)], len(data) - len(checks)
            for bits, check in CHECKS.items():
                passed[bits] += check(got) == int.from_bytes(data[at : at + bits // 8], "little") and got != body
                at += bits // 8
    print(f"{damaged:,} damaged pieces of {frames:,} frames of {size} bytes decode as COBS")
    for bits, count in passed.items():
        print(f"{bits:2d} bits: {count:,} taken for whole; {damaged / 2**bits:,.4g} expected of chance (1 in 2^{bits})")


if __name__ == "__main__":
    main()
