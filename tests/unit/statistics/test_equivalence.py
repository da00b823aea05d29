from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from edgeq.statistics.equivalence import Claim, Conclusion, conclude, equivalence_p
from edgeq.statistics.proportions import PairedCounts, tango_interval

cells = st.integers(0, 300)
counts = st.builds(PairedCounts, both=cells, only_first=cells, only_second=cells, neither=cells)


@settings(deadline=None)
@given(counts, st.sampled_from([0.01, 0.05, 0.2]), st.sampled_from([0.01, 0.05, 0.1]))
def test_what_is_equivalent_has_its_interval_inside_the_margin(found, margin, level):
    p = equivalence_p(found, margin)
    assume(found.n > 0 and abs(p - level) > 1e-6)
    low, high = tango_interval(found, 1 - 2 * level)
    inside = -margin < low and high < margin
    assert inside or p > level
    # The other way round too, unless the difference is nearly all that is discordant.
    if found.discordant > 20 and abs(found.difference) * found.n < found.discordant / 4:
        assert inside == (p < level)
    assert p == pytest.approx(equivalence_p(found.swapped(), margin))


@settings(deadline=None)
@given(counts)
def test_a_wider_margin_is_easier(found):
    ps = [equivalence_p(found, margin) for margin in (0.005, 0.01, 0.02, 0.1, 0.5)]
    assert all(a >= b - 1e-12 for a, b in pairwise(ps))


def test_equivalence_needs_samples():
    def agree(n: int) -> float:
        return equivalence_p(PairedCounts(both=n, only_first=0, only_second=0, neither=0), 0.01)

    # The rule of three: 0.99²⁹⁹ < 0.05.
    assert agree(298) > 0.05 > agree(299)
    assert agree(0) == 1.0


@pytest.mark.parametrize("margin", [0.0, -0.01, 1.0, float("nan")])
def test_margin_is_a_share(margin):
    with pytest.raises(ValueError, match="percentage point"):
        equivalence_p(PairedCounts(both=5, only_first=0, only_second=0, neither=0), margin)


@pytest.mark.parametrize(
    ("difference", "p_difference", "p_equivalence", "larger", "conclusion", "within"),
    [
        (0.03, 0.001, 0.9, True, Conclusion.BETTER, False),
        (-0.03, 0.001, 0.9, True, Conclusion.WORSE, False),
        (-0.03, 0.001, 0.9, False, Conclusion.BETTER, False),
        (0.004, 0.001, 0.001, True, Conclusion.BETTER, True),
        (-0.004, 0.05, 0.05, True, Conclusion.WORSE, True),
        (0.004, 0.06, 0.001, True, Conclusion.EQUIVALENT, True),
        (0.0, 1.0, 0.3, True, Conclusion.INCONCLUSIVE, False),
        (0.02, 0.06, 0.06, True, Conclusion.INCONCLUSIVE, False),
    ],
)
def test_conclusions(difference, p_difference, p_equivalence, larger, conclusion, within):
    found = conclude(
        difference=difference, p_difference=p_difference, p_equivalence=p_equivalence, larger_is_better=larger
    )
    assert found == Claim(conclusion=conclusion, within_margin=within)
