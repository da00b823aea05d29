from __future__ import annotations

import math

import numpy as np
import pytest

from edgeq.errors import DataError
from edgeq.statistics.units import standard_error


def test_samples_that_repeat_within_groups_count_once() -> None:
    values = np.random.default_rng(2).normal(size=50)
    alone = standard_error(values, None)
    assert alone == pytest.approx(values.std(ddof=1) / math.sqrt(50))
    repeated, groups = np.repeat(values, 8), np.repeat(np.arange(50), 8)
    assert standard_error(repeated, groups) == pytest.approx(alone)
    assert standard_error(repeated, None) < alone / 2


def test_one_unit_shows_nothing() -> None:
    assert standard_error(np.ones(4), np.zeros(4)) == math.inf
    with pytest.raises(DataError, match=r"shape \(3,\) for 4 samples"):
        standard_error(np.ones(4), np.zeros(3))
