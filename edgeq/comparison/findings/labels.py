"""Labels that are not those of the samples: in another order of the classes, or of other samples altogether."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from edgeq.comparison.arms import FLOAT
from edgeq.comparison.evidence import Evidence
from edgeq.comparison.findings import thresholds as limit
from edgeq.comparison.findings.preparation import preprocessing_differs
from edgeq.comparison.findings.relation import worth, worth_within
from edgeq.comparison.findings.words import percent
from edgeq.comparison.record import CompareFinding, Severity
from edgeq.comparison.scores import Scores

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SHOWN = 6

_ARRAYS = {"test": "test", "training": "train"}


def labels_do_not_fit(evidence: Evidence) -> Iterator[CompareFinding]:
    """The float model answers the labels of one split with another order of the classes, or only by chance while it
    knows the other split's."""
    splits = _splits(evidence)
    orders = {split: order for split, scores in splits.items() if (order := class_order(scores)) is not None}
    if len(orders) == 2 and len({tuple(order) for order in orders.values()}) == 1:
        yield _other_order(evidence, "test", splits["test"], orders["test"], alike=True)
    else:
        for split, order in orders.items():
            yield _other_order(evidence, split, splits[split], order)
    if orders or len(splits) < 2 or any(preprocessing_differs(evidence)):
        return
    known = {split: worth(scores) for split, scores in splits.items()}
    lost, kept = sorted(known, key=lambda split: known[split])
    sure = worth_within(splits[lost])[1] < min(limit.ORDER_KNOWN, worth_within(splits[kept])[0])
    if known[lost] < limit.LABELS_LOST and known[kept] >= limit.ORDER_KNOWN and sure:
        yield _of_others(evidence, lost, kept, known)


def labels_fit(evidence: Evidence) -> bool:
    """Whether nothing speaks against the labels: else they are what makes a model look overfitted or undertrained."""
    return not any(labels_do_not_fit(evidence))


def class_order(scores: Scores) -> NDArray[np.int64] | None:
    """The class that the model answers for each label (classes,), if that is another one for some of them, each time.

    It is the assignment that makes the most answers right. It counts only if every class that it moves is answered so
    mostly, and as itself hardly ever: a model that confuses classes does not exchange them one for one.
    """
    from scipy.optimize import linear_sum_assignment

    if scores.predicted is None:
        return None
    labels, size = scores.task.labels.astype(np.int64), max(2, scores.task.classes)
    counts = np.zeros((size, size), np.int64)
    np.add.at(counts, (labels, scores.predicted), 1)
    _, order = linear_sum_assignment(counts, maximize=True)
    total, own = counts.sum(axis=1), np.diag(counts)
    order = np.where(total > 0, order, np.arange(size))
    moved = order != np.arange(size)
    found = counts[np.arange(size), order]
    clear = (found >= limit.MOVED_CLASS * total) & (own <= limit.MOVED_CLASS_ITSELF * total)
    if not moved.any() or not clear[moved].all() or total[moved].sum() < limit.MOVED_SAMPLES:
        return None
    return np.asarray(order, np.int64)


def _splits(evidence: Evidence) -> dict[str, Scores]:
    """The float model on both splits, as far as they are there."""
    found = {"test": evidence.arms[FLOAT].first} if FLOAT in evidence.arms else {}
    return found | ({"training": evidence.seen[FLOAT]} if FLOAT in evidence.seen else {})


def _severity(evidence: Evidence, split: str) -> Severity:
    """An error where figures are of these labels, or of models that were trained on them."""
    trained = any(run.history is not None for run in evidence.runs.values())
    return Severity.ERROR if split == "test" or trained else Severity.WARNING


def _other_order(
    evidence: Evidence, split: str, scores: Scores, order: NDArray[np.int64], *, alike: bool = False
) -> CompareFinding:
    """`alike`: the training labels have the same order."""
    assert scores.predicted is not None  # noqa: S101 (as `class_order` has looked)
    labels = scores.task.labels.astype(np.int64)
    now, then = float((scores.predicted == labels).mean()), float((scores.predicted == order[labels]).mean())
    moved = np.flatnonzero(order != np.arange(len(order)))
    names, which = evidence.data.class_names, "test and training" if alike else split
    pairs = [f"{_name(names, c)} as {_name(names, int(order[c]))}" for c in map(int, moved[:_SHOWN])]
    return CompareFinding(
        code="class-order-differs",
        severity=_severity(evidence, split),
        title=f"The {which} labels have the classes in another order than the model's outputs",
        text=f"The float model answers {', '.join(pairs)}{', …' if len(moved) > _SHOWN else ''}, mostly. In "
        f"that order it is right on {percent(then)} of the {split} samples, as they are labelled on {percent(now)}.",
        evidence={
            "accuracy": now, "accuracy_in_that_order": then, "moved_classes": len(moved),
            "classes": len(order), "samples": len(labels),
        },
        advice=f"Number the {which} labels as the model's outputs are: output 0 is label 0. Folders of images are "
        "numbered by their sorted names, which a training script may have done otherwise.",
    )  # fmt: skip


def _name(names: tuple[str, ...], index: int) -> str:
    return names[index] if index < len(names) else str(index)


def _of_others(evidence: Evidence, lost: str, kept: str, known: dict[str, float]) -> CompareFinding:
    return CompareFinding(
        code=f"{lost}-labels-do-not-fit",
        severity=_severity(evidence, lost),
        title=f"The {lost} labels have nothing to do with the float model's answers",
        text=f"Of the way from chance to full agreement it goes {percent(max(0.0, known[lost]))} on {lost} samples and "
        f"{percent(known[kept])} on {kept} samples. A model that overfits loses a part of what it knows, not all of "
        "it: labels and samples were probably put together in another order.",
        evidence={f"agreement_{split}": value for split, value in known.items()},
        advice=f"Look at some samples of x_{_ARRAYS[lost]} with their labels in y_{_ARRAYS[lost]}: was one of them "
        "shuffled or sorted without the other?",
    )
