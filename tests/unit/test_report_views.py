from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import pytest
from report_samples import SAMPLES, bare, digits, failing, many_layers, regression
from rich.console import Console

from edgeq.records import Accuracy, Group, Metric
from edgeq.report import format as fmt
from edgeq.report.console import render
from edgeq.report.diff import Outcome, diff_reports, render_diff, to_dict
from edgeq.report.html import render_html
from edgeq.report.verdict import Level, verdict


def text_of(renderable: Any, width: int = 80) -> str:
    out = io.StringIO()
    Console(file=out, width=width).print(renderable)
    return out.getvalue()


# Verdict, console


@pytest.mark.parametrize(
    ("make", "level", "words"),
    [
        (digits, Level.OK, "Device equals TFLite Micro bit for bit on 500 samples"),
        (failing, Level.FAIL, "Device differs from TFLite Micro on 186 of 500 samples, by up to 7 LSB"),
        (bare, Level.UNKNOWN, "not compared with a reference"),
        (regression, Level.OK, "Device equals LiteRT reference bit for bit on 500 samples"),
        (lambda: replace(digits(), findings=failing().findings), Level.WARN, "bit for bit on 500 samples"),
        (lambda: replace(failing(), checks=digits().checks), Level.WARN, "Device differs from TFLite Micro"),
    ],
)
def test_verdict(make, level, words):
    found = verdict(make())
    assert found.level is level and words in found.headline
    assert words in " ".join(text_of(render(make())).split())


@pytest.mark.parametrize("name", SAMPLES)
def test_console_fits_80_columns_without_colour(name):
    text = text_of(render(SAMPLES[name]()))
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text


def test_console_takes_no_orders_from_names():
    report = replace(digits(), model=replace(digits().model, name="[red]x[/red]\x1b[2Jy"))
    assert "[red]x[/red]\N{REPLACEMENT CHARACTER}[2Jy" in text_of(render(report))


def test_console_shows_what_failed():
    text = text_of(render(failing()))
    assert "✗ flash: 5,684 bytes too many" in text and "To do: calibrate" in text
    assert "2 of 3 checks failed" in " ".join(text.split())


# Diff


def outcomes(old: Any, new: Any, **options: float) -> dict[str, Outcome]:
    diff = diff_reports(old, new, **options)
    assert diff.regressed == (Outcome.WORSE in [c.outcome for c in diff.changes])
    assert json.loads(json.dumps(to_dict(diff), allow_nan=False))["regressed"] == diff.regressed
    return {f"{c.section}: {c.name}": c.outcome for c in diff.changes if c.old != c.new}


def with_cycles(factor: float) -> Any:
    report = digits()
    assert report.profile is not None and report.profile.cycles_estimated is not None
    return replace(
        report, profile=replace(report.profile, cycles_estimated=int(report.profile.cycles_estimated * factor))
    )


def test_equal_reports_have_no_changes():
    assert outcomes(digits(), digits()) == {}
    assert "0 worse, 0 better" in text_of(render_diff(diff_reports(digits(), digits())))


def test_cycles_within_the_tolerance_are_not_worse():
    name = "cost of one inference: cycles, estimated"
    assert outcomes(digits(), with_cycles(1.005))[name] is Outcome.NEUTRAL
    assert outcomes(digits(), with_cycles(1.02))[name] is Outcome.WORSE
    assert outcomes(digits(), with_cycles(1.02), tolerance=0.05)[name] is Outcome.NEUTRAL
    assert outcomes(digits(), with_cycles(0.8))[name] is Outcome.BETTER


def test_accuracy_and_its_slack():
    def with_accuracy(value: float) -> Any:
        arm = replace(digits().accuracy.device or Accuracy(value=0, n=0, correct=0, ci95=(0, 0), ties=0), value=value)
        return replace(digits(), accuracy=replace(digits().accuracy, device=arm))

    name = "accuracy: int8, device"
    assert outcomes(with_accuracy(0.9), with_accuracy(0.89))[name] is Outcome.WORSE
    assert outcomes(with_accuracy(0.9), with_accuracy(0.89), max_drop=0.02)[name] is Outcome.NEUTRAL
    assert outcomes(with_accuracy(0.9), with_accuracy(0.91))[name] is Outcome.BETTER


