"""What explains the measured numbers, or makes them doubtful. A finding is a function in one of the modules here.

Each looks at the evidence and gives a finding, several, or none; thresholds and their reasons are in `thresholds`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from edgeq.comparison.evidence import Evidence
from edgeq.comparison.findings import (
    batch_norm,
    calibration,
    data,
    labels,
    learning_rate,
    order,
    overfitting,
    overwritten,
    preparation,
    quantization,
    ranges,
    results,
    training,
)
from edgeq.comparison.record import CompareFinding, Severity

Finder = Callable[[Evidence], Iterator[CompareFinding]]

# In the order of importance among findings of one severity: what makes every number doubtful comes before what explains
# one of them, and a cause before its consequences.
FINDERS: tuple[Finder, ...] = (
    order.scores_in_other_order,
    preparation.preprocessing_differs,
    labels.labels_do_not_fit,
    data.test_in_training,
    quantization.conversion_gap,
    learning_rate.learning_rate_too_high,
    training.arm_failed,
    ranges.ranges_lost,
    overwritten.ranges_overwritten,
    batch_norm.batch_norm_stale,
    training.float_undertrained,
    batch_norm.batch_norm_stale_besides,
    overfitting.float_overfits,
    calibration.calibration_classes,
    calibration.calibration_ranges,
    quantization.layers_quantize_badly,
    overfitting.float_overfits_besides,
    training.qat_undertrained,
    results.test_set_small,
    quantization.scores_tie,
    training.gain_is_training,
    results.inconclusive,
    quantization.host_kernels,
    quantization.flips_at_margins,
)


def find(evidence: Evidence, *, known: tuple[CompareFinding, ...] = ()) -> tuple[CompareFinding, ...]:
    """All findings, most important first; `known` are those about the files themselves."""
    found = [*known, *(finding for finder in FINDERS for finding in finder(evidence))]
    return tuple(sorted(found, key=lambda f: list(Severity).index(f.severity)))
