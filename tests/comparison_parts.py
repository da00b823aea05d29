"""Parts that comparisons of tests/comparison_samples.py are made of."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeq.comparison.record import (
    Arm,
    ArtifactAnswer,
    CompareFinding,
    Conclusion,
    Contrast,
    Figure,
    Flip,
    LayerReport,
    MethodAnswer,
    Run,
    Severity,
    WeightReport,
)
from edgeq.records import Metric
from edgeq.statistics.proportions import count_pairs, mcnemar_midp, paired_interval, wilson_interval
from edgeq.training import Epoch, TrainingHistory

TITLES = {
    "float": "Float",
    "float-bn": "Float, batch norm re-estimated",
    "float-continued": "Float, trained on (control)",
    "ptq": "PTQ",
    "ptq-continued": "PTQ of the float trained on",
    "qat": "QAT",
    "qat-tfmot": "QAT by tfmot",
}
# Chance that the right class does not get the largest score, roughly.
NOISE = {
    "float": 0.90, "float-bn": 0.80, "float-continued": 0.70, "ptq": 0.92, "ptq-continued": 0.72, "qat": 0.71,
    "qat-tfmot": 0.79,
}  # fmt: skip
DECLARED = (
    ("float", "ptq", "What does quantization cost?"),
    ("float", "qat", "Does quantization-aware training beat the model it started from?"),
    ("ptq", "qat", "Which of the two quantized models is better?"),
    ("ptq-continued", "qat", "Is QAT more than further training?"),
)
EXPLORED = (("float", "float-continued", "Was the float model trained to its end?"),)
TIE_RULE = "of equal largest scores the lowest class index wins"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answers:
    """What an arm's run answered: scores of shape (n, classes), and the labels, shape (n,)."""

    scores: NDArray[np.float64]
    labels: NDArray[np.int64]

    @property
    def guesses(self) -> NDArray[np.int64]:
        return np.argmax(self.scores, axis=1)

    @property
    def right(self) -> NDArray[np.bool_]:
        return np.asarray(self.guesses == self.labels)


def answers(name: str, seed: int | None, n: int, classes: int = 10) -> Answers:
    """Arms share the difficulty of a sample; an int8 arm's scores are steps of 1/256."""
    labels = np.arange(n) % classes
    shared = np.random.default_rng(7).normal(size=(n, classes))
    own = np.random.default_rng([sum(name.encode()), seed or 0]).normal(size=(n, classes))
    logits = 4.3 * np.eye(classes)[labels] + NOISE.get(name, 0.9) * (1.25 * shared + 0.45 * own)
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    if not name.startswith("float"):
        scores = np.round(scores * 256) / 256
    return Answers(scores=scores, labels=labels)


def figure(of: Answers) -> Figure:
    correct, n = int(of.right.sum()), len(of.labels)
    top = of.scores == of.scores.max(axis=1, keepdims=True)
    return Figure(
        metric=Metric.TOP1, value=correct / n, n=n, correct=correct, ci95=wilson_interval(correct, n),
        ties=int((top.sum(axis=1) > 1).sum()),
    )  # fmt: skip


def history(name: str, seed: int, epochs: int = 10) -> TrainingHistory:
    """Falling training loss, validation loss with a minimum before the end."""
    rng = np.random.default_rng([3, seed, len(name)])
    fake = name.startswith("qat")
    pace = 0.3 + 0.25 * rng.random()
    past = [
        Epoch(
            loss=0.92 * math.exp(-pace * e) + 0.02 + 0.01 * rng.random(),
            validation_loss=0.80 * math.exp(-1.2 * pace * e) + 0.055 + 0.004 * max(0, e - 6) + 0.015 * rng.random(),
            validation_metric=1.0 - 0.22 * math.exp(-pace * e) - 0.02 - 0.006 * rng.random(),
            learning_rate=1e-3,
            range_change=0.4 * math.exp(-0.6 * e) if fake and e else None,
        )
        for e in range(epochs + 1)
    ]
    losses = [e.validation_loss for e in past]
    return TrainingHistory(
        start=past[0],
        epochs=tuple(past[1:]),
        best=int(np.argmin(losses)),
        stopped_early=False,
        optimizer="adam",
        loss="sparse_categorical_crossentropy",
        batch_size=32,
        training_samples=1_077,
        validation_samples=180,
        validation_seen=True,
        notes=("the model's file does not say how it was compiled: adam",),
    )


def arm(name: str, seeds: Sequence[int], n: int) -> Arm:
    random = name not in ("float", "float-bn", "ptq")
    trained = random and not name.startswith("ptq")
    int8 = not name.startswith("float")
    runs = tuple(
        Run(
            seed=seed if random else None,
            figure=figure(answers(name, seed if random else None, n)),
            sha256=f"{abs(hash((name, seed))) % 16:x}" * 64 if int8 else None,
            size_bytes=15_248 + 96 * len(name) if int8 else None,
            history=history(name, seed) if trained else None,
            agreement=0.997 if name.startswith("qat") else None,
            host_flips=2 if int8 else None,
            seconds=31.4 + seed if trained else 2.3,
            reused=False,
        )
        for seed in (seeds if random else seeds[:1])
    )
    values = [run.figure.value for run in runs]
    return Arm(
        name=name,
        title=TITLES[name],
        scheme="int8" if int8 else "float32",
        evaluated_by="TFLite Micro" if int8 else "Keras",
        runs=runs,
        mean=float(np.mean(values)),
        spread=float(np.std(values, ddof=1)) if len(values) > 1 else None,
        failed=None,
        notes=(),
    )


