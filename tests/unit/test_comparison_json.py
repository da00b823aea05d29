"""compare.json: written and read without loss, documented, and refused by name where it is wrong."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from pathlib import Path

import pytest
from comparison_samples import SAMPLES, digits, failed
from hypothesis import given, settings
from hypothesis import strategies as st
from report_checks import violations, with_change

from edgeq.comparison.record import Comparison
from edgeq.comparison.report.document import from_json, to_json
from edgeq.comparison.report.fields import FIELDS
from edgeq.comparison.report.files import read_comparison
from edgeq.comparison.report.schema import DESCRIPTION
from edgeq.errors import InputError
from edgeq.report import docs
from edgeq.report.codec import json_name

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", SAMPLES)
def test_round_trip(name):
    comparison = SAMPLES[name]()
    written = json.dumps(to_json(comparison), allow_nan=False)
    again = from_json(json.loads(written))
    assert json.dumps(to_json(again), allow_nan=False) == written
    if name not in ("failed", "hostile"):  # NaN equals nothing, itself included
        assert again == comparison


plain = st.integers() | st.floats(allow_nan=False) | st.text().filter(lambda s: s not in ("nan", "inf", "-inf"))


@settings(max_examples=50, deadline=None)
@given(evidence=st.dictionaries(st.text(max_size=8), plain, max_size=6))
def test_evidence_keeps_its_types(evidence):
    base = digits_without_runs()
    found = dataclasses.replace(base.findings[0], evidence=evidence)
    written = json.dumps(to_json(dataclasses.replace(base, findings=(found,))), allow_nan=False)
    again = dict(from_json(json.loads(written)).findings[0].evidence)
    assert again == evidence and {k: type(v) for k, v in again.items()} == {k: type(v) for k, v in evidence.items()}


def digits_without_runs() -> Comparison:
    return dataclasses.replace(_DIGITS, arms=(), contrasts=(), layers=(), weights=(), flips=())


_DIGITS = digits()


def test_the_issues_keys_are_there():
    content = to_json(_DIGITS)
    assert {"arms", "contrasts", "findings", "verdict"} <= content.keys()
    assert list(content["findings"][0]) == ["code", "severity", "title", "text", "evidence", "advice"]
    assert [f["severity"] for f in content["findings"]] == ["warning", "info"]


def test_numbers_that_json_lacks_are_read_back():
    again = from_json(json.loads(json.dumps(to_json(failed()), allow_nan=False)))
    loss = again.findings[0].evidence["last_loss"]
    assert isinstance(loss, float) and math.isnan(loss)


WRONG = [
    ("arms/0/runs/0/figure/n", "ten", "arms[0].runs[0].figure.n: expected an integer, found 'ten'"),
    ("arms/0/extra", 1, "arms[0].extra: there is no such field"),
    ("contrasts/1/artifact/conclusion", "same", "contrasts[1].artifact.conclusion: 'same' is none of 'better'"),
    ("contrasts/1/artifact/interval", [0.5], "contrasts[1].artifact.interval: expected 2 values, found 1"),
    ("findings/0/evidence/epochs", None, "findings[0].evidence.epochs: expected a number or an integer or a string"),
    ("findings/0/severity", "fatal", "findings[0].severity: 'fatal' is none of 'error', 'warning', 'info'"),
    ("verdict", KeyError, "verdict is missing"),
    ("layers", {}, "layers: expected a list, found an object"),
    ("schema_version", 99, "schema version 99; this edgeq reads version 1"),
    ("schema_version", KeyError, "is not an edgeq comparison"),
]


@pytest.mark.parametrize(("path", "value", "message"), WRONG)
def test_a_wrong_comparison_is_refused_by_name(path, value, message):
    content = with_change(to_json(_DIGITS), path, value)
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        from_json(content, name="old.json")
    assert caught.value.message.startswith("old.json")
    rules = docs.json_schema(DESCRIPTION)
    assert violations(rules, content, rules)


def test_a_report_is_no_comparison(tmp_path):
    from report_samples import digits as report

    from edgeq.report.record import to_json as report_to_json

    (tmp_path / "compare.json").write_text(json.dumps(report_to_json(report())), "utf-8")
    with pytest.raises(InputError, match=r"compare\.json is another file of edgeq, no comparison"):
        read_comparison(tmp_path)
    with pytest.raises(InputError, match="There is no") as caught:
        read_comparison(tmp_path / "other.json")
    assert "`edgeq compare`" in (caught.value.hint or "")


@pytest.mark.parametrize("name", SAMPLES)
def test_comparisons_are_valid_by_the_documented_schema(name):
    rules = json.loads((DOCS / "compare.schema.json").read_text("utf-8"))
    assert violations(rules, to_json(SAMPLES[name]()), rules) == []


def test_the_pages_are_up_to_date():
    again = f"run: {DESCRIPTION.command}"
    assert json.loads((DOCS / "compare.schema.json").read_text("utf-8")) == docs.json_schema(DESCRIPTION), again
    assert (DOCS / "compare.md").read_text("utf-8") == docs.markdown(DESCRIPTION), again


def test_every_field_is_explained():
    kinds = docs.record_types(Comparison)
    names = {f"{kind.__name__}.{json_name(f)}" for kind in kinds for f in dataclasses.fields(kind)}
    assert names == FIELDS.keys()
