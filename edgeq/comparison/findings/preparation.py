"""The finding that samples of a split were prepared otherwise than the test samples."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import groupby

from edgeq.comparison.evidence import Evidence
from edgeq.comparison.findings import thresholds as limit
from edgeq.comparison.findings.data import SPLITS
from edgeq.comparison.record import CompareFinding, Severity
from edgeq.data.overlap import Scaling
from edgeq.data.rescaling import Preparation

_UNIT, _SIGNED = (0.0, 1.0), (-1.0, 1.0)
_BETWEEN = {Preparation.UNIT_TO_SIGNED: (_UNIT, _SIGNED), Preparation.SIGNED_TO_UNIT: (_SIGNED, _UNIT)}
"""Between what the values of a split and of the test samples lie, where one was prepared so and the other was not. The
factor is 2, so that neither scale nor mean may be off by enough to tell."""

_BYTES = (
    Preparation.BYTES_TO_UNIT, Preparation.UNIT_TO_BYTES, Preparation.BYTES_TO_SIGNED, Preparation.SIGNED_TO_BYTES,
)  # fmt: skip
"""Factors that are no matter of samples."""

_SHOWN = 6


def preprocessing_differs(evidence: Evidence) -> Iterator[CompareFinding]:
    """A split has values of another scale than the test samples, as a whole or in a channel; or its channels are in
    another order."""
    scalings = evidence.checks.scalings if evidence.checks else ()
    for _, group in groupby(scalings, key=lambda s: (s.split, s.input)):
        whole, *channels = group
        if _prepared(whole) or _all_off(whole, channels):
            yield _scaled(evidence, whole)
        elif whole.order is not None:
            yield _reordered(evidence, whole)
        else:
            yield from (_scaled(evidence, c) for c in _channels_off(channels)[:1])


def _scale_off(found: Scaling) -> bool:
    """A scale that no choice of samples explains: by the standard deviation, and by what no single value can move."""
    if found.test_std == 0 or _alike(found):
        return False
    here, there = found.spread, found.test_spread
    pairs = (found.std, found.test_std), (here.deviation, there.deviation), (here.within, there.within)
    ratios = [a / b if b else math.inf for a, b in pairs]
    within = 1.0 if _is_bytes(found) else max(here.scale_range, there.scale_range)
    least = max(limit.SCALE_RATIO, within)
    return min(ratios) >= least or max(ratios) <= 1 / least


def _mean_off(found: Scaling) -> bool:
    """The same of the mean, and of the median."""
    if found.test_std == 0 or _alike(found):
        return False
    within = max(found.spread.mean_range, found.test_spread.mean_range)
    shift, median_shift = found.mean - found.test_mean, found.spread.median - found.test_spread.median
    return abs(shift) >= max(limit.SHIFT * found.test_std, within) and (median_shift / shift >= limit.MEDIAN_SHIFT)


def _alike(found: Scaling) -> bool:
    return found.rescaling is not None and found.rescaling.preparation is Preparation.NONE


def _is_bytes(found: Scaling) -> bool:
    return found.rescaling is not None and found.rescaling.preparation in _BYTES


def _all_off(whole: Scaling, channels: list[Scaling]) -> bool:
    """All values are off, and channels by themselves: half of them in scale, or each alike in its mean. Gravity moves
    means in its direction only, and channels with other means are a wider whole."""
    if _scale_off(whole) and (_is_bytes(whole) or 2 * sum(map(_scale_off, channels)) >= len(channels)):
        return True
    shift = whole.mean - whole.test_mean
    return _mean_off(whole) and all(abs((c.mean - c.test_mean) / shift - 1) <= limit.ALL_MOVED for c in channels)


def _channels_off(channels: list[Scaling]) -> list[Scaling]:
    """Channels that have another unit, where the others show that nothing else differs between the samples."""
    off = [c for c in channels if c.rescaling is not None and (_scale_off(c) or _mean_off(c))]
    others = [c for c in channels if c not in off]
    fit = sum((c.disagreement or 0.0) <= limit.FITS for c in others)
    if 2 * fit >= len(channels) and fit >= limit.OTHERS_FIT * len(others):
        return off
    return [c for c in off if _is_bytes(c)]


def _prepared(found: Scaling) -> bool:
    """The values are from 0 to 1 and the test samples' from −1 to 1, alike but for that, or the other way round."""
    if found.rescaling is None or found.rescaling.preparation not in _BETWEEN:
        return False
    split, test = _BETWEEN[found.rescaling.preparation]
    return _within(found.low, found.high, split) and _within(found.test_low, found.test_high, test)


