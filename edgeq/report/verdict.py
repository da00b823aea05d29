"""The report in one sentence."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from edgeq.records import EVERYWHERE, Drift, Reference, VariantKind
from edgeq.report.record import Report
from edgeq.validation.explain import REFERENCE_NAMES


def columns(report: Report) -> tuple[Reference, ...]:
    """The references in the order of the drift table's columns: those of every table, and what else was compared."""
    compared = report.drift.references if report.drift is not None else ()
    return (*EVERYWHERE, *(d.reference for d in compared if d.reference not in EVERYWHERE))


class Level(Enum):
    """How it ended; the value is the word for it."""

    OK = "passed"
    WARN = "passed with remarks"
    FAIL = "failed"
    UNKNOWN = "not compared"


MARKS = {Level.OK: "✓", Level.WARN: "!", Level.FAIL: "✗", Level.UNKNOWN: "–"}
"""A level in one character."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`headline` is about the device against its reference, `detail` about the checks."""

    level: Level
    headline: str
    detail: str


def verdict(report: Report) -> Verdict:
    """What the report says, in words."""
    failed = [check for check in report.checks if not check.passed]
    exact = report.drift is not None and report.drift.primary.mismatches == 0
    fine = exact and not report.findings
    if report.variants is not None and shown_variant(report) is report.variants.recommendation.kind:
        fine = report.variants.recommendation.conclusive and (exact or report.drift is None) and not report.findings
    compared = report.drift is not None or report.variants is not None
    level = Level.FAIL if failed else Level.UNKNOWN if not compared else Level.OK if fine else Level.WARN
    if failed:
        word = "check" if len(report.checks) == 1 else "checks"
        detail = f"{len(failed)} of {len(report.checks)} {word} failed: {', '.join(c.name for c in failed)}"
    elif report.checks:
        detail = f"All {len(report.checks)} checks passed" if len(report.checks) > 1 else "The check passed"
    else:
        detail = "Nothing was checked"
    if report.findings:
        detail += f", with {len(report.findings)} {'finding' if len(report.findings) == 1 else 'findings'}"
    if (report.device.core == "host" or report.device.about) and report.variants is None:
        detail += f". The image for {report.board} was built, and did not run"
    return Verdict(level=level, headline=_headline(report), detail=detail)


def drift_cell(drift: Drift | None) -> str:
    """A drift in a few words, for a table's cell."""
    if drift is None:
        return "not run"
    return "bit for bit equal" if drift.mismatches == 0 else f"differs, by up to {drift.max_lsb} LSB"


def shown_variant(report: Report) -> VariantKind | None:
    """The variant of a mobile build that the report shows in detail."""
    rows = report.variants.rows if report.variants is not None else ()
    return next((row.kind for row in rows if row.sha256 == report.model.sha256), None)


def _headline(report: Report) -> str:
    if report.variants is not None and (kind := shown_variant(report)) is not None:
        advice = f"Ship {kind.value}" if kind is report.variants.recommendation.kind else kind.value
        return f"{advice}: {_on_device(report)}"
    if report.drift is None:
        return "The device's outputs were not compared with a reference"
    drift = report.drift.primary
    name = REFERENCE_NAMES[drift.reference]
    if drift.samples == 0:
        return f"No sample was compared with {name}"
    samples = "1 sample" if drift.samples == 1 else f"{drift.samples:,} samples"
    if report.device.name == "tflm-host" and drift.reference is Reference.TFLM and drift.mismatches == 0:
        return f"{name} gives the same on the generated C array as on the .tflite, on {samples}"
    if drift.mismatches == 0:
        return f"Device equals {name} bit for bit on {samples}"
    return f"Device differs from {name} on {drift.mismatched_samples:,} of {samples}, by up to {drift.max_lsb} LSB"


def _on_device(report: Report) -> str:
    """What a device showed about the variant, in words."""
    if report.drift is None:
        return "it ran on this host"
    drift = report.drift.primary
    samples = "1 sample" if drift.samples == 1 else f"{drift.samples:,} samples"
    if drift.mismatches == 0:
        return f"{report.device.name} gives this host's outputs bit for bit on {samples}"
    return f"{report.device.name} differs from this host on {drift.mismatched_samples:,} of {samples}"