def conclude(low: float, high: float, p: float, margin: float, better: float = 1.0) -> tuple[Conclusion, bool]:
    within = max(abs(low), abs(high)) < margin
    if p < 0.05 and low * high > 0:
        return (Conclusion.BETTER if low * better > 0 else Conclusion.WORSE), within
    return (Conclusion.EQUIVALENT if within else Conclusion.INCONCLUSIVE), within


def contrast(
    first: str, second: str, question: str, *, declared: bool, n: int, seeds: Sequence[int], tests: int
) -> Contrast:
    a, b = answers(first, 0, n), answers(second, 0, n)
    counts = count_pairs(a.right, b.right)
    lost, won = counts.only_first, counts.only_second
    low, high = paired_interval(counts)
    p = mcnemar_midp(counts)
    holm = min(1.0, p * tests) if declared else p
    conclusion, within = conclude(low, high, holm, 0.01)
    difference = (won - lost) / n
    enough = len(seeds) >= 5
    found, _ = conclude(low, high, p, 0.01)
    return Contrast(
        first=first,
        second=second,
        question=question,
        declared=declared,
        artifact=ArtifactAnswer(
            n=n, difference=difference, interval=(low, high), confidence=0.95, test="McNemar, mid-p", p_value=p,
            p_holm=holm, p_equivalence=0.02 if within else 0.4, only_first=lost, only_second=won,
            conclusion=conclusion, within_margin=within, detectable=0.023,
            samples_needed=None if won == lost else int(n * (0.028 / abs(difference)) ** 2),
        ),
        method=MethodAnswer(
            seeds=len(seeds), difference=difference, interval=(low - 0.002, high + 0.002) if enough else None,
            p_value=p if enough else None, conclusion=found if enough else None,
            reason=None if enough else f"{len(seeds)} seeds, and a claim needs 5",
        ),
    )  # fmt: skip


def flips(pairs: Iterable[tuple[str, str]], n: int) -> tuple[Flip, ...]:
    found = []
    for first, second in pairs:
        a, b = answers(first, 0, n), answers(second, 0, n)
        for i in np.flatnonzero(a.guesses != b.guesses).tolist():
            margin = float(a.scores[i, a.guesses[i]] - a.scores[i, b.guesses[i]])
            found.append(
                Flip(
                    first=first, second=second, sample=i, margin=margin, first_right=bool(a.right[i]),
                    second_right=bool(b.right[i]),
                )
            )  # fmt: skip
    return tuple(found)


def weights(arms: Iterable[str], scale: float = 1.0) -> tuple[WeightReport, ...]:
    return tuple(
        WeightReport(
            arm=name, layer=f"block_{i} (CONV_2D 8×8×32)", channels=1 if name == "qat-tfmot" and i == 1 else 32,
            narrowest=0.1 + 0.1 * i, middle=0.3 + 0.1 * i + 0.05 * k,
            widest=(0.8 + 0.1 * k) * (scale if i == 4 else 1.0),
        )
        for k, name in enumerate(arms)
        for i in range(5)
    )  # fmt: skip


def layers(arms: Iterable[str], count: int = 8, scale: float = 1.0) -> tuple[LayerReport, ...]:
    names = ("CONV_2D", "DEPTHWISE_CONV_2D", "CONV_2D", "ADD", "MEAN", "FULLY_CONNECTED", "SOFTMAX", "MAX_POOL_2D")
    rows = []
    for k, name in enumerate(arms):
        rng = np.random.default_rng([11, k])
        for i in range(count):
            high = (1.0 if names[i % 8] == "SOFTMAX" else 3.0 + 2.5 * i) * (scale if i == 4 else 1.0)
            low = 0.0 if i % 3 != 2 else -0.8 * high
            rows.append(
                LayerReport(
                    arm=name,
                    layer=f"{i} {names[i % 8]} {8 - i % 8}×{8 - i % 8}×32",
                    tensor=f"digits/block_{i}/Relu;digits/bn_{i}/FusedBatchNormV3",
                    low=low * (1 + 0.1 * k),
                    high=high * (1 + 0.1 * k),
                    sqnr_db=float(34 - 1.3 * (i % 16) + rng.normal()),
                    clipped=float(max(0.0, rng.normal(0.001, 0.002))),
                    unused=float(abs(rng.normal(0.06 + 0.3 * (k == 2), 0.05))),
                    channel_ratio=float(3 + 4 * rng.random()) if "C" in names[i % 8] else None,
                )
            )
    return tuple(rows)


def finding(code: str, severity: Severity, title: str, **evidence: float | int | str) -> CompareFinding:
    return CompareFinding(
        code=code,
        severity=severity,
        title=title,
        text="The float model still gets better when it is trained further, so it was not at its end. Whatever trains "
        "it, QAT too, looks better than it for that reason alone.",
        evidence=evidence,
        advice="Train the float model until its validation loss no longer falls, then compare again.",
    )
