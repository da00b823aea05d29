"""A finished build with the other engine, to stand beside this one in its report."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from edgeq.boards import load_board
from edgeq.errors import InputError
from edgeq.options import BuildOptions
from edgeq.report.engines import engine_cost
from edgeq.report.files import read_report
from edgeq.report.record import Report


def read_beside(options: BuildOptions) -> Report | None:
    """The report of the build that `beside` names; None if none is named.

    Raises:
        InputError: there is no report, or it is of the same engine, of another board, or of a build for phones.
    """
    path, engine = options.beside, options.engine.value
    if path is None:
        return None
    report = read_report(path)
    if report.variants is not None or report.memory is None:
        raise InputError(
            f"--beside {path}: that build has no firmware.", hint="Give a build for a board, with the other engine."
        )
    board = load_board(options.board or options.target.default_board).name
    if report.board != board:
        raise InputError(
            f"--beside {path}: that build is for {report.board}, this one for {board}: cycles of two boards "
            "say nothing of the engines.",
            hint=f"Build it for this board: --board {board}.",
        )
    if report.engine == engine:
        raise InputError(
            f"--beside {path}: that build has the engine {engine} too.",
            hint="Give a build of the same model with the other engine; `edgeq diff` compares two of one engine.",
        )
    return report


def check_same_model(report: Report | None, sha256: str, path: Path | None) -> None:
    """Refuse a report of another .tflite than that with the digest.

    Raises:
        InputError: it is of another one.
    """
    if report is not None and report.model.sha256 != sha256:
        raise InputError(
            f"--beside {path}: that build is of another .tflite (SHA-256 {report.model.sha256[:12]}, here "
            f"{sha256[:12]}).",
            hint="Build both engines from one .tflite: model.tflite in the folder of either build.",
        )


def with_beside(report: Report, other: Report | None) -> Report:
    """The report, with the other one's engine beside its own."""
    return report if other is None else replace(report, beside=engine_cost(other))
