"""compare.html: what is on the page, that nothing in it acts, and that every plot stays inside its frame."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from itertools import pairwise

import pytest
from comparison_parts import history
from comparison_samples import SAMPLES, digits, failed, five_seeds, given, hostile, many, regression
from report_checks import Page, assert_self_contained, assert_strict_policy
from report_samples import HOSTILE

from edgeq.comparison.record import Comparison
from edgeq.comparison.report.curves import curve_plots
from edgeq.comparison.report.document import from_json, to_json
from edgeq.comparison.report.files import read_comparison, write_comparison
from edgeq.comparison.report.html import render_html
from edgeq.comparison.report.margins import margin_plots
from edgeq.comparison.report.plots import arms_plot, differences_plot
from edgeq.comparison.report.ranges import range_plot
from edgeq.errors import InputError
from edgeq.report.axis import Scale, decimal, percentage, points, ticks


@pytest.mark.parametrize("name", SAMPLES)
def test_the_page_is_self_contained_and_reproducible(name):
    comparison = SAMPLES[name]()
    html = render_html(comparison)
    assert_self_contained(html)
    assert_strict_policy(html)
    # Made from the file it is the same page.
    assert render_html(from_json(to_json(comparison))) == html


def test_hostile_names_are_shown_and_do_nothing():
    page = Page(render_html(hostile()))
    assert "".join(page.text).count(HOSTILE) > 50
    acting = [v or "" for _, attrs in page.tags for key, v in attrs.items() if key != "aria-label"]
    assert "http" not in "".join(acting)


def words_of(comparison: Comparison) -> str:
    return " ".join("".join(Page(render_html(comparison)).text).split())


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            digits,
            ["Ship QAT, but the gain comes from", "could show a difference of 2.3 pp", "1 warning",
             "535 / 540", "float-undertrained", "float accuracy0.9463", "samples needed26,000",
             "To do: Train the float model", "QAT against PTQ of the float trained on", "first : second",
             "No validation split was given", "ranges moved by up to 0.1 % in the last epoch",
             "right → wrong: 10", "claims about these models only", "3 seeds, and a claim needs 5"],
        ),
        (five_seeds, ["claims about methods are possible", "The method does better, and would again: +4.4 pp"]),
        (given, ["no model can be recommended", "weights are int8, activations float32", "Nothing was trained."]),
        (regression, ["in 12 groups", "0.01301", "← better", "Only class predictions can flip.", "None: nothing"]),
        (failed, ["tfmot cannot quantize layer squeeze (Multiply)", "not a number", "kept after epoch 0 of 4",
                  "the model's file does not say how it was compiled"]),
        (many, ["The 24 worst layers of 64", "All 192 tensors"]),
    ],
)  # fmt: skip
def test_the_page_says_what_matters(make, said):
    text = words_of(make())
    assert [words for words in said if words not in text] == []


def test_an_empty_comparison_is_a_page():
    nothing = replace(digits(), arms=(), contrasts=(), layers=(), weights=(), flips=(), findings=(), timings=())
    text = words_of(nothing)
    assert "there is nothing to compare" in text and "Nothing was trained." in text


def test_write_and_read(tmp_path):
    written, page = write_comparison(digits(), tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["compare.html", "compare.json"]
    assert page.read_text("utf-8") == render_html(digits())
    assert read_comparison(written) == read_comparison(tmp_path) == digits()
    with pytest.raises(InputError, match="cannot be written"):
        write_comparison(digits(), tmp_path / "missing")


# Geometry


@pytest.mark.parametrize("name", SAMPLES)
def test_plots_stay_inside_their_frames(name):
    comparison = SAMPLES[name]()
    arms, differences, ranges = arms_plot(comparison), differences_plot(comparison), range_plot(comparison)
    assert arms is not None and differences is not None and ranges is not None
    for plot in (arms, differences):
        for row in plot.rows:
            assert plot.left <= row.low <= row.value + 0.01 and row.value - 0.01 <= row.high <= plot.right
            assert plot.top < row.y < plot.bottom
            assert all(plot.left <= dot.x <= plot.right for dot in row.dots)
        assert 3 <= len(plot.x_ticks) <= 14
    assert len(arms.rows) == sum(bool(arm.runs) for arm in comparison.arms)
    for group in ranges.groups:
        for bar in group.bars:
            assert ranges.left <= bar.x and bar.x + bar.width <= ranges.right + 2
            assert ranges.top <= bar.y <= ranges.bottom
    for curve in curve_plots(comparison):
        for panel in curve.panels:
            places = [tuple(map(float, p.split())) for line in panel.lines for p in re.split("[ML]", line.path)[1:]]
            places += [(dot.x, dot.y) for dot in panel.kept]
            assert all(curve.left <= x <= curve.right and panel.top <= y <= panel.bottom for x, y in places)
    for margins in margin_plots(comparison):
        for lane in margins.lanes:
            assert all(margins.left <= m.x and m.x + m.width <= margins.right for m in lane.marks)


def test_zero_and_margin_stand_where_the_differences_are_measured():
    plot = differences_plot(digits())
    assert plot is not None and plot.zero is not None
    for row in plot.rows:
        assert row.band is not None and row.band[0] < plot.zero < row.band[1]
        assert plot.zero - row.band[0] == pytest.approx(row.band[1] - plot.zero)
    inconclusive, better = plot.rows[0], plot.rows[1]
    assert inconclusive.low < plot.zero < inconclusive.high and better.low > plot.zero
    assert [row.kind for row in plot.rows][-1] == "is-better explored"
    assert plot.ends == ("← worse", "better →")
    errors = differences_plot(regression())
    assert errors is not None and errors.ends == ("← better", "worse →")
    # A share of the first arm's error: PTQ's is the larger one.
    of_float, of_ptq = errors.rows[1].band, errors.rows[2].band
    assert of_float is not None and of_ptq is not None
    assert (of_ptq[1] - of_ptq[0]) / (of_float[1] - of_float[0]) == pytest.approx(0.01412 / 0.01290)


def test_every_seed_is_a_dot_and_methods_have_their_own_interval():
    arms = arms_plot(five_seeds())
    assert arms is not None
    assert {row.label: len(row.dots) for row in arms.rows}["QAT"] == 5
    differences = differences_plot(five_seeds())
    assert differences is not None and all(row.second for row in differences.rows)
    below = differences_plot(digits())
    assert below is not None and not any(row.second for row in below.rows)


def test_curves_have_gaps_where_the_loss_is_no_number_and_mark_the_kept_epoch():
    broken = next(plot for plot in curve_plots(failed()) if plot.title == "QAT")
    loss = broken.panels[0]
    assert [line.path.count("L") for line in loss.lines] == [2, 2]
    assert "kept after epoch 0" in loss.kept[0].title and loss.kept[0].x == broken.left
    assert curve_plots(given()) == ()


def test_an_exploding_loss_leaves_the_others_in_sight():
    base = digits()
    past = history("qat", 0)
    burst = replace(past, epochs=(replace(past.epochs[0], loss=1e6), *past.epochs[1:]))
    arms = tuple(
        replace(a, runs=(replace(a.runs[0], history=burst), *a.runs[1:])) if a.name == "qat" else a for a in base.arms
    )
    calm = curve_plots(replace(base, arms=arms))[0].panels[0]
    heights = [float(p.split()[1]) for p in re.split("[ML]", calm.lines[0].path)[1:]]
    assert max(heights) - min(heights) > 3


def test_one_diverged_arm_leaves_the_others_in_sight():
    base = regression()
    burst = replace(base.arms[2].runs[0].figure, value=1e30, ci95=(0.9e30, math.inf))
    arms = (*base.arms[:2], replace(base.arms[2], mean=1e30, runs=(replace(base.arms[2].runs[0], figure=burst),)))
    plot = arms_plot(replace(base, arms=arms))
    assert plot is not None and len(plot.x_ticks) > 3
    assert plot.rows[0].high - plot.rows[0].low > 0.3 and plot.rows[0].value > plot.left + 1
    assert all("1e+" in t.label or "e" not in t.label for t in plot.x_ticks)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 0.0])
def test_numbers_that_are_none_break_nothing(value):
    base = failed()
    bad = replace(
        base,
        arms=tuple(
            replace(
                a,
                runs=tuple(replace(r, figure=replace(r.figure, value=value, ci95=(value, value))) for r in a.runs),
                mean=None if a.mean is None else value,
            )
            for a in base.arms
        ),
        contrasts=tuple(
            replace(c, artifact=replace(c.artifact, difference=value, interval=(value, value), p_value=value))
            for c in base.contrasts
        ),
        layers=tuple(replace(r, low=value, high=value, sqnr_db=value, clipped=value) for r in base.layers),
        weights=tuple(replace(r, narrowest=value, middle=value, widest=value) for r in base.weights),
        flips=tuple(replace(f, margin=value) for f in base.flips),
    )
    html = render_html(bad)
    text = "".join(Page(html).text)
    assert not re.search(r"\b(nan|inf)\b", text), "numbers that are none are said in words"
    assert not re.search(r'[ "](x|y|d|cx|cy|width|height)="[^"]*(nan|inf)', html)


def test_a_wide_range_bends_the_axis():
    plain, wide = range_plot(digits()), range_plot(given())
    assert plain is not None and wide is not None
    assert (plain.bent, wide.bent) == (False, True)
    narrow = min(bar.width for group in wide.groups for bar in group.bars if group.label.startswith("0 "))
    assert narrow > 30


def test_every_flip_is_in_one_lane():
    for comparison in (digits(), many()):
        plots = margin_plots(comparison)
        counted = sum(int(lane.label.rpartition(" ")[2]) for plot in plots for lane in plot.lanes)
        assert counted == len(comparison.flips)
    few = margin_plots(replace(digits(), flips=tuple(f for f in digits().flips if f.margin < 0.1)))
    assert re.fullmatch(r"the \d+ flips with the smallest margins; there are more", few[0].caption)
    assert margin_plots(digits())[0].caption.startswith("25 flipped; half of them had a margin below")
    lost = [f for f in digits().flips if (f.first, f.second) == ("float", "ptq") and f.first_right]
    assert margin_plots(digits())[0].lanes[0].label == f"right → wrong: {len(lost)}"


@pytest.mark.parametrize(
    ("scale", "label", "expected"),
    [
        (Scale(low=0.918, high=1.0, start=0, end=100), percentage, ["95 %", "100 %"]),
        (Scale(low=-0.012, high=0.021, start=0, end=100), points, ["−1 pp", "0", "+1 pp", "+2 pp"]),
        (Scale(low=0.0, high=0.3, start=0, end=100), decimal, ["0.0", "0.1", "0.2", "0.3"]),
    ],
)
def test_ticks_are_round(scale, label, expected):
    assert [t.label for t in ticks(scale, label, about=4)] == expected


def test_a_bent_axis_is_symmetric_and_rises():
    scale = Scale(low=-1000, high=1000, start=0, end=100, bend=0.5)
    places = [scale.at(v) for v in (-1000, -10, -0.1, 0, 0.1, 10, 1000)]
    assert places == sorted(places) and places[3] == 50 and places[1] + places[5] == pytest.approx(100)
    marks = ticks(scale, decimal, apart=8)
    assert all(b.at - a.at >= 8 for a, b in pairwise(marks)) and len(marks) > 4
    assert math.isfinite(Scale(low=1, high=1, start=0, end=10).at(1))
