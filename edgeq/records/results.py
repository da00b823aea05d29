"""What a comparison of answers found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from edgeq.records.runs import Reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How far a device's outputs are from a reference's, over all samples and outputs.

    LSB: one step of the integer output, or of the integers that DEQUANTIZE made a float output from. `histogram`:
    signed difference (device − reference) to its count. `sqnr_db`: 10·log10(Σ ref² / Σ (ref − dev)²) on dequantized
    values, `inf` if equal. `first_layer`: the first whose fingerprint differs; None if none does or it is unknown.
    """

    reference: Reference
    samples: int
    outputs: int
    mismatches: int
    mismatched_samples: int
    max_lsb: int
    histogram: Mapping[int, int]
    top1_agreement: float | None
    rmse: float
    cosine: float
    sqnr_db: float
    first_layer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PairDrift:
    """How far two that ran the same samples are apart: the device and references, by name, or two references.

    `argmax_flips` counts answers whose largest value is at another index; None where no output has two values.
    """

    first: str
    second: str
    samples: int
    outputs: int
    mismatches: int
    mismatched_samples: int
    max_lsb: int
    argmax_flips: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerDrift:
    """One trace point over the traced samples. `state` is "equal", "differs", or why it has no fingerprint.

    `mismatches`, `max_lsb` and `sqnr_db` are over the `fetched_samples` whose values were compared one by one, of
    `elements` values each; `differing_samples` is over all traced samples. `sqnr_db` is None of integers, for which
    `max_lsb` says more, and where nothing was fetched; for floats, which have no LSB, it is 10·log10(Σ ref² /
    Σ (ref − dev)²).
    """

    point: int | None
    label: str
    tensor: str
    state: str
    samples: int
    differing_samples: int
    mismatches: int
    max_lsb: int
    fetched_samples: int = 0
    elements: int = 0
    sqnr_db: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerTable:
    """All layers of a device against one reference after the other, the one that the device is held to first.

    `notes` say which reference is missing, and why.
    """

    device: str
    columns: Mapping[Reference, tuple[LayerDrift, ...]]
    notes: tuple[str, ...] = ()

    @property
    def held(self) -> Reference:
        """The reference that the device is held to."""
        return next(iter(self.columns))

    @property
    def layers(self) -> tuple[LayerDrift, ...]:
        """The layers against that one."""
        return self.columns[self.held]


class Metric(Enum):
    """What an accuracy figure is. Accuracies and areas are better when larger, an error when smaller."""

    TOP1 = "top-1 accuracy"
    TOP_K = "top-k accuracy"
    AUC = "area under the ROC curve"
    MSE = "mean squared error"
    RMSE = "root mean squared error"
    MAE = "mean absolute error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How an int8 model's answers fit those of the fake-quantized model that it was made from.

    Of `samples`, `same` have the same answer (the class of the largest output, or nearly the same values); for `apart`
    the answers differ by more than rounding explains. `largest_difference` is that of the outputs' real values.
    """

    samples: int
    same: int
    apart: int
    largest_difference: float

    @property
    def share(self) -> float:
        """Of samples with the same answer."""
        return self.same / self.samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """Share of right top-1 predictions: `correct` of `n`, with the 95 % Wilson score interval.

    `ties` counts samples whose largest output was not unique, so that the lowest index decided. For another metric
    than top-1, `correct` and `ties` are None and `value` is the mean over the samples with its normal interval.
    """

    value: float
    n: int
    correct: int | None
    ci95: tuple[float, float]
    ties: int | None
    metric: Metric = Metric.TOP1


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyDifference:
    """`after` against `before` on the same samples: `value` is after − before, `p_value` two-sided.

    `only_before` and `only_after` count the samples that only one of them got right (None for an error metric).
    """

    before: str
    after: str
    metric: Metric
    value: float
    ci95: tuple[float, float]
    p_value: float
    n: int
    only_before: int | None
    only_after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Wall time of one stage in seconds."""

    stage: str
    seconds: float