def test_an_error_metric_is_better_when_smaller():
    old = regression()
    assert old.accuracy.device is not None and old.accuracy.device.metric is Metric.MSE
    new = replace(old, accuracy=replace(old.accuracy, device=replace(old.accuracy.device, value=0.02)))
    assert outcomes(old, new)["accuracy: int8, device"] is Outcome.WORSE
    assert outcomes(new, old)["accuracy: int8, device"] is Outcome.BETTER


def test_drift_is_judged_by_the_primary_reference_alone():
    found = outcomes(digits(), failing())
    assert found["drift from TFLite Micro: outputs that differ"] is Outcome.WORSE
    assert found["checks: drift"] is Outcome.WORSE
    old = digits()
    assert old.drift is not None
    worse = replace(old.drift.references[2], mismatches=999)
    new = replace(old, drift=replace(old.drift, references=(*old.drift.references[:2], worse)))
    assert outcomes(old, new) == {"drift from LiteRT default: outputs that differ": Outcome.NEUTRAL}


def test_what_does_not_compare_is_said():
    other = replace(
        many_layers(), data=replace(digits().data, sha256="other"), model=replace(digits().model, sha256="other")
    )
    notes = " ".join(diff_reports(digits(), other).notes)
    assert "another one" in notes and "samples are others" in notes
    assert "no reference" in " ".join(diff_reports(digits(), bare()).notes)
    assert "another metric" in " ".join(diff_reports(digits(), regression()).notes)
    assert all(len(line) <= 80 for line in text_of(render_diff(diff_reports(digits(), other))).splitlines())


def test_two_tasks_are_told_apart():
    diff = diff_reports(digits(), regression())
    assert {change.outcome for change in diff.changes if change.section == "accuracy"} == {Outcome.NEUTRAL}
    assert not diff.comparable
    assert "Two tasks, which do not compare. " in text_of(render_diff(diff))
    assert to_dict(diff)["comparable"] is False
    assert diff_reports(digits(), with_cycles(2)).comparable


def test_a_regression_is_not_told_as_a_classifier():
    page = render_html(regression())
    assert "Mean squared error on the device" in page
    for words in ("Accuracy on the device", ">right<", ">ties<", "right only before"):
        assert words not in page
        assert words in render_html(digits())


def test_the_stack_of_handlers_is_said():
    memory = digits().memory
    assert memory is not None
    (stack,) = (s.ram for s in memory.sections if s.group is Group.STACK)
    less = replace(memory, stack_bytes=stack - 1024)
    assert (memory.stack_of_handlers, less.stack_of_handlers) == (0, 1024)
    report = replace(digits(), memory=less)
    assert f"stack {stack - 1024:,} used + 1,024 for handlers" in text_of(render(report))
    assert "+ 1 KiB for handlers" in render_html(report)


def test_what_ran_on_this_host_is_no_device():
    host = replace(digits(), device=replace(digits().device, name="native", core="host"))
    assert f"The image for {host.board} was built, and did not run" in verdict(host).detail
    tflm = replace(host, device=replace(host.device, name="tflm-host"))
    assert verdict(tflm).headline == (
        "TFLite Micro gives the same on the generated C array as on the .tflite, on 500 samples"
    )


def test_what_got_worse_is_seen_without_colours():
    text = text_of(render_diff(diff_reports(digits(), with_cycles(1.5))))
    assert "✗ cycles, estimated" in text
    assert "✓ cycles, estimated" in text_of(render_diff(diff_reports(with_cycles(1.5), digits())))


def test_rows_without_any_figure_are_left_out():
    """A classifier with one output has no largest one."""
    base = digits()
    assert base.drift is not None
    alone = tuple(replace(d, top1_agreement=None) for d in base.drift.references)
    binary = replace(base, drift=replace(base.drift, references=alone))
    assert ["top-1 class" in text_of(render(r)) for r in (base, binary)] == [True, False]
    assert ["Same top-1 class" in render_html(r) for r in (base, binary)] == [True, False]


def test_long_names_are_shortened_in_the_middle():
    base = digits()
    assert base.drift is not None
    name = ";".join(f"model/block_{i}/conv/Relu" for i in range(40)) + "/end"
    layers = (replace(base.drift.layers[0], tensor=name), *base.drift.layers[1:])
    page = render_html(replace(base, drift=replace(base.drift, layers=layers)))
    assert f"<bdi>{fmt.middle(name, 64)}</bdi>" in page
    assert name not in page
    assert [fmt.middle("abcdefghij", length) for length in (7, 8, 10)] == ["abc…hij", "abcd…hij", "abcdefghij"]
