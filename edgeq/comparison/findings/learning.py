"""Whether a model has learned its training samples at all: a classifier by its certainty about them, one that predicts
numbers by how far it dares to go from their mean."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgeq.comparison.findings import thresholds as limit
from edgeq.comparison.findings.losses import best_cross_entropies, cross_entropies, guessing, lower, probabilities
from edgeq.comparison.scores import Scores

if TYPE_CHECKING:
    from numpy.typing import NDArray

_Z99 = 2.576


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning:
    """On training samples: the accuracy, the mean of the largest probability, the cross-entropy (nats), and that of
    answering each time with the shares of the classes."""

    accuracy: float
    confidence: float
    loss: float
    guessing_loss: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainedOn:
    """A float model on test samples: `before`, and `after` it was trained on for `epochs`. `groups` (n,) says which
    samples belong together, None: none do."""

    before: Scores
    after: Scores
    epochs: int
    groups: NDArray[np.int64] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """What predictions of training targets lack: the factor by which they are too small (None: they are not), and how
    far they are off on average, in standard deviations of the targets."""

    factor: float | None
    offset: float


def learned_little(
    seen: Scores, *, trained_on: TrainedOn | None, logits: bool = False, unsure: float = limit.UNSURE
) -> Learning | None:
    """What a model has learned of its training samples, if that is hardly anything; else None.

    At a minimum of cross-entropy no factor on a layer's weights lowers the loss, the last layer's included: there a
    softmax is as sure of its training samples as it is right about them. Training begins at equal probabilities, and
    learns first which class, then how surely. So a model that is right much more often than it is sure, with a loss
    that is still close to that of guessing, was stopped on the way; so was one that guesses, and knows it. Smoothed
    labels, mixed samples, weighted classes, focal loss and much dropout look alike, and so does a hard task; but there
    the same model trained on tells classes apart no better: its loss on samples that neither was trained on is hardly
    lower where both are as sure as is best for them.

    Args:
        seen: the float model on samples that it was trained on.
        trained_on: the same model trained on; None if there is no such model.
        logits: scores that are no probabilities become them by a softmax or sigmoid.
        unsure: the least that its certainty must be below its accuracy.
    """
    p = probabilities(seen, logits=logits)
    if p is None or seen.predicted is None:
        return None
    labels = seen.task.labels.astype(np.int64)
    right, sure = (seen.predicted == labels).astype(np.float64), p.max(axis=1)
    found = Learning(
        accuracy=float(right.mean()), confidence=float(sure.mean()), loss=float(cross_entropies(p, labels).mean()),
        guessing_loss=guessing(labels),
    )  # fmt: skip
    part = found.loss / found.guessing_loss if found.guessing_loss else math.inf
    if not limit.LEARNED_LOSS < part < limit.WRONG_LOSS:
        return None
    spread, most = _Z99 / math.sqrt(len(p)), float(np.bincount(labels).max() / len(labels))
    guesses = part > limit.GUESSED_LOSS and found.accuracy <= most + spread * math.sqrt(most * (1 - most))
    gap = found.accuracy - found.confidence
    if not guesses and (gap < unsure or gap <= spread * float((right - sure).std())):
        return None
    if trained_on is None:
        return found if found.confidence < limit.UNSURE_BY_ITSELF * found.accuracy else None
    return found if _tells_more(trained_on, logits=logits) else None


def short_of(seen: Scores, *, trained_on: TrainedOn | None, squared: bool) -> Shortfall | None:
    """What predictions of training targets lack, if the model has hardly learned these; else None.

    At a minimum of the squared error no factor on the last layer lowers it: targets go up by one where predictions do;
    and no offset does. Before that targets go up by more, and predictions are off on average. As in `learned_little`,
    the same model trained on has a lower error on the test samples; only an offset that no loss leaves needs no proof.
    A factor counts while most of the targets' variance is left, and where the error is lower by as much as in
    `learned_little`; an offset is learned slowly, by a step at a time.

    Args:
        seen: the float model on samples that it was trained on.
        trained_on: the same model trained on; None if there is no such model.
        squared: it was trained on the squared error. Other losses lead elsewhere: to medians, which are no standard
            deviation away from means.
    """
    if seen.errors is None:
        return None
    y, x = (a - a.mean(axis=0) for a in (seen.task.labels.astype(np.float64).reshape(seen.values.shape), seen.values))
    variance, middle = float((y**2).sum()), seen.errors.mean(axis=0)
    if not variance:
        return None
    left = float(((seen.errors - middle) ** 2).sum()) / variance
    offset = math.sqrt(float((middle**2).sum()) * len(y) / variance)
    sure = offset - _Z99 * math.sqrt(left / len(y))
    if sure >= limit.OFF_BY_ITSELF:
        return Shortfall(factor=None, offset=offset)
    if trained_on is None or not squared or left >= limit.WRONG_LOSS:
        return None
    before, after = _squares(trained_on.before), _squares(trained_on.after)
    factor = _timid_by(x, y) if left > limit.LEARNED_LOSS else None
    if factor is not None and _fell(trained_on, before, after):
        return Shortfall(factor=factor, offset=offset)
    if sure >= limit.OFF and lower(before, after, groups=trained_on.groups, least=0.0):
        return Shortfall(factor=None, offset=offset)
    return None


def _timid_by(x: NDArray[np.float64], y: NDArray[np.float64]) -> float | None:
    """The factor by which predictions x (n, outputs) of targets y, both centred, are too small; None: they are not."""
    squares = float((x**2).sum())
    if not squares:
        return None
    slope = float((x * y).sum()) / squares
    spread = _Z99 * math.sqrt(float(((y - slope * x) ** 2).mean()) / squares)
    return slope if slope - spread >= limit.TIMID else None


def _squares(scores: Scores) -> NDArray[np.float64]:
    """(n,) squared errors."""
    return np.asarray((scores.per_sample**2).mean(axis=1), np.float64)


def _tells_more(trained_on: TrainedOn, *, logits: bool) -> bool:
    """Whether the loss on the same samples is lower, each at the temperature that is best for it."""
    labels = trained_on.before.task.labels.astype(np.int64)
    one, two = (probabilities(scores, logits=logits) for scores in (trained_on.before, trained_on.after))
    if one is None or two is None:
        return False
    return _fell(trained_on, *(best_cross_entropies(p, labels) for p in (one, two)))


def _fell(trained_on: TrainedOn, before: NDArray[np.float64], after: NDArray[np.float64]) -> bool:
    """Whether losses (n,) fell by more than a model's that is trained out, in as many epochs."""
    least = 1 - (1 - limit.LEARNED_ON) ** trained_on.epochs
    return lower(before, after, groups=trained_on.groups, least=least)
