"""A comparison on the console: every figure in its place, 80 columns, no orders from names."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from comparison_samples import SAMPLES, digits, failed, five_seeds, given, regression
from rich.console import Console

from edgeq.comparison.record import Comparison
from edgeq.comparison.report import words
from edgeq.comparison.report.console import render
from edgeq.report import format as fmt
from edgeq.report.verdict import Level
from edgeq.statistics.equivalence import Conclusion


def text_of(comparison: Comparison, width: int = 80, **options: Any) -> str:
    out = io.StringIO()
    Console(file=out, width=width, **options).print(render(comparison))
    return out.getvalue()


def flat(comparison: Comparison, width: int = 80) -> str:
    return " ".join(text_of(comparison, width).split())


@pytest.mark.parametrize("width", [60, 80, 140])
@pytest.mark.parametrize("name", SAMPLES)
def test_it_fits_without_colour(name, width):
    text = text_of(SAMPLES[name](), width)
    assert max(map(len, text.splitlines())) <= width
    assert "\x1b" not in text


def test_colour_where_somebody_sees_it():
    assert "\x1b[1;33m! Ship QAT" in text_of(digits(), force_terminal=True, color_system="standard")


def test_arms_and_contrasts_side_by_side():
    lines = text_of(digits(), 140).splitlines()
    row = next(line for line in lines if line.startswith("QAT "))
    assert row.split() == [
        "QAT",
        "99.1",
        "%",
        "97.9",
        "…",
        "99.6",
        "%",
        "0",
        "99.1",
        "±",
        "0.0",
        "%",
        "(3)",
        "15.2",
        "KiB",
    ]
    row = next(line for line in lines if line.startswith("PTQ against Float"))
    assert " ".join(row.split()) == "PTQ against Float +0.6 pp −1.3 … +2.5 1.00 inconclusive"
    explored = [line for line in lines if "<0.001*" in line]
    assert len(explored) == 1 and explored[0].startswith("float-continued against Float ")
    assert any(line.startswith("float-continued: Float, trained on (control)") for line in lines)


def test_no_claim_about_methods_below_five_seeds():
    assert "No claim about methods: 3 seeds, and a claim needs 5." in flat(digits())
    assert " method " not in flat(digits()).partition("contrast")[2].partition("Level")[0]
    assert "this artifact method" in flat(five_seeds(), 140)


@pytest.mark.parametrize("width", [36, 40, 50, 60, 70, 80, 90, 100])
def test_no_conclusion_is_cut_off(width):
    base = five_seeds()
    alike = [
        replace(c, artifact=replace(c.artifact, conclusion=Conclusion.EQUIVALENT),
                method=replace(c.method, conclusion=Conclusion.EQUIVALENT)) for c in base.contrasts
    ]  # fmt: skip
    rows = text_of(replace(base, contrasts=tuple(alike)), width).partition("contrast ")[2].partition("Level")[0]
    assert rows.count("equivalen") == rows.count("equivalent") >= len(alike)


def test_a_reason_that_is_not_everywhere_names_its_contrasts():
    base = digits()
    fixed = replace(base.contrasts[0], method=replace(base.contrasts[0].method, reason="nothing in them is random"))
    said = words.method_reasons(replace(base, contrasts=(fixed, *base.contrasts[1:3])))
    assert said == (
        "PTQ against Float: no claim about methods, nothing in them is random.",
        "QAT against Float; QAT against PTQ: no claim about methods, 3 seeds, and a claim needs 5.",
    )


def test_findings_come_in_order_with_their_advice():
    text = flat(failed())
    marks = [text.index(mark) for mark in ("✗ QAT diverged", "! The float model was not", "i QAT against PTQ")]
    assert marks == sorted(marks)
    assert text.count("To do: Train the float model until") == 3


def test_a_failed_arm_says_why():
    assert "✗ QAT by tfmot: tfmot cannot quantize layer squeeze (Multiply)" in flat(failed())
    assert "QAT by tfmot failed" in flat(failed(), 140)


def test_errors_have_no_percent_and_no_ties():
    text = flat(regression(), 140)
    assert "PTQ 0.01412 0.0135 … 0.0147 –" in text and "%" not in text.partition("contrast")[0].replace("95 %", "")
    assert "PTQ against Float +0.00122 +0.00082 … +0.00162 0.001 worse" in text
    assert "Ties" not in text


def test_names_give_no_orders():
    base = digits()
    bad = replace(base, arms=(replace(base.arms[0], title="[red]x[/red]\x1b[2Jy", notes=("[b]z",)), *base.arms[1:]))
    text = text_of(bad, 140)
    assert "[red]x[/red]\N{REPLACEMENT CHARACTER}[2Jy" in text and "[b]z" in text and "\x1b" not in text


@pytest.mark.parametrize(
    ("make", "level"),
    [(digits, Level.WARN), (five_seeds, Level.OK), (given, Level.FAIL), (regression, Level.OK), (failed, Level.FAIL)],
)
def test_the_level_is_that_of_the_gravest_finding(make, level):
    assert words.level(make()) is level
    assert words.level(replace(five_seeds(), verdict=replace(five_seeds().verdict, ship=None))) is Level.UNKNOWN


def test_inconclusive_is_never_called_equal():
    comparison = digits()
    open_, shown = comparison.contrasts[0], comparison.contrasts[1]
    sentence = words.artifact_sentence(open_, comparison)
    assert sentence.startswith(
        "Not decided by 540 samples; this does not mean equal. Seen: +0.6 pp (95 % interval −1.3 …"
    )
    assert "would need about" in sentence
    assert words.artifact_sentence(shown, comparison).startswith("QAT does better on samples like these: +4.4 pp")
    assert words.method_sentence(shown, comparison) == "3 seeds, and a claim needs 5"
    assert "and would again: +4.4 pp over 5 seeds" in words.method_sentence(five_seeds().contrasts[1], five_seeds())
    alike = words.artifact_sentence(regression().contrasts[1], regression())
    assert alike.startswith("Equivalent: whatever the difference is, it is smaller than 5 % of the first arm's error.")


def test_better_within_the_margin_says_both():
    comparison = digits()
    answer = replace(comparison.contrasts[1].artifact, within_margin=True)
    said = words.artifact_sentence(replace(comparison.contrasts[1], artifact=answer), comparison)
    assert said.endswith("It is real, yet smaller than the margin, 1 pp.")


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "1.00"), (0.0499, "0.050"), (0.0004, "<0.001"), (None, "–"), (float("nan"), "–")]
)
def test_p_values(value, text):
    assert fmt.p_value(value) == text
