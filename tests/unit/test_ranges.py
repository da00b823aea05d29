"""Range estimators: what is cut off, and that it pays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq.errors import InputError
from edgeq.model.load import from_keras
from edgeq.quantize import QuantizeOptions, quantize
from edgeq.quantize.ranges import estimate_ranges, mse_range, percentile_range
from edgeq.quantize.twin import twin_of
from edgeq.records import Dataset, Method, RangeEstimator, Split

WHOLE = (-2.0, 6.0)


def histogram(values: np.ndarray) -> np.ndarray:
    return np.histogram(values, bins=8192, range=WHOLE)[0]


def test_a_percentile_leaves_out_at_most_its_share_at_each_end() -> None:
    values = np.linspace(*WHOLE, 100_000)
    low, high = percentile_range(histogram(values), WHOLE, 99.0)
    assert low == pytest.approx(-2.0 + 8 * 0.005, abs=0.002)
    assert high == pytest.approx(6.0 - 8 * 0.005, abs=0.002)
    outside = np.mean((values < low) | (values > high))
    assert 0.009 < outside <= 0.01


def test_few_values_lose_none() -> None:
    values = np.array([-2.0, 0.0, 1.0, 6.0])
    assert percentile_range(histogram(values), WHOLE) == WHOLE


def test_all_values_in_one_bin_keep_a_range() -> None:
    low, high = percentile_range(histogram(np.full(1000, 1.0)), WHOLE)
    assert low <= 1.0 < high


def test_the_mse_range_is_near_the_best_of_an_exhaustive_search() -> None:
    rng = np.random.default_rng(0)
    values = np.clip(np.concatenate([rng.normal(0.0, 0.2, 200_000), rng.uniform(*WHOLE, 4)]), *WHOLE)
    middles = np.linspace(*WHOLE, 8193)[:-1] + 8 / 8192 / 2
    counts = histogram(values)

    def error(low: float, high: float) -> float:
        step = (high - low) / 255
        return float(counts @ (middles - (np.clip(np.round((middles - low) / step), 0, 255) * step + low)) ** 2)

    found = mse_range(counts, WHOLE)
    best = min(error(low, high) for low in np.linspace(-2, -0.1, 60) for high in np.linspace(0.1, 6, 120))
    assert error(*found) < 1.05 * best
    assert error(*found) < error(*WHOLE) / 2
    assert found[1] < 4.0


def test_even_values_keep_their_whole_range() -> None:
    low, high = mse_range(histogram(np.linspace(*WHOLE, 50_000)), WHOLE)
    assert low == pytest.approx(-2.0, rel=0.1)
    assert high == pytest.approx(6.0, rel=0.1)


@pytest.mark.xdist_group("tensorflow")
def test_every_estimator_stays_inside_what_was_seen(zoo: Any) -> None:
    x = zoo.zoo_inputs("demo", 40)
    twin = twin_of(from_keras(zoo.zoo_keras("demo"), path=Path("demo.keras")), x)
    assert estimate_ranges(twin, x, RangeEstimator.MINMAX) == {}
    for estimator in (RangeEstimator.PERCENTILE, RangeEstimator.MSE):
        found = estimate_ranges(twin, x, estimator)
        assert len(found) == 10
        for index, (low, high) in found.items():
            smallest, largest = twin.ranges[index]
            assert smallest - 1e-6 <= low < high <= largest + 1e-6
        assert any(high < twin.ranges[index][1] for index, (_, high) in found.items())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (QuantizeOptions(method=Method.AUTO, equalize=True), "--equalize .*--method auto, which tries all"),
        (QuantizeOptions(method=Method.INT16X8, ranges=RangeEstimator.MSE), "--ranges .*16x8, which has no use"),
    ],
)
def test_options_that_a_method_does_not_take_are_refused(options: QuantizeOptions, message: str) -> None:
    nothing = Dataset(source="none", sha256="", test=Split(x=(np.zeros((1, 1)),)))
    with pytest.raises(InputError, match=message):
        quantize(None, nothing, options)  # type: ignore[arg-type]
