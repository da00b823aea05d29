"""What one float arm brings over another on the test samples: by the comparison's metric, and by the loss."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeq.comparison.evidence import Evidence
from edgeq.comparison.findings import thresholds as limit
from edgeq.comparison.findings.losses import cross_entropies, guessing, lower, probabilities
from edgeq.records import Metric


def improves(evidence: Evidence, first: str, second: str) -> bool:
    """Clearly better by the metric, by more than the margin."""
    contrast = evidence.contrast(first, second)
    if contrast is None or evidence.gain(first, second) < evidence.margin_share:
        return False
    return contrast.artifact.p_value <= limit.EXPLORATORY_LEVEL


@dataclass(frozen=True, slots=True, kw_only=True)
class LossFall:
    """What the second arm takes off a classifier's mean cross-entropy: as `part` of it, and as part of the
    cross-entropy of answering each time with the shares of the classes (`of_guessing`)."""

    part: float
    of_guessing: float


_NONE = LossFall(part=0.0, of_guessing=0.0)


def loss_fall(evidence: Evidence, first: str, second: str) -> LossFall:
    """What the second arm takes off; nothing unless that is certain, and where there are no probabilities. The error of
    numbers is their metric already."""
    if first not in evidence.arms or second not in evidence.arms:
        return _NONE
    before, after = evidence.arms[first].first, evidence.arms[second].first
    if before.task.metric is not Metric.TOP1:
        return _NONE
    one, two = (probabilities(scores, logits=True) for scores in (before, after))
    if one is None or two is None:
        return _NONE
    labels = before.task.labels.astype(np.int64)
    old, new = cross_entropies(one, labels), cross_entropies(two, labels)
    if not lower(old, new, groups=evidence.groups, least=0.0):
        return _NONE
    fall = float(old.mean() - new.mean())
    return LossFall(part=fall / float(old.mean()), of_guessing=fall / guessing(labels))
