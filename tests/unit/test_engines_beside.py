"""Both engines in one report: what stands beside what, and what may."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from projects import small_model
from report_samples import both_engines, digits
from rich.console import Console

import edgeq
from edgeq.beside import check_same_model, read_beside
from edgeq.errors import InputError
from edgeq.options import BuildOptions, Engine
from edgeq.records import LayerCost
from edgeq.report.console import render
from edgeq.report.engine_plots import engines_view
from edgeq.report.engines import engine_cost, figures, op_costs
from edgeq.report.files import read_report, write_report
from edgeq.report.html import render_html
from edgeq.report.record import Report, to_json


def layer(label: str, cycles: int) -> LayerCost:
    return LayerCost(index=0, label=label, kernel="k", macs=0, instructions=1, cycles=cycles)


def test_ops_have_the_numbers_of_the_tflite() -> None:
    """An engine may leave an op out, run it as two calls, or do two as one."""
    costs = op_costs(
        [layer("0 CONV_2D 4", 10), layer("2 SOFTMAX 4", 7), layer("2 SOFTMAX 4", 1)],
        [layer("0 CONV_2D 4", 50), layer("1 RELU 4", 5), layer("2 SOFTMAX 4", 30)],
    )
    assert [(c.label, c.own, c.other) for c in costs] == [
        ("0 CONV_2D 4", 10, 50),
        ("1 RELU 4", None, 5),
        ("2 SOFTMAX 4", 8, 30),
    ]


def test_cycles_are_of_one_kind() -> None:
    own, other = engine_cost(both_engines()), engine_cost(digits())
    assert own is not None
    assert other is not None
    assert figures(own, other)[0].name == "cycles, estimated"
    measured = tuple(replace(c, cycles_measured=n) for c, n in ((own, 300), (other, 100)))
    first = figures(*measured)[0]
    assert (first.name, first.own, first.other, first.ratio) == ("cycles, measured", 300, 100, 3.0)
    assert figures(measured[0], other)[0].name == "cycles, estimated"


def test_json_console_and_page_show_both(tmp_path: Path) -> None:
    report = both_engines()
    own = engine_cost(digits())
    assert own is not None
    assert own.toolchain is not None
    assert "-I/home/me/x/include" in own.toolchain.flags
    write_report(replace(report, beside=own), tmp_path)
    assert "/home/me" not in (tmp_path / "report.json").read_text()
    write_report(report, tmp_path)
    assert to_json(read_report(tmp_path)) == to_json(report)
    assert json.loads((tmp_path / "report.json").read_text())["beside"]["engine"] == "aot"
    out = io.StringIO()
    Console(file=out, width=80).print(render(report))
    lines = out.getvalue().splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("both engines"))
    assert lines[at].split()[2:] == ["tflm", "aot", "tflm", "/", "aot"]
    assert lines[at + 2].split() == ["cycles,", "estimated", "2,756,110", "683,000", "4.04"]
    page = render_html(report)
    assert "tflm takes 4.04 × the cycles, 3.29 × the flash, 1.91 × the RAM of aot" in page
    assert page.count('class="mark e-tflm"') == page.count('class="mark e-aot"') == 10
    assert "9 RESHAPE 10\naot: no call of its own" in page
    assert 'href="#engines"' not in render_html(digits())


def test_bars_have_one_scale() -> None:
    view = engines_view(both_engines())
    assert view is not None
    assert view.ops is not None
    tflm, aot = (next(m for m in view.ops.marks if m.kind == f"e-{e}" and "1 CONV" in m.title) for e in ("tflm", "aot"))
    assert tflm.width == pytest.approx(4 * aot.width)
    assert [stack.share for stack in view.stacks[0][1]] == pytest.approx([1.0, 38_452 / 126_452])


def beside(tmp_path: Path, report: Report, engine: Engine = Engine.AOT) -> Report | None:
    write_report(report, tmp_path)
    return read_beside(BuildOptions(model=Path("m.tflite"), out=Path("out"), engine=engine, beside=tmp_path))


def test_only_the_other_engine_and_the_same_model_stand_beside(tmp_path: Path) -> None:
    tflm = beside(tmp_path, both_engines())
    assert tflm is not None
    check_same_model(tflm, tflm.model.sha256, tmp_path)
    with pytest.raises(InputError, match="is of another \\.tflite") as caught:
        check_same_model(tflm, "0" * 64, tmp_path)
    assert "model.tflite in the folder of either build" in str(caught.value)
    with pytest.raises(InputError, match="has the engine tflm too") as caught:
        beside(tmp_path, both_engines(), Engine.TFLM)
    assert "`edgeq diff`" in str(caught.value)
    with pytest.raises(InputError, match="cycles of two boards say nothing"):
        beside(tmp_path, replace(both_engines(), board="mps2-an385"))
    with pytest.raises(InputError, match="has no firmware"):
        beside(tmp_path, replace(both_engines(), memory=None))
    with pytest.raises(InputError, match="report\\.json"):
        read_beside(BuildOptions(model=Path("m.tflite"), out=Path("out"), beside=tmp_path / "nowhere"))


def test_a_build_shows_what_stands_beside_it(tmp_path: Path) -> None:
    (tmp_path / "small.tflite").write_bytes(small_model())
    other = both_engines()
    sha256 = hashlib.sha256(small_model()).hexdigest()
    write_report(replace(other, model=replace(other.model, sha256=sha256)), tmp_path)
    options = BuildOptions(
        model=tmp_path / "small.tflite", out=tmp_path / "aot", device="native", samples=2, traced_samples=0,
        beside=tmp_path,
    )  # fmt: skip
    both = edgeq.build(options)
    assert both.beside is not None
    assert (both.engine, both.beside.engine, both.beside.flash_bytes) == ("aot", "tflm", 126_452)
    assert read_report(tmp_path / "aot").beside == both.beside
