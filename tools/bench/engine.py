#!/usr/bin/env python3
"""What one inference of each model costs, per toolchain and board.

    python tools/bench/engine.py model.tflite --toolchain zig --toolchain gcc
    python tools/bench/engine.py --zoo                    all models of tests/zoo.py (two by name: --zoo=demo,ds_cnn)
    python tools/bench/engine.py --zoo --json out.json    machine-readable too
    python tools/bench/engine.py model.tflite --optimize size --optimize speed --layers
    python tools/bench/engine.py model.tflite --layers --without-pass in-place    what a pass is worth, counted
    python tools/bench/engine.py --zoo --board mps3-an547      the Cortex-M55, on QEMU

Every model is built by `edgeq.build` and run on the built-in emulator, or on QEMU where that has no such core.
Instructions are counted; cycles, where the core has published timings (the Cortex-M55 has none), are estimated from
these, with memories without wait states. Counts belong to a compiler and its flags: the JSON has both. "of TFLM"
compares with TensorFlow Lite Micro and CMSIS-NN (commit 90b983c2, release build, gcc 12.2, the same core and estimate),
where that was measured. Outputs must equal the primary reference's (TFLite Micro where it runs): exit status 1 if one
does not.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

import edgeq
from edgeq.boards import load_board
from edgeq.lower.names import Pass
from edgeq.version import version

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = 2
COLUMNS = (
    "model", "board", "toolchain", "optimize", "MACs", "instructions", "per MAC", "est. cycles", "per MAC", "of TFLM",
    "flash", "RAM", "arena", "bound",
)  # fmt: skip
# Estimated cycles of TFLite Micro with CMSIS-NN on the Cortex-M4, by the .tflite's SHA-256.
TFLM_CYCLES = {
    "aeea436800704fce17b17292e4412630ad856e9d777c044c64ef748a880bd0ae": 9_585_251,
    "3c002613d1b2475eb51dd78dfb85a546c8ae658dee71cf6ade43b022fe205415": 37_660_490,
}


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


def measured(
    model: Path, board: str, toolchain: str, optimize: edgeq.Optimize, out: Path, without: Sequence[Pass] = ()
) -> dict[str, Any]:
    """One row: what the report of a build says."""
    report = edgeq.build(
        edgeq.BuildOptions(
            model=model,
            data=None,
            out=out,
            board=board,
            device="emulated" if load_board(board).unicorn_cpu else "qemu",
            toolchain=toolchain,
            optimize=optimize,
            without_passes=tuple(without),
            samples=SAMPLES,
            traced_samples=0,
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
        "optimize": report.optimize,
        "equal": report.passed,
        "macs": report.model.macs,
        "instructions": profile.instructions,
        "cycles_estimated": profile.cycles_estimated,
        "cycles_of_tflm": (
            (profile.cycles_estimated or 0) / TFLM_CYCLES[report.model.sha256]
            if board == "mps2-an386" and report.model.sha256 in TFLM_CYCLES
            else None
        ),
        "without_passes": [p.value for p in without],
        "passes": [asdict(saving) for saving in memory.plan.saved],
        "instructions_per_mac": profile.instructions / max(1, report.model.macs),
        "cycles_per_mac": (
            None if profile.cycles_estimated is None else profile.cycles_estimated / max(1, report.model.macs)
        ),
        "flash_bytes": memory.flash_bytes,
        "ram_bytes": memory.ram_bytes,
        "arena_bytes": memory.arena_bytes,
        "arena_liveness_bound": memory.plan.liveness_bound,
        "tflm_arena_bytes": memory.tflm_arena_bytes,
        "stack_bytes": memory.stack_bytes,
        "layers": [
            {
                "label": call.label,
                "kernel": call.kernel,
                "variant": call.variant,
                "constant_bytes": call.weight_bytes,
                "macs": None if layer is None else layer.macs,
                "instructions": None if layer is None else layer.instructions,
                "cycles_estimated": None if layer is None else layer.cycles,
                "cycles_expected": call.expected_cycles,
            }
            for layer, call in zip(profile.layers or [None] * len(memory.plan.calls), memory.plan.calls, strict=True)
        ],
    }


def table(rows: list[dict[str, Any]]) -> Table:
    """The rows for people."""
    result = Table(*COLUMNS, box=None)
    for column in result.columns[4:]:
        column.justify = "right"
    for row in rows:
        numbers = ("macs", "instructions", "flash_bytes", "ram_bytes", "arena_bytes", "arena_liveness_bound")
        macs, instructions, *sizes = (f"{row[name]:,}" for name in numbers)
        known = ("cycles_estimated", ","), ("cycles_per_mac", ".2f"), ("cycles_of_tflm", ".3f")
        cycles = ["" if row[name] is None else format(row[name], form) for name, form in known]
        name = row["model"] if row["equal"] else f"{row['model']} DIFFERS"
        result.add_row(
            name, row["board"], row["toolchain"]["name"], row["optimize"], macs, instructions,
            f"{row['instructions_per_mac']:.2f}", *cycles, *sizes,
        )  # fmt: skip
    return result


def layers(row: dict[str, Any]) -> Table:
    """The layers of one row: what each costs, what the choice expected, with which kernel, and why."""
    title = f"{row['model']}, {row['toolchain']['name']}, {row['optimize']}"
    result = Table(
        "layer",
        "est. cycles",
        "expected",
        "per MAC",
        "constants",
        "kernel",
        box=None,
        title=title,
        title_justify="left",
    )
    for column in result.columns[1:5]:
        column.justify = "right"
    for layer in row["layers"]:
        cycles, macs = layer["cycles_estimated"], layer["macs"]
        per_mac = f"{cycles / macs:.2f}" if cycles is not None and macs else ""
        counted, expected = ("" if n is None else f"{n:,}" for n in (cycles, layer["cycles_expected"]))
        result.add_row(layer["label"], counted, expected, per_mac, f"{layer['constant_bytes']:,}", layer["variant"])
    return result


def passes(row: dict[str, Any]) -> Table:
    """The passes that found something in one row, and what they saved by the cost model."""
    result = Table("pass", "flash", "arena", "est. cycles", "here", box=None)
    for column in result.columns[1:4]:
        column.justify = "right"
    for saving in row["passes"]:
        figures = (saving[name] for name in ("flash_bytes", "arena_bytes", "cycles"))
        result.add_row(saving["name"], *("" if n is None else f"{n:,}" for n in figures), saving["words"])
    return result


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", type=Path, help=".tflite files")
    parser.add_argument("--zoo", nargs="?", const="", metavar="NAMES", help="models of tests/zoo.py; all by default")
    parser.add_argument("--toolchain", action="append", choices=("zig", "gcc"), help="repeatable (default: zig)")
    parser.add_argument(
        "--optimize", action="append", choices=[o.value for o in edgeq.Optimize], help="repeatable (default: balanced)"
    )
    parser.add_argument("--layers", action="store_true", help="show every layer's kernel, and why it was taken")
    parser.add_argument(
        "--without-pass", action="append", default=[], type=Pass, metavar="NAME", help="leave out a pass (repeatable)"
    )
    parser.add_argument("--board", action="append", help="repeatable (default: mps2-an386)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there; - for stdout, without a table")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        models = [*options.models, *(zoo_models(options.zoo, folder) if options.zoo is not None else ())]
        if not models:
            parser.error("no model: give .tflite files, or --zoo")
        for model in models:
            for board in options.board or ["mps2-an386"]:
                for toolchain in options.toolchain or ["zig"]:
                    for name in options.optimize or ["balanced"]:
                        optimize, out = edgeq.Optimize(name), folder / "build"
                        rows.append(measured(model, board, toolchain, optimize, out, options.without_pass))
    content = json.dumps({"edgeq": version(), "samples": SAMPLES, "rows": rows}, indent=2)
    if str(options.json) == "-":
        print(content)
    else:
        if options.json:
            options.json.write_text(content + "\n")
        console = Console(width=None if sys.stdout.isatty() else 180)
        for row in rows if options.layers else ():
            console.print(layers(row))
            console.print(passes(row))
        console.print(table(rows))
    return int(not all(row["equal"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
