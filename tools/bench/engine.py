#!/usr/bin/env python3
"""What one inference of each model costs, per toolchain and board.

    python tools/bench/engine.py model.tflite --toolchain zig --toolchain gcc
    python tools/bench/engine.py --zoo                    all models of tests/zoo.py (two by name: --zoo=demo,ds_cnn)
    python tools/bench/engine.py --zoo --json out.json    machine-readable too

Every model is built by `edgeq.build` and run on the built-in emulator. Instructions are counted; cycles are
estimated from the core's documented timings with memories without wait states. Counts belong to a compiler and its
flags: the JSON has both. Outputs must equal the primary reference's (TFLite Micro where it runs): exit status 1 if one
does not.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

import edgeq
from edgeq.version import version

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = 2
COLUMNS = ("model", "board", "toolchain", "MACs", "instructions", "est. cycles", "per MAC", "flash", "RAM", "arena")


def zoo_models(names: str, folder: Path) -> list[Path]:
    """The named models of the zoo (all if none is named) as files."""
    sys.path.insert(0, str(ROOT / "tests"))
    import zoo

    paths = []
    for name in filter(None, names.split(",")) if names else zoo.ZOO:
        path = folder / f"{name}.tflite"
        path.write_bytes(zoo.zoo_tflite(name))
        paths.append(path)
    return paths


def measured(model: Path, board: str, toolchain: str, out: Path) -> dict[str, Any]:
    """One row: what the report of a build says."""
    report = edgeq.build(
        edgeq.BuildOptions(
            model=model, data=None, out=out, board=board, toolchain=toolchain, samples=SAMPLES, traced_samples=0
        )
    )
    profile, memory = report.profile, report.memory
    assert profile is not None and memory is not None and memory.plan is not None and report.toolchain is not None
    return {
        "model": model.stem,
        "sha256": report.model.sha256,
        "board": board,
        "toolchain": {
            "name": report.toolchain.name,
            "version": report.toolchain.version,
            "flags": list(report.toolchain.flags),
        },
        "equal": report.passed,
        "macs": report.model.macs,
        "instructions": profile.instructions,
        "cycles_estimated": profile.cycles_estimated,
        "cycles_per_mac": (profile.cycles_estimated or 0) / max(1, report.model.macs),
        "flash_bytes": memory.flash_bytes,
        "ram_bytes": memory.ram_bytes,
        "arena_bytes": memory.arena_bytes,
        "arena_liveness_bound": memory.plan.liveness_bound,
        "tflm_arena_bytes": memory.tflm_arena_bytes,
        "stack_bytes": memory.stack_bytes,
        "layers": [
            {
                "label": layer.label,
                "kernel": layer.kernel,
                "macs": layer.macs,
                "instructions": layer.instructions,
                "cycles_estimated": layer.cycles,
            }
            for layer in profile.layers
        ],
    }


def table(rows: list[dict[str, Any]]) -> Table:
    """The rows for people."""
    result = Table(*COLUMNS, box=None)
    for column in result.columns[3:]:
        column.justify = "right"
    for row in rows:
        numbers = ("macs", "instructions", "cycles_estimated", "flash_bytes", "ram_bytes", "arena_bytes")
        macs, instructions, cycles, flash, ram, arena = (f"{row[name]:,}" for name in numbers)
        per_mac = f"{row['cycles_per_mac']:.2f}"
        name = row["model"] if row["equal"] else f"{row['model']} DIFFERS"
        result.add_row(
            name, row["board"], row["toolchain"]["name"], macs, instructions, cycles, per_mac, flash, ram, arena
        )
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", type=Path, help=".tflite files")
    parser.add_argument("--zoo", nargs="?", const="", metavar="NAMES", help="models of tests/zoo.py; all by default")
    parser.add_argument("--toolchain", action="append", choices=("zig", "gcc"), help="repeatable (default: zig)")
    parser.add_argument("--board", action="append", help="repeatable (default: mps2-an386)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there; - for stdout, without a table")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models = [*options.models, *(zoo_models(options.zoo, folder) if options.zoo is not None else ())]
        if not models:
            parser.error("no model: give .tflite files, or --zoo")
        for model in models:
            for board in options.board or ["mps2-an386"]:
                for toolchain in options.toolchain or ["zig"]:
                    rows.append(measured(model, board, toolchain, folder / "build"))
    content = json.dumps({"edgeq": version(), "samples": SAMPLES, "rows": rows}, indent=2)
    if str(options.json) == "-":
        print(content)
    else:
        if options.json:
            options.json.write_text(content + "\n")
        Console(width=None if sys.stdout.isatty() else 160).print(table(rows))
    return int(not all(row["equal"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
