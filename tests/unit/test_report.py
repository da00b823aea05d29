from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from report_checks import Page, assert_self_contained, assert_strict_policy, violations, with_change
from report_samples import HOSTILE, SAMPLES, digits, failing, hostile, regression

from edgeq.errors import InputError
from edgeq.report import docs
from edgeq.report.codec import json_name
from edgeq.report.fields import FIELDS
from edgeq.report.files import read_report, write_report
from edgeq.report.html import render_html
from edgeq.report.record import Report, from_json, portable_flag, to_json
from edgeq.report.schema import DESCRIPTION

DOCS = Path(__file__).parents[2] / "docs"


# JSON


@pytest.mark.parametrize("name", SAMPLES)
def test_json_round_trip(name):
    report = SAMPLES[name]()
    written = json.dumps(to_json(report), allow_nan=False)
    again = from_json(json.loads(written))
    assert json.dumps(to_json(again), allow_nan=False) == written
    assert replace(again, toolchain=None) == replace(report, toolchain=None)


def test_the_primary_reference_stands_at_the_top():
    drift = to_json(failing())["drift"]
    assert drift["reference"] == "tflm" and list(drift["references"]) == ["tflm", "litert-reference", "litert-default"]
    assert {key: drift[key] for key in drift["references"]["tflm"]} == drift["references"]["tflm"]
    assert to_json(regression())["drift"]["sqnr_db"] == "inf"


def test_a_report_tells_nothing_about_the_machine():
    assert "/home" in repr(digits().toolchain)
    assert "/home" not in json.dumps(to_json(digits())) and "/home" not in render_html(digits())


@pytest.mark.parametrize(
    ("flag", "portable"),
    [
        ("-I/home/me/x/include", "-Iinclude"),
        ("-Ifirmware/include", "-Ifirmware/include"),
        ("-ffile-prefix-map=/home/x/y=.", "-ffile-prefix-map=y=."),
        ("--sysroot=/opt/a b/", "--sysroot=a b"),
        ("/usr/lib/gcc/libgcc.a", "libgcc.a"),
        (r"-IC:\Users\me\inc", "-Iinc"),
        ("-Wl,/tmp/a/b.ld", "-Wl,b.ld"),
        ("-DHALF=1/2", "-DHALF=1/2"),
    ],
)
def test_portable_flag(flag, portable):
    assert portable_flag(flag) == portable
    assert portable_flag(portable) == portable


def changed(path: str, value: Any) -> dict[str, Any]:
    return with_change(to_json(digits()), path, value)


WRONG = [
    ("model/ops", "ten", "model.ops: expected an integer, found 'ten'"),
    ("model/ops", True, "model.ops: expected an integer, found True"),
    ("model/extra", 1, "model.extra: there is no such field"),
    ("model/inputs/0/scale", float("nan"), "model.inputs[0].scale: nan is no JSON number"),
    ("memory/sections/2/group", "heap", "memory.sections[2].group: 'heap' is none of"),
    ("accuracy/device/ci95", [0.5], "accuracy.device.ci95: expected 2 values, found 1"),
    ("accuracy/float", KeyError, "accuracy.float is missing"),
    ("checks", {}, "checks: expected a list, found an object"),
    ("timings/0", None, "timings[0]: expected an object, found null"),
    ("drift/mismatches", 3, "drift.mismatches contradicts drift.references.tflm.mismatches"),
    ("drift/reference", "none", "drift.references has nothing about drift.reference ('none')"),
    ("drift/references/litert-default/histogram", {"x": 1}, "expected an integer as key"),
    ("schema_version", 99, "schema version 99; this edgeq reads version 1"),
    ("schema_version", KeyError, "is not an edgeq report"),
]


@pytest.mark.parametrize(("path", "value", "message"), WRONG)
def test_a_wrong_report_is_refused_by_name(path, value, message):
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        from_json(changed(path, value), name="old.json")
    assert caught.value.message.startswith("old.json")


@pytest.mark.parametrize("content", [None, [], "text", 1, {}])
def test_something_else_is_refused(content):
    with pytest.raises(InputError, match="is not an edgeq report"):
        from_json(content)


# The schema


@pytest.mark.parametrize("name", SAMPLES)
def test_reports_are_valid_by_the_documented_schema(name):
    rules = json.loads((DOCS / "report.schema.json").read_text("utf-8"))
    assert violations(rules, to_json(SAMPLES[name]()), rules) == []


@pytest.mark.parametrize(("path", "value"), [w[:2] for w in WRONG if not w[2].startswith("drift.") and w[1] == w[1]])
def test_the_schema_refuses_what_the_reader_refuses(path, value):
    rules = docs.json_schema(DESCRIPTION)
    content = changed(path, value)
    broken = violations(rules, content, rules)
    # That keys of the histogram are integers is beyond the schema.
    assert broken or "histogram" in path


def test_the_pages_are_up_to_date():
    again = "run: python -m edgeq.report.schema docs"
    assert json.loads((DOCS / "report.schema.json").read_text("utf-8")) == docs.json_schema(DESCRIPTION), again
    assert (DOCS / "report.md").read_text("utf-8") == docs.markdown(DESCRIPTION), again


def test_every_field_is_explained():
    import dataclasses

    names = {f"{kind.__name__}.{json_name(f)}" for kind in docs.record_types(Report) for f in dataclasses.fields(kind)}
    assert names == FIELDS.keys()


# HTML


@pytest.mark.parametrize("name", SAMPLES)
def test_html_is_self_contained_and_escaped(name):
    assert_self_contained(render_html(SAMPLES[name]()))


def test_hostile_names_are_shown_and_do_nothing():
    page = Page(render_html(hostile()))
    assert "".join(page.text).count(HOSTILE) > 50
    assert "http" not in "".join(v or "" for tag, attrs in page.tags if tag != "title" for v in attrs.values())


def test_the_policy_allows_just_our_script_and_style():
    assert_strict_policy(render_html(digits()))


@pytest.mark.parametrize("name", SAMPLES)
def test_html_is_reproducible(name):
    assert render_html(SAMPLES[name]()) == render_html(SAMPLES[name]())


def test_the_page_says_what_matters():
    text = " ".join("".join(Page(render_html(digits())).text).split())
    for words in (
        "Device equals TFLite Micro bit for bit on 500 samples", "All 4 checks passed", "How to read the drift table",
        "27.3 ms", "Latency, estimated", "38,452 B", "alias of digits/mean", "Confusion matrix", "lower bound 3.56 KiB",
    ):  # fmt: skip
        assert words in text
    assert "5,684 bytes too many" in "".join(Page(render_html(failing())).text)


# Files


def test_write_and_read(tmp_path):
    written, page = write_report(digits(), tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["report.html", "report.json"]
    assert page.read_text("utf-8") == render_html(digits())
    assert read_report(written) == read_report(tmp_path) == from_json(to_json(digits()))
    before = written.read_bytes()
    write_report(digits(), tmp_path)
    assert written.read_bytes() == before


def test_a_surrogate_in_a_name_can_be_written(tmp_path):
    report = replace(digits(), data=replace(digits().data, source="caf\udce9.npz"))
    write_report(report, tmp_path)
    assert read_report(tmp_path).data.source == "caf?.npz"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "There is no"),
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b"\xff\xfe", "cannot be read"),
        (b"[]", "not an edgeq"),
    ],
)
def test_unreadable_reports(tmp_path, content, message):
    file = tmp_path / "old.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_report(file)


def test_a_folder_that_cannot_be_written(tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        write_report(digits(), tmp_path / "missing")
