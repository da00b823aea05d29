#!/usr/bin/env python3
"""What the link survives, and how much its CRC lets through.

soak: many inferences on the native firmware behind a bad line (bit errors, losses, duplicates, a cut, two resets);
every result is checked, every inference of the device accounted for.

line: the share of a line's byte rate that is input, the next one travelling while the device computes. For an idle
machine: one input is ahead at most, so that the line pauses whenever host, proxy or device get no CPU in time.

emulator: what samples through the built-in emulator take, compared with their inferences alone, and the difference:
milliseconds a sample that the link takes, whatever the model (but for the bytes of its input). Both take turns, so that
a machine that is slower for a while is so for both.

crc: frames through a line with bit errors, losses and duplicates of bytes; the damaged ones that CRC-32, CRC-16 or the
lower half of CRC-16 takes for whole.
"""

from __future__ import annotations

import binascii
import dataclasses
import json
import random
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "link")]

import link_firmware  # noqa: E402
from soak import BAD_LINE, soak  # noqa: E402

from edgeq import process, resources  # noqa: E402
from edgeq.devices.native import native_device  # noqa: E402
from edgeq.link.codes import Mode  # noqa: E402
from edgeq.link.faulty.faults import Direction, Faults  # noqa: E402
from edgeq.link.frame import cobs_decode, cobs_encode  # noqa: E402
from edgeq.link.session import Session  # noqa: E402


def crc16(data: bytes) -> int:
    """CRC-16/CCITT."""
    return binascii.crc_hqx(data, 0xFFFF)


def crc16_low_byte(data: bytes) -> int:
    """Its lower half: no CRC-8, but like one it lets one in 2^8 of what is random through."""
    return crc16(data) & 0xFF


CHECKS: dict[int, Callable[[bytes], int]] = {8: crc16_low_byte, 16: crc16, 32: zlib.crc32}


@click.group()
def main() -> None:
    """Figures of the link."""


@main.command("soak")
@click.option("--samples", default=10_000, show_default=True)
@click.option("--input-bytes", default=64, show_default=True)
@click.option("--bit-errors", default=BAD_LINE.bit_errors, show_default=True)
@click.option("--drop", default=BAD_LINE.drop, show_default=True)
@click.option("--duplicate", default=BAD_LINE.duplicate, show_default=True)
@click.option("--frames", is_flag=True, help="Frames are lost and doubled, not bytes.")
@click.option("--seed", default=0, show_default=True)
def soak_command(samples: int, input_bytes: int, **faults: float) -> None:
    """Run it, and print what happened as JSON."""
    board = resources.firmware() / "boards" / "native" / "board.c"
    with tempfile.TemporaryDirectory() as folder:
        program = link_firmware.compile_firmware(
            Path(folder) / "firmware", board=board, main=True, input_bytes=input_bytes, defines=("MODEL_ECHO_BYTES=16",)
        )
        found = soak(program, Faults(**faults), samples=samples, input_bytes=input_bytes, cuts=[0.3], resets=[0.5, 0.8])
    print(json.dumps(dataclasses.asdict(found), indent=2))
    if found.wrong or found.twice or found.samples != samples:
        raise SystemExit(1)