def _within(low: float, high: float, limits: tuple[float, float]) -> bool:
    return limits[0] - limit.ROUNDED <= low and high <= limits[1] + limit.ROUNDED


def _scaled(evidence: Evidence, found: Scaling) -> CompareFinding:
    split, ratio = SPLITS[found.split], found.std / found.test_std
    values = "samples" if found.channel is None else f"samples' values of channel {found.channel}"
    return _finding(
        evidence,
        split,
        title=f"The {split} {values} are scaled differently from the test samples{_of(found)}",
        text=f"The {split} {values} lie between {found.low:.4g} and {found.high:.4g}, the test samples{_of(found)} "
        f"between {found.test_low:.4g} and {found.test_high:.4g}{_explained(found, split)}. ",
        numbers=_scaling_evidence(found, ratio),
    )


def _of(found: Scaling) -> str:
    return "" if found.channel is None else "' values"


def _reordered(evidence: Evidence, found: Scaling) -> CompareFinding:
    assert found.order is not None  # noqa: S101 (as the caller has looked)
    split, order, moved = SPLITS[found.split], found.order.order, found.order.moved
    pairs = ", ".join(f"{i} is {order[i]}" for i in moved[:_SHOWN])
    more = ", …" if len(moved) > _SHOWN else ""
    return _finding(
        evidence,
        split,
        title=f"The {split} samples have their channels in another order than the test samples",
        text=f"By the distribution of its values, channel {pairs}{more} of the test samples "
        "(as where RGB is read as BGR). ",
        numbers={
            "input": found.input, "channels": len(order), "moved": len(moved), "apart": found.order.before,
            "apart_in_that_order": found.order.after,
        },
    )  # fmt: skip


def _finding(
    evidence: Evidence, split: str, *, title: str, text: str, numbers: dict[str, float | int | str]
) -> CompareFinding:
    matters = split in ("calibration", evidence.data.calibration)
    return CompareFinding(
        code=f"{split}-preprocessing-differs",
        severity=Severity.ERROR if matters else Severity.WARNING,
        title=title,
        text=text
        + (
            "The int8 ranges were chosen for values that the model never sees when it is used."
            if matters
            else "What was learned from these samples is about other inputs than those that are tested."
        ),
        evidence=numbers,
        advice=f"Prepare the {split} samples exactly like the test samples (the same division, mean and order), "
        "then run this again.",
    )


def _explained(found: Scaling, split: str) -> str:
    """What was done to the one and not to the other, if that can be told."""
    rescaling = found.rescaling
    if rescaling is None or rescaling.preparation is Preparation.NONE:
        return ""
    done = rescaling.preparation.value
    if rescaling.preparation is Preparation.OTHER:
        done = f"times {rescaling.scale:.4g}, plus {rescaling.offset:.4g}"
    return f", like the {split} samples {done}"


def _scaling_evidence(found: Scaling, ratio: float) -> dict[str, float | int | str]:
    evidence: dict[str, float | int | str] = {
        "input": found.input, "std_ratio": ratio, "mean": found.mean, "test_mean": found.test_mean, "low": found.low,
        "high": found.high, "test_low": found.test_low, "test_high": found.test_high,
    }  # fmt: skip
    if found.channel is not None:
        evidence["channel"] = found.channel
    if found.rescaling is not None:
        evidence |= {
            "preparation": found.rescaling.preparation.value, "scale": found.rescaling.scale,
            "offset": found.rescaling.offset,
        }  # fmt: skip
    return evidence
