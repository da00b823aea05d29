"""Which variant to ship. docs/mobile.md has the rule in words.

1. Variants that are shown not to be worse than float32 by more than the margin (one-sided, 5 %), float32 among them.
   Without labels: those whose outputs have an SQNR of `ENOUGH_DB` against float32's, and the choice is not conclusive.
2. Of these, the ones of whose multiply-accumulates XNNPACK does 99 % or more; if none does, the one with the most.
3. Of these, the smallest file, and any that is larger by no more than a tenth.
4. Of these, the fastest on this host; of those within a tenth of its median, the smallest file.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from edgeq.records import AccuracyDifference, Metric, Recommendation, Standing, VariantKind, VariantRow
from edgeq.report import format as fmt
from edgeq.statistics.equivalence import inferiority_p, noninferiority_p
from edgeq.statistics.proportions import Z95, PairedCounts

LEVEL = 0.05
ENOUGH_DB = 40.0
"""Noise of a ten-thousandth of the outputs' power: an error of 1 % in amplitude."""

FALLEN_MACS = 0.01
"""A share of the multiply-accumulates that may be done outside of XNNPACK: a SOFTMAX or a pool costs nothing there, a
convolution does."""

MARGIN, MARGIN_OF_ERRORS = 0.01, 0.05
NEAR = 1.1
"""Sizes and times within a tenth of the best count as equal to it."""


def margin_for(metric: Metric, asked: float | None) -> float:
    """The margin: what was asked for, else `MARGIN` for shares and `MARGIN_OF_ERRORS` of float32's error."""
    return asked if asked is not None else MARGIN if fmt.is_share(metric) else MARGIN_OF_ERRORS


def standing_of(difference: AccuracyDifference, *, baseline: float, margin: float) -> Standing:
    """What a difference from float32 shows, by one-sided tests at 5 %.

    Args:
        difference: variant − float32.
        baseline: float32's value of the same metric.
        margin: a share of the samples; of `baseline` for an error metric.
    """
    if difference.only_before is not None and difference.only_after is not None:
        same = difference.n - difference.only_before - difference.only_after
        counts = PairedCounts(
            both=same, only_first=difference.only_before, only_second=difference.only_after, neither=0
        )
        better, worse = noninferiority_p(counts, margin) <= LEVEL, inferiority_p(counts, margin) <= LEVEL
    else:
        low, high = difference.ci95
        reach = (high - low) / 2 / Z95 * _Z90
        better, worse = difference.value + reach <= margin * baseline, difference.value - reach > margin * baseline
    return Standing.NOT_WORSE if better else Standing.WORSE if worse else Standing.UNKNOWN


def recommend(rows: Sequence[VariantRow], margin: float) -> Recommendation:
    """The variant to ship by the rule above, and why."""
    if len(rows) == 1:
        return Recommendation(kind=rows[0].kind, reason="it is the only variant", conclusive=True)
    labelled = any(row.accuracy is not None for row in rows)
    chosen = _chosen([row for row in rows if _fits(row, labelled)])
    if_kept = _chosen([row for row in rows if row.standing is not Standing.WORSE])
    open_ones = [row.kind for row in rows if row.standing is Standing.UNKNOWN]
    base = next(row for row in rows if row.standing is Standing.BASELINE)
    return Recommendation(
        kind=chosen.kind,
        reason="; ".join(
            _reasons(chosen, base, rows, margin=margin, labelled=labelled, open_ones=open_ones, if_kept=if_kept)
        ),
        conclusive=labelled and not open_ones,
    )


_Z90 = 1.6448536269514722  # the 95 % quantile of the standard normal distribution


def _chosen(fit: Sequence[VariantRow]) -> VariantRow:
    allowed = max(FALLEN_MACS, min(row.placement.fallen_macs for row in fit))
    whole = [row for row in fit if row.placement.fallen_macs <= allowed]
    smallest = min(row.size_bytes for row in whole)
    small = [row for row in whole if row.size_bytes <= NEAR * smallest]
    fastest = min(row.latency.median_ms for row in small)
    fast = [row for row in small if row.latency.median_ms <= NEAR * fastest]
    return min(fast, key=lambda row: row.size_bytes)


def _fits(row: VariantRow, labelled: bool) -> bool:
    if row.standing is Standing.BASELINE:
        return True
    if labelled:
        return row.standing is Standing.NOT_WORSE
    return row.sqnr_db is not None and row.sqnr_db >= ENOUGH_DB


def _reasons(
    chosen: VariantRow,
    base: VariantRow,
    rows: Sequence[VariantRow],
    *,
    margin: float,
    labelled: bool,
    open_ones: Sequence[VariantKind],
    if_kept: VariantRow,
) -> list[str]:
    said = []
    if chosen is base:
        said.append("nothing smaller is shown to be as good as float32" if labelled else "nothing smaller is near it")
    else:
        said.append(_compared(chosen, base))
        if chosen.difference is not None and chosen.accuracy is not None:
            said.append(
                f"not worse than float32 by more than {_words(margin, chosen.difference.metric)} "
                f"({fmt.difference(chosen.difference)}, 95 % interval {fmt.interval(chosen.difference)})"
            )
        elif chosen.sqnr_db is not None:
            said.append(f"its outputs have an SQNR of {fmt.real(chosen.sqnr_db, 3)} dB against float32's")
    left = chosen.placement.fallen_macs
    said.append(f"XNNPACK does {fmt.percent(1 - left)} of its multiply-accumulates")
    off = [row.kind.value for row in rows if row.placement.fallen_macs > max(FALLEN_MACS, left)]
    if off:
        said.append(f"passed over, as XNNPACK leaves much of them to slower kernels: {', '.join(off)}")
    if not labelled:
        said.append("inconclusive: without labels nobody knows the accuracy of any variant")
    elif open_ones:
        names = ", ".join(kind.value for kind in open_ones)
        more = _more(base, margin)
        said.append(f"inconclusive about {names}: these samples cannot tell whether the margin is kept ({more})")
        if if_kept is not chosen:
            said.append(f"if it is, ship {if_kept.kind.value}")
    return said


def _compared(chosen: VariantRow, base: VariantRow) -> str:
    saved = 1 - chosen.size_bytes / base.size_bytes
    size = f"{fmt.percent(abs(saved), 0)} {'smaller' if saved >= 0 else 'larger'} than float32"
    speed = base.latency.median_ms / chosen.latency.median_ms
    if 1 / NEAR < speed < NEAR:
        return f"{size} and as fast on this host"
    if speed > 1:
        return f"{size} and {speed:.2g} times as fast on this host"
    return f"{size}, {1 / speed:.2g} times its time on this host"


def _more(base: VariantRow, margin: float) -> str:
    """What would settle it. Without a single other answer a margin m takes log 5 % / log(1 − m) samples."""
    known = base.accuracy
    if known is not None and fmt.is_share(known.metric):
        least = math.ceil(math.log(LEVEL) / math.log(1 - margin)) if 0 < margin < 1 else 0
        if known.n < least:
            words = _words(margin, known.metric)
            return f"a margin of {words} takes {least} samples at least, these are {known.n}"
    return "give more samples, or a wider --margin"


def _words(margin: float, metric: Metric) -> str:
    if fmt.is_share(metric):
        return f"{fmt.real(100 * margin)} percentage point{'' if margin == 0.01 else 's'}"
    return f"{fmt.percent(margin)} of its error"
