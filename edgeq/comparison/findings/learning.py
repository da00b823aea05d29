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


def learned_little(
    seen: Scores,
    *,
    before: Scores | None,
    continued: Scores | None,
    logits: bool = False,
    groups: NDArray[np.int64] | None = None,
) -> Learning | None:
    """What a model has learned of its training samples, if that is hardly anything; else None.

    At a minimum of cross-entropy no factor on a layer's weights lowers the loss, the last layer's included: there a
    softmax is as sure of its training samples as it is right about them. Training begins at equal probabilities, and
    learns first which class, then how surely. So a model that is right much more often than it is sure, with a loss
    that is still close to that of guessing, was stopped on the way; so was one that guesses, and knows it. Smoothed
    labels, mixed samples, weighted classes and much dropout look alike, and so does a hard task; but there the same
    model trained on tells classes apart no better: its loss on samples that neither was trained on is no lower where
    both are as sure as is best for them.

    Args:
        seen: the float model on samples that it was trained on.
        before: the float model on test samples.
        continued: the float model trained on, on the same; None if there is no such model.
        logits: scores that are no probabilities become them by a softmax.
        groups: (n,) which test samples belong together, or None.
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
    if not guesses and (gap < limit.UNSURE or gap <= spread * float((right - sure).std())):
        return None
    if before is None or continued is None:
        return found if found.confidence < limit.UNSURE_BY_ITSELF * found.accuracy else None
    return found if _tells_more(before, continued, logits=logits, groups=groups) else None


def timid_by(
    seen: Scores, *, before: Scores, continued: Scores, groups: NDArray[np.int64] | None = None
) -> float | None:
    """The factor by which predictions of training targets are too small, if the model has hardly learned them.

    At a minimum of the squared error no factor on the last layer lowers it: targets go up by one where predictions do.
    Before that they go up by more. As in `learned_little`, most of the targets' variance is left, and the same model
    trained on has a lower error on the test samples.
    """
    if seen.errors is None or before.errors is None or continued.errors is None:
        return None
    y, x = (a - a.mean(axis=0) for a in (seen.task.labels.astype(np.float64).reshape(seen.values.shape), seen.values))
    if not (y**2).sum() or not (x**2).sum():
        return None
    slope = float((x * y).sum() / (x**2).sum())
    spread = _Z99 * math.sqrt(float(((y - slope * x) ** 2).mean() / (x**2).sum()))
    left = float((seen.errors**2).sum() / (y**2).sum())
    if not limit.LEARNED_LOSS < left < limit.WRONG_LOSS or slope - spread < limit.TIMID:
        return None
    one, two = ((scores.errors**2).mean(axis=1) for scores in (before, continued) if scores.errors is not None)
    return slope if lower(one, two, groups=groups, least=limit.LEARNED_ON) else None


def _tells_more(before: Scores, after: Scores, *, logits: bool, groups: NDArray[np.int64] | None) -> bool:
    """Whether the loss on the same samples is lower, each at the temperature that is best for it."""
    labels = before.task.labels.astype(np.int64)
    one, two = (probabilities(scores, logits=logits) for scores in (before, after))
    if one is None or two is None:
        return False
    old, new = (best_cross_entropies(p, labels) for p in (one, two))
    return lower(old, new, groups=groups, least=limit.LEARNED_ON)
