#!/usr/bin/env python3
"""Has an inference become slower? Instruction counts of a few models, against those in tools/bench/counts.json.

    python tools/bench/counts.py              exit status 1 if a count rose by more than 2 %; says which layers did
    python tools/bench/counts.py --update     accept the counts of now; look at the difference before you commit it

Counts are exact and the same on every machine, but belong to a compiler. zig's version is pinned (requirements.lock):
with another one the counts have to be updated. gcc is the machine's own: a row of another version than the one that it
was written with is shown and not compared.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from engine import measured, zoo_models  # noqa: E402

from edgeq import Optimize  # noqa: E402
from edgeq.boards import load_board  # noqa: E402
from edgeq.devices.qemu import PROGRAM as QEMU  # noqa: E402

BASELINE = HERE / "counts.json"
ALLOWED = 0.02
# Share by which the cost model (edgeq/lower/choose.py) may be wrong about a layer of more than so many cycles.
ASTRAY = 0.15
SMALL = 10_000
# Of the constants in edgeq/lower/dsp.
JUDGED_CORE = "cortex-m4"
PINNED = "zig"
# Model of tests/zoo.py, board, toolchain.
ROWS = (
    ("ds_cnn", "mps2-an386", "zig"),
    ("ds_cnn", "mps2-an386", "gcc"),
    ("ds_cnn", "mps2-an385", "zig"),
    ("resnet8", "mps2-an386", "zig"),
    ("autoencoder", "mps2-an386", "zig"),
    ("autoencoder", "mps2-an386", "gcc"),
    ("ds_cnn", "mps3-an547", "zig"),
    ("resnet8", "mps3-an547", "zig"),
    ("resnet8", "mps3-an547", "gcc"),
)


@dataclass(frozen=True, kw_only=True)
class Count:
    """Instructions of one inference, also by layer where the built-in emulator counts. `compiler` is the toolchain's
    version."""

    model: str
    board: str
    toolchain: str
    compiler: str
    instructions: int
    layers: dict[str, int]

    @classmethod
    def of(cls, row: dict[str, Any]) -> Count:
        """From what engine.py measured."""
        return cls(
            model=row["model"],
            board=row["board"],
            toolchain=row["toolchain"]["name"],
            compiler=row["toolchain"]["version"],
            instructions=row["instructions"],
            layers={r["label"]: r["instructions"] for r in row["layers"] if r["instructions"] is not None},
        )

    @property
    def row(self) -> tuple[str, str, str]:
        """What was counted."""
        return (self.model, self.board, self.toolchain)


def load(path: Path) -> list[Count]:
    """The counts in a file that `save` wrote."""
    return [Count(**row) for row in json.loads(path.read_text(encoding="utf-8"))]


def save(counts: Iterable[Count], path: Path) -> None:
    """Write counts as JSON."""
    path.write_text(json.dumps([asdict(c) for c in counts], indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def measure(rows: Iterable[tuple[str, str, str]]) -> list[dict[str, Any]]:
    """Build and run each row, as engine.py has them; those of gcc only where it is installed.

    Raises:
        SystemExit: outputs differ from the reference's.
    """
    found = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for model, board, toolchain in rows:
            needed = ["arm-none-eabi-gcc"] if toolchain == "gcc" else []
            needed += [] if load_board(board).unicorn_cpu else [QEMU]
            if any(shutil.which(tool) is None for tool in needed):
                continue
            [path] = zoo_models(model, folder)
            row = measured(path, board, toolchain, Optimize.BALANCED, folder / "build")
            if not row["equal"]:
                raise SystemExit(f"{model} on {board} with {toolchain}: outputs differ from the reference's")
            found.append(row)
    return found


def compare(found: Iterable[Count], baseline: Iterable[Count]) -> tuple[list[str], list[str]]:
    """(one line for each row, one for each row that cannot be compared and should be, or rose by more than ALLOWED)."""
    known = {c.row: c for c in baseline}
    lines, risen = [], []
    for now in found:
        name = " ".join(now.row)
        before = known.get(now.row)
        if before is None:
            risen.append(f"{name}: not in {BASELINE.name}; `python tools/bench/counts.py --update` adds it")
            continue
        change = now.instructions / before.instructions - 1
        line = f"{name}: {before.instructions:,} -> {now.instructions:,} instructions ({change:+.2%})"
        if now.compiler != before.compiler:
            text = f"{line}, not compared: {now.toolchain} {now.compiler}, counts are of {before.compiler}"
            if now.toolchain == PINNED:
                risen.append(f"{text}; update them: `python tools/bench/counts.py --update`")
            else:
                lines.append(text)
            continue
        lines.append(line)
        if change > ALLOWED:
            slower = (
                f"{label}: {before.layers.get(label, 0):,} -> {n:,}"
                for label, n in now.layers.items()
                if n > before.layers.get(label, 0) * (1 + ALLOWED)
            )
            risen.append("\n    ".join([line, *slower]))
    return lines, risen


def misjudged(rows: Iterable[dict[str, Any]]) -> list[str]:
    """Layers on a JUDGED_CORE that cost more or less than the choice of their kernel expected, by more than ASTRAY."""
    return [
        f"{row['model']} {row['toolchain']['name']} {layer['label']}: {layer['cycles_expected']:,} cycles expected, "
        f"{layer['cycles_estimated']:,} counted"
        for row in rows
        for layer in row["layers"]
        if load_board(row["board"]).core == JUDGED_CORE
        and layer["cycles_expected"]
        and layer["cycles_estimated"] > SMALL
        and abs(layer["cycles_expected"] / layer["cycles_estimated"] - 1) > ASTRAY
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--update", action="store_true", help="write the counts of now into counts.json")
    options = parser.parse_args()
    rows = measure(ROWS)
    found = [Count.of(row) for row in rows]
    wrong = misjudged(rows)
    print("\n".join(wrong))
    for row in ROWS:
        if row not in {c.row for c in found}:
            print(f"{' '.join(row)}: not measured, a tool is missing")
    if options.update:
        # Rows of a toolchain that is not installed stay.
        counted = {c.row: c for c in [*(load(BASELINE) if BASELINE.exists() else ()), *found]}
        save((counted[row] for row in ROWS if row in counted), BASELINE)
        print(f"wrote {BASELINE.name}: {len(found)} rows")
        return 0
    lines, risen = compare(found, load(BASELINE))
    print("\n".join(lines))
    if risen:
        print(f"\nmore than {ALLOWED:.0%} slower; if that is meant, run `python tools/bench/counts.py --update`:")
        print("\n".join(risen))
    return int(bool(risen or wrong))


if __name__ == "__main__":
    sys.exit(main())
