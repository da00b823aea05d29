from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.statistics.multiple import corrected_level, holm

p_values = st.lists(st.floats(0, 1), max_size=8)


def test_worked_example():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([]) == ()


@given(p_values)
def test_adjusted_values_are_not_below_raw_ones_and_keep_the_order(ps):
    adjusted = holm(ps)
    assert all(p <= q <= 1.0 for p, q in zip(ps, adjusted, strict=True))
    assert sorted(adjusted) == [q for _, q in sorted(zip(ps, adjusted, strict=True))]


@given(p_values, st.floats(0.001, 0.2))
def test_adjusted_values_decide_as_the_steps_do(ps, level):
    # Holm's procedure as he wrote it: stop at the first that misses its level.
    rejected: set[int] = set()
    for step, i in enumerate(sorted(range(len(ps)), key=lambda i: ps[i])):
        if (len(ps) - step) * ps[i] > level:
            break
        rejected.add(i)
    assert {i for i, p in enumerate(holm(ps)) if p <= level} == rejected


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_refuses_what_is_no_p_value(p):
    with pytest.raises(ValueError, match="p-value"):
        holm([0.5, p])


def test_corrected_level():
    assert corrected_level(0.05, 4) == 0.0125
    with pytest.raises(ValueError, match="family"):
        corrected_level(0.05, 0)
