"""The recommendation's rule, on rows as a build has them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from edgeq.mobile.recommend import margin_for, recommend, standing_of
from edgeq.records import (
    AccuracyDifference,
    Latency,
    Metric,
    Placement,
    Standing,
    VariantKind,
    VariantRow,
)
from edgeq.statistics.equivalence import equivalence_p, inferiority_p, noninferiority_p
from edgeq.statistics.proportions import PairedCounts, mcnemar_midp, paired_interval, wilson_interval
from edgeq.validation.accuracy import Task, compare_accuracy, measure_accuracy

N = 1000


def difference(lost: int, won: int, n: int = N) -> AccuracyDifference:
    counts = PairedCounts(both=n - lost - won, only_first=lost, only_second=won, neither=0)
    return AccuracyDifference(
        before="float32", after="int8", metric=Metric.TOP1, value=counts.difference, ci95=paired_interval(counts),
        p_value=mcnemar_midp(counts), n=n, only_before=lost, only_after=won,
    )  # fmt: skip


def latency(ms: float) -> Latency:
    return Latency(median_ms=ms, p90_ms=ms, p99_ms=ms, runs=300)


def row(
    kind: VariantKind,
    *,
    size: int,
    ms: float,
    lost: int | None = 0,
    fallen: float = 0.0,
    n: int = N,
    sqnr: float = 50.0,
) -> VariantRow:
    """A variant that gets `lost` more samples wrong than float32; None: there are no labels."""
    from edgeq.records import Accuracy

    base = kind is VariantKind.FLOAT32
    apart = None if base or lost is None else difference(lost, 0, n)
    accuracy = None
    if lost is not None:
        accuracy = Accuracy(value=1 - lost / n, n=n, correct=n - lost, ci95=wilson_interval(n - lost, n), ties=0)
    standing = Standing.BASELINE if base else Standing.UNKNOWN
    if apart is not None:
        standing = standing_of(apart, baseline=1.0, margin=0.01)
    return VariantRow(
        kind=kind, file=f"variants/{kind.value}.tflite", sha256="0" * 64, size_bytes=size, inputs=("float32",),
        outputs=("float32",), signature=None, accuracy=accuracy, difference=apart, standing=standing,
        same_top1=None if base else 1.0, sqnr_db=None if base else sqnr,
        latency=latency(ms), peak_memory_bytes=None,
        placement=Placement(ops=10, partitions=1, fallen_macs=fallen, fallen=()),
    )  # fmt: skip


FLOAT = row(VariantKind.FLOAT32, size=4000, ms=4.0)
HALF = row(VariantKind.FLOAT16, size=2000, ms=4.0)
DYNAMIC = row(VariantKind.DYNAMIC_RANGE, size=1010, ms=3.0)
INT8 = row(VariantKind.INT8, size=1050, ms=1.0)
WIDE = row(VariantKind.INT16X8, size=1100, ms=9.0, fallen=1.0)
ALL = [FLOAT, HALF, DYNAMIC, INT8, WIDE]


def test_small_and_fast_where_all_are_as_good() -> None:
    found = recommend(ALL, 0.01)
    assert (found.kind, found.conclusive) == (VariantKind.INT8, True)
    assert "74 % smaller than float32 and 4 times as fast on this host" in found.reason
    assert "passed over, as XNNPACK leaves much of them to slower kernels: 16x8" in found.reason


@pytest.mark.parametrize(
    ("size", "ms", "said"),
    [
        (3600, 4.1, "10 % smaller than float32 and as fast on this host"),
        (4200, 2.0, "5 % larger than float32 and 2 times as fast on this host"),
        (2000, 8.0, "50 % smaller than float32, 2 times its time on this host"),
    ],
)
def test_size_and_time_in_words(size: int, ms: float, said: str) -> None:
    assert recommend([FLOAT, row(VariantKind.FLOAT16, size=size, ms=ms)], 0.01).reason.startswith(f"{said}; ")


def test_one_that_is_worse_is_left_out() -> None:
    worse = row(VariantKind.INT8, size=1050, ms=1.0, lost=40)
    assert worse.standing is Standing.WORSE
    found = recommend([FLOAT, HALF, DYNAMIC, worse, WIDE], 0.01)
    assert (found.kind, found.conclusive) == (VariantKind.DYNAMIC_RANGE, True)


def test_sizes_within_a_tenth_are_one_size() -> None:
    larger = replace(INT8, size_bytes=1300)
    assert recommend([FLOAT, HALF, DYNAMIC, larger], 0.01).kind is VariantKind.DYNAMIC_RANGE
    equally_fast = replace(INT8, latency=latency(2.9))
    assert recommend([FLOAT, HALF, DYNAMIC, equally_fast], 0.01).kind is VariantKind.DYNAMIC_RANGE


def test_a_softmax_off_xnnpack_is_no_reason_a_convolution_is() -> None:
    assert recommend([FLOAT, replace(INT8, placement=replace(INT8.placement, fallen_macs=0.001))], 0.01).kind is (
        VariantKind.INT8
    )
    assert recommend([FLOAT, replace(INT8, placement=replace(INT8.placement, fallen_macs=0.3))], 0.01).kind is (
        VariantKind.FLOAT32
    )


def test_few_samples_settle_nothing() -> None:
    few = [FLOAT, row(VariantKind.INT8, size=1050, ms=1.0, lost=0, n=100)]
    few[0] = replace(FLOAT, accuracy=few[1].accuracy)
    found = recommend(few, 0.01)
    assert (found.kind, found.conclusive) == (VariantKind.FLOAT32, False)
    assert "inconclusive about int8" in found.reason
    assert "takes 299 samples at least, these are 100" in found.reason
    assert "if it is, ship int8" in found.reason


def test_without_labels_the_outputs_must_be_near() -> None:
    rows = [
        row(VariantKind.FLOAT32, size=4000, ms=4.0, lost=None),
        row(VariantKind.FLOAT16, size=2000, ms=4.0, lost=None, sqnr=70.0),
        row(VariantKind.INT8, size=1050, ms=1.0, lost=None, sqnr=25.0),
    ]
    found = recommend(rows, 0.01)
    assert (found.kind, found.conclusive) == (VariantKind.FLOAT16, False)
    assert "SQNR of 70 dB" in found.reason
    assert "without labels nobody knows the accuracy" in found.reason


def test_one_variant_is_taken() -> None:
    assert recommend([replace(INT8, standing=Standing.BASELINE)], 0.01).kind is VariantKind.INT8


@pytest.mark.parametrize(
    ("lost", "won", "n", "standing"),
    [
        (0, 0, 299, Standing.NOT_WORSE),  # the rule of three
        (0, 0, 298, Standing.UNKNOWN),
        (0, 0, 20, Standing.UNKNOWN),
        (5, 5, 1000, Standing.NOT_WORSE),
        (12, 2, 1000, Standing.UNKNOWN),
        (40, 2, 1000, Standing.WORSE),
        (0, 30, 1000, Standing.NOT_WORSE),
    ],
)
def test_standing_of_classes(lost: int, won: int, n: int, standing: Standing) -> None:
    assert standing_of(difference(lost, won, n), baseline=0.9, margin=0.01) is standing


@pytest.mark.parametrize(
    ("worse_by", "standing"), [(0.0, Standing.NOT_WORSE), (0.05, Standing.UNKNOWN), (0.2, Standing.WORSE)]
)
def test_standing_of_errors_is_a_share_of_the_baselines(worse_by: float, standing: Standing) -> None:
    rng = np.random.default_rng(3)
    labels = rng.normal(size=(400, 1))
    error = rng.exponential(1.0, (400, 1))
    task = Task(metric=Metric.MAE, output=0, labels=labels)
    before, after = (labels + error,), (labels + (1 + worse_by) * error + rng.normal(0, 0.01, (400, 1)),)
    baseline = measure_accuracy(task, before, None)
    assert baseline.metric is Metric.MAE
    assert baseline.value == pytest.approx(error.mean())
    found = compare_accuracy(task, before, after)
    assert standing_of(found, baseline=baseline.value, margin=0.05) is standing


def test_the_two_sided_test_is_the_worse_of_both_one_sided_ones() -> None:
    counts = PairedCounts(both=900, only_first=9, only_second=3, neither=88)
    assert equivalence_p(counts, 0.02) == max(noninferiority_p(counts, 0.02), noninferiority_p(counts.swapped(), 0.02))
    assert noninferiority_p(counts, 0.02) + inferiority_p(counts, 0.02) == pytest.approx(1.0)
    assert noninferiority_p(PairedCounts(both=0, only_first=0, only_second=0, neither=0), 0.01) == 1.0
    assert inferiority_p(PairedCounts(both=0, only_first=0, only_second=0, neither=0), 0.01) == 1.0


def test_margins() -> None:
    assert (margin_for(Metric.TOP1, None), margin_for(Metric.MAE, None), margin_for(Metric.MAE, 0.2)) == (
        0.01, 0.05, 0.2,
    )  # fmt: skip