@main.command("line")
@click.option("--baud", default=921_600, show_default=True)
@click.option("--samples", default=300, show_default=True)
@click.option("--input-bytes", default=3072, show_default=True)
@click.option("--seconds", default=0.01, show_default=True, help="That an inference takes.")
def line_command(baud: int, samples: int, input_bytes: int, seconds: float) -> None:
    """The share of a line's byte rate that is input, through a proxy that lets no more through."""
    rng = random.Random(0)  # noqa: S311 (sample data)
    first = input_bytes - link_firmware.CONTEXT_BYTES
    inputs = [(rng.randbytes(first), rng.randbytes(link_firmware.CONTEXT_BYTES)) for _ in range(samples)]
    board = resources.firmware() / "boards" / "native" / "board.c"
    with tempfile.TemporaryDirectory() as folder:
        program = link_firmware.compile_firmware(
            Path(folder) / "firmware", board=board, main=True, input_bytes=first,
            defines=("MODEL_ECHO_BYTES=16", f"MODEL_SECONDS={seconds}"),
        )  # fmt: skip
        with native_device(program) as device:
            proxy = process.start(
                [sys.executable, "-m", "edgeq.link.faulty", device.url, "--line-baud", str(baud)],
                what="the proxy", env=process.own_environment(),
            )  # fmt: skip
            try:
                assert proxy.stdout is not None
                url = proxy.stdout.readline().decode().strip()
                with Session.connect(url, failure=device.failure) as session:
                    session.run(inputs[0])
                    begin = time.monotonic()
                    count = sum(1 for _ in session.run_many(inputs))
                    took = time.monotonic() - begin
            finally:
                process.stop(proxy)
    rate = count * input_bytes / took
    print(f"{count} inputs of {input_bytes} bytes in {took:.2f} s: {rate:,.0f} of {baud / 10:,.0f} bytes/s, ", end="")
    print(f"{rate * 10 / baud:.1%} of the line's rate is payload")


@main.command("emulator")
@click.argument("build", type=click.Path(exists=True, path_type=Path))
@click.option("--samples", default=1000, show_default=True)
@click.option("--turns", default=10, show_default=True, help="Of some samples alone, as many through the link.")
def emulator_command(build: Path, samples: int, turns: int) -> None:
    """What samples through the built-in emulator take, compared with their inferences alone: wall time, and CPU time of
    the emulator's process, which other programs disturb less."""
    from edgeq import measure
    from edgeq.builds import open_build

    made = open_build(build)
    each = max(2, samples // turns // 2 * 2)
    with measure.started(made, "emulated") as (device, session):
        have = len(made.samples)
        inputs = [tuple(a[i % have].tobytes() for a in made.samples.inputs) for i in range(each)]
        session.run(inputs[0])
        data = b"".join(inputs[0])
        alone, linked = _Times(device), _Times(device)
        for _ in range(turns):
            with alone:
                session._runs.execute(data, Mode.INFER, repeat=each // 2)
            with linked:
                for _answer in session.run_many(inputs):
                    pass
            with alone:
                session._runs.execute(data, Mode.INFER, repeat=each // 2)
    count = turns * each
    print(f"{count} inferences in {turns} turns; ms a sample, wall and CPU:")
    for what, wall, cpu in (
        ("alone", alone.wall, alone.cpu),
        ("through the link", linked.wall, linked.cpu),
        ("the link's part", linked.wall - alone.wall, linked.cpu - alone.cpu),
    ):
        print(f"  {what:17s}{1000 * wall / count:9.3f}{1000 * cpu / count:9.3f}")
    print(f"  {'ratio':17s}{linked.wall / alone.wall:9.3f}{linked.cpu / alone.cpu:9.3f}")


class _Times:
    """Wall time, and CPU time of an emulator's process, of what runs within `with`: seconds, summed up."""

    def __init__(self, device: Any) -> None:
        self._device = device
        self.wall = self.cpu = 0.0

    def __enter__(self) -> None:
        self.cpu -= _cpu_seconds(self._device)
        self.wall -= time.monotonic()

    def __exit__(self, *_: object) -> None:
        self.wall += time.monotonic()
        self.cpu += _cpu_seconds(self._device)


def _cpu_seconds(device: Any) -> float:
    """Of the emulator's only thread (Linux, /proc/PID/schedstat: nanoseconds)."""
    return int(Path(f"/proc/{device._child.pid}/schedstat").read_text().split()[0]) / 1e9


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
    line = Direction(
        Faults(bit_errors=BAD_LINE.bit_errors, drop=BAD_LINE.drop, duplicate=BAD_LINE.duplicate), seed=seed
    )
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
