"""Equivalence within a margin, and what may be claimed about a contrast."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from edgeq.statistics.proportions import PairedCounts, score_statistic


class Conclusion(Enum):
    """What a contrast showed about second against first. INCONCLUSIVE is not "the same": it is "not known"."""

    BETTER = "better"
    WORSE = "worse"
    EQUIVALENT = "equivalent"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A conclusion, and whether the difference is shown to be smaller than the margin.

    `within_margin` with BETTER or WORSE: the difference is real, and too small to matter by the user's own margin. A
    text must say both. With EQUIVALENT it is always true, with INCONCLUSIVE always false.
    """

    conclusion: Conclusion
    within_margin: bool


def equivalence_p(counts: PairedCounts, margin: float) -> float:
    """p-value for "the shares of right answers differ by less than `margin`": two one-sided score tests.

    Schuirmann's two one-sided tests (Journal of Pharmacokinetics and Biopharmaceutics 15, 1987) with Tango's score
    statistic (1998, section 2) at −margin and +margin; the larger p-value counts. So Tango's interval with confidence
    1 − 2·level lies inside ±margin wherever equivalence is claimed.

    Where all discordant samples favour one arm the score test is too sure (up to 6.6 % false claims for 5 %, see
    tests/unit/statistics/test_coverage.py); there the test is a binomial one, whose exact p-value is a lower bound. For
    arms that agree on everything this is the rule of three: a margin of one percentage point takes 299 samples.

    Args:
        counts: of the two arms.
        margin: as a share (0.01 is one percentage point), between 0 and 1.

    Returns:
        1 without samples.
    """
    from scipy.special import ndtr

    if not 0.0 < margin < 1.0:
        raise ValueError(f"margin {margin}: expected a share between 0 and 1, such as 0.01 for one percentage point")
    if counts.n == 0:
        return 1.0
    gain = counts.only_second - counts.only_first
    not_better = max(float(ndtr(score_statistic(counts, margin))), _binomial_below(gain, counts.n, margin))
    return max(noninferiority_p(counts, margin), not_better)


def noninferiority_p(counts: PairedCounts, margin: float) -> float:
    """p-value for "second is not worse than first by `margin` or more": the one of `equivalence_p`'s two tests that
    looks downwards. 1 without samples.
    """
    from scipy.special import ndtr

    if counts.n == 0:
        return 1.0
    lost = counts.only_first - counts.only_second
    return max(float(ndtr(-score_statistic(counts, -margin))), _binomial_below(lost, counts.n, margin))


def inferiority_p(counts: PairedCounts, margin: float) -> float:
    """p-value for "second is worse than first by more than `margin`": Tango's score test at −margin, upside down."""
    from scipy.special import ndtr

    return float(ndtr(score_statistic(counts, -margin))) if counts.n else 1.0


def conclude(
    *, difference: float, p_difference: float, p_equivalence: float, level: float = 0.05, larger_is_better: bool = True
) -> Claim:
    """What may be claimed about second against first.

    A significant difference is better or worse, and within the margin if equivalence is shown too; without one, the
    arms are equivalent if that is shown, else inconclusive. For one contrast the two claims cannot both be wrong
    ("differs at all" is wrong only at 0, "within the margin" only outside it), so neither test costs the other
    anything. Over several contrasts each kind of claim is kept within `level` by its own Holm correction: pass
    adjusted p-values for both.

    Args:
        difference: second − first, as observed.
        p_difference: two-sided p-value of no difference, Holm-adjusted within the declared family.
        p_equivalence: from `equivalence_p` or `Difference.equivalence_p`, Holm-adjusted likewise.
        level: of either test.
        larger_is_better: False for errors (MAE, RMSE), where a negative difference is better.
    """
    within = p_equivalence <= level
    if p_difference <= level and difference != 0.0:
        better = (difference > 0.0) == larger_is_better
        return Claim(conclusion=Conclusion.BETTER if better else Conclusion.WORSE, within_margin=within)
    return Claim(conclusion=Conclusion.EQUIVALENT if within else Conclusion.INCONCLUSIVE, within_margin=within)


def _binomial_below(k: int, n: int, share: float) -> float:
    from scipy.special import bdtr

    return float(bdtr(k, n, share)) if k >= 0 else 0.0
