#!/usr/bin/env python3
"""Compares edgeq's instructions and estimated cycles of one inference with those of an independent tool.

    python tools/bench/cycles_crosscheck.py build/firmware.elf --plugin blocks.so --script m4cycles.py

edgeq counts blocks on its own emulator. The independent way is QEMU with a TCG plugin that counts how often each
translated block ran (`-plugin PLUGIN,out=FILE` writes "vaddr instructions bytes count" lines at exit), and a script
that turns two such files, of runs that differ by K inferences, into figures per inference
(`SCRIPT elf few.txt elf many.txt K` prints "per inference: instructions N cycles M"). Without --plugin and --script,
only edgeq's own figures are printed.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from pathlib import Path

from edgeq import process
from edgeq.boards import Board, load_board
from edgeq.devices.emulated import EmulatedDevice
from edgeq.devices.qemu import HINT, PROGRAM, QemuDevice
from edgeq.link.session import Session
from edgeq.toolchain.elf import symbols
from edgeq.validation.cycles import Cost, CycleModel

TOLERANCE = 0.01


def zeros(session: Session) -> list[bytes]:
    return [bytes(tensor.nbytes) for tensor in session.inputs]


def own(elf: Path, board: Board, symbol: str) -> Cost:
    with (
        EmulatedDevice(elf, board, symbol=symbol) as device,
        Session.connect(device.url, failure=device.failure) as session,
    ):
        inputs = zeros(session)
        device.start_counting(f"{symbol}_invoke", ())
        session.run(inputs)
        counts = device.stop_counting()
    return CycleModel(elf).total((a, n, k) for operator, a, n, k in counts.blocks if operator != -2)


def count_blocks(elf: Path, board: Board, plugin: Path, repeat: int, out: Path) -> None:
    """Boot, run, end QEMU so that the plugin writes its file. `repeat` > 1 makes 1 + repeat inferences."""
    with (
        QemuDevice(elf, board, extra=("-plugin", f"{plugin},out={out}")) as device,
        Session.connect(device.url, failure=device.failure) as session,
    ):
        session.run(zeros(session), repeat=repeat)


def independent(elf: Path, board: Board, plugin: Path, script: Path, inferences: int) -> Cost:
    with tempfile.TemporaryDirectory() as folder:
        few, many = Path(folder) / "few.txt", Path(folder) / "many.txt"
        count_blocks(elf, board, plugin, 2, few)
        count_blocks(elf, board, plugin, 2 + inferences, many)
        out = process.run(
            [sys.executable, "-B", script, elf, few, elf, many, str(inferences)], timeout=600, what="the script"
        ).stdout.decode()
    found = re.search(r"instructions (\d+) cycles (\d+)", out)
    if found is None:
        raise SystemExit(f"{script} printed no figures:\n{out}")
    return Cost(instructions=int(found[1]), cycles=int(found[2]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("elf", type=Path)
    parser.add_argument("--board", default="mps2-an386")
    parser.add_argument("--symbol", help="C prefix of the model; default: found in the image")
    parser.add_argument("--plugin", type=Path)
    parser.add_argument("--script", type=Path)
    parser.add_argument("--inferences", type=int, default=4, metavar="K")
    options = parser.parse_args()
    board = load_board(options.board)
    found = [f.name for f in symbols(options.elf).functions if f.name.endswith("_invoke")]
    symbol = options.symbol or (found[0].removesuffix("_invoke") if len(found) == 1 else None)
    if symbol is None:
        parser.error(f"--symbol is needed: the image has {', '.join(found) or 'no function named …_invoke'}")
    ours = own(options.elf, board, symbol)
    print(f"edgeq:       instructions {ours.instructions:>12,}  cycles {ours.cycles:>12,}")
    if not (options.plugin and options.script):
        return 0
    process.find_tool(PROGRAM, hint=HINT)
    theirs = independent(options.elf, board, options.plugin.resolve(), options.script, options.inferences)
    print(f"independent: instructions {theirs.instructions:>12,}  cycles {theirs.cycles:>12,}")
    off = {what: getattr(ours, what) / getattr(theirs, what) - 1 for what in ("instructions", "cycles")}
    print(f"difference:  instructions {off['instructions']:>+12.4%}  cycles {off['cycles']:>+12.4%}")
    return int(max(map(abs, off.values())) > TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())
