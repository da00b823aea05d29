"""No inference became slower unnoticed: instruction counts against those in tools/bench/counts.json."""

from __future__ import annotations

import sys
import types
from dataclasses import replace
from pathlib import Path

import pytest

_BENCH = Path(__file__).resolve().parents[2] / "tools" / "bench"


@pytest.fixture(scope="module")
def counts() -> types.ModuleType:
    sys.path.insert(0, str(_BENCH))
    try:
        import counts
    finally:
        sys.path.remove(str(_BENCH))
    return counts


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_count_rose_and_none_is_misjudged(counts: types.ModuleType) -> None:
    rows = counts.measure(counts.ROWS)
    _, risen = counts.compare(map(counts.Count.of, rows), counts.load(counts.BASELINE))
    assert not risen, "`python tools/bench/counts.py --update` accepts:\n" + "\n".join(risen)
    assert not counts.misjudged(rows), "the cost model is off: constants in edgeq/lower/dsp"


def test_a_rise_names_its_layer(counts: types.ModuleType) -> None:
    before = counts.load(counts.BASELINE)[0]
    label = max(before.layers, key=before.layers.get)
    more = before.instructions // 40
    now = replace(
        before,
        instructions=before.instructions + more,
        layers={**before.layers, label: before.layers[label] + more},
    )
    _, risen = counts.compare([now], [before])
    assert len(risen) == 1
    assert f"{label}: {before.layers[label]:,} -> {before.layers[label] + more:,}" in risen[0]
    for toolchain, told in (("zig", 1), ("gcc", 0)):
        one = replace(before, toolchain=toolchain)
        lines, risen = counts.compare([replace(one, compiler="another")], [one])
        assert "not compared" in (risen if told else lines)[0]
        assert len(risen) == told
    assert counts.compare([replace(before, instructions=before.instructions * 101 // 100)], [before])[1] == []
    assert counts.compare([replace(before, model="new")], [before])[1]


def test_counts_are_kept_as_they_are(counts: types.ModuleType, tmp_path: Path) -> None:
    kept = counts.load(counts.BASELINE)
    counts.save(kept, tmp_path / "counts.json")
    assert (tmp_path / "counts.json").read_text("utf-8") == counts.BASELINE.read_text("utf-8")
