"""Comparisons to test and preview with: records measured on synthetic answers with the proportions of real ones.

`python -m tests.comparison_samples FOLDER` renders them all as HTML and JSON.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from report_samples import HOSTILE

from edgeq.comparison.record import (
    Arm,
    ArtifactAnswer,
    ComparedData,
    ComparedModel,
    CompareFinding,
    Comparison,
    Conclusion,
    Contrast,
    Figure,
    Flip,
    LayerReport,
    MethodAnswer,
    Run,
    Severity,
    Verdict,
)
from edgeq.records import Metric, Timing
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


def digits(seeds: Sequence[int] = (0, 1, 2)) -> Comparison:
    """The procedure of a user who trained for one epoch: all arms, three seeds."""
    n = 540
    arms = tuple(arm(name, seeds, n) for name in TITLES)
    contrasts = (
        *(contrast(a, b, q, declared=True, n=n, seeds=seeds, tests=len(DECLARED)) for a, b, q in DECLARED),
        *(contrast(a, b, q, declared=False, n=n, seeds=seeds, tests=1) for a, b, q in EXPLORED),
    )
    by_name = {a.name: a for a in arms}
    return Comparison(
        edgeq_version="0.1.0",
        model=ComparedModel(name="digits_cnn.keras", sha256="ab12" * 16, parameters=14_378),
        data=ComparedData(
            source="digits.npz", sha256="c0ffee42" * 8, test=n, train=1_077, validation=180, calibration="training",
            calibration_samples=200, groups=None, classes=10, class_names=tuple("0123456789"),
        ),
        metric=Metric.TOP1,
        top_k=1,
        tie_rule=TIE_RULE,
        margin=0.01,
        level=0.05,
        seeds=len(seeds),
        arms=arms,
        contrasts=contrasts,
        layers=layers(("ptq", "qat", "qat-tfmot")),
        flips=flips([(a, b) for a, b, _ in DECLARED], n),
        findings=(
            finding(
                "float-undertrained", Severity.WARNING, "The float model was not trained to its end",
                float_accuracy=by_name["float"].mean or 0.0, continued_accuracy=by_name["float-continued"].mean or 0.0,
                epochs=10, kept_epoch=6,
            ),
            finding(
                "difference-inconclusive", Severity.INFO, "QAT against PTQ of the same training: not decided",
                difference=0.0019, interval="−1.1 … +1.4 pp", p_holm=1.0, samples_needed=26_000,
            ),
        ),
        verdict=Verdict(
            ship="qat",
            headline="Ship QAT, but the gain comes from training on, not from quantizing better",
            paragraph="QAT is 4.4 pp better than the float model on these 540 samples, and so is the float model that "
            "was trained on for as long. Against PTQ of that one the difference is +0.2 pp, which 540 samples do not "
            "tell from none. The float model had been trained for one epoch; train it to its end, and PTQ will do.",
        ),
        timings=(
            Timing(stage="load", seconds=9.31), Timing(stage="arms", seconds=312.8),
            Timing(stage="statistics", seconds=4.12), Timing(stage="findings", seconds=21.9),
        ),
    )  # fmt: skip


def five_seeds() -> Comparison:
    """Enough seeds for a claim about methods, and nothing to complain about."""
    base = digits((0, 1, 2, 3, 4))
    verdict = replace(base.verdict, headline="Ship QAT", ship="qat")
    return replace(base, findings=base.findings[1:], verdict=verdict)


def given() -> Comparison:
    """The second form: the user's own .tflite files, nothing trained, one of them not what it is taken for."""
    base = digits()
    names = {"float": "float", "ptq": "ptq", "qat": "qat"}
    arms = tuple(
        replace(
            a,
            title=a.name,
            scheme="float32" if a.name == "float" else "other" if a.name == "qat" else "int8",
            runs=(replace(a.runs[0], seed=None, history=None, agreement=None),),
            spread=None,
            notes=("weights are int8, activations float32",) if a.name == "qat" else (),
        )
        for a in base.arms
        if a.name in names
    )
    return replace(
        base,
        model=ComparedModel(name="float.tflite", sha256=None, parameters=None),
        data=replace(base.data, train=0, validation=0, calibration=None, calibration_samples=0, class_names=()),
        seeds=1,
        arms=arms,
        contrasts=tuple(
            replace(c, method=replace(c.method, seeds=1, reason="nothing in either arm is random"))
            for c in base.contrasts[:3]
        ),
        layers=layers(("ptq",), scale=400.0),
        flips=tuple(f for f in base.flips if f.first != "ptq-continued"),
        findings=(
            finding(
                "hybrid-model", Severity.ERROR, "qat is not a full-integer model", float_tensors=14, int8_tensors=9
            ),
        ),
        verdict=Verdict(
            ship=None,
            headline="No model can be recommended: qat is a dynamic-range model",
            paragraph="Its weights are int8 and its activations are floats, so it is not what a device would run.",
        ),
    )


def regression() -> Comparison:
    """Float targets in groups: an error metric, smaller is better."""
    base = digits()
    values = {"float": 0.01290, "ptq": 0.01412, "qat": 0.01301}

    def error(name: str, seed: int) -> Figure:
        value = values[name] * (1 + 0.01 * seed)
        ends = (value - 0.0006, value + 0.0006)
        return Figure(metric=Metric.MSE, value=value, n=540, correct=None, ci95=ends, ties=None)

    def falling(past: TrainingHistory | None) -> TrainingHistory | None:
        def turned(e: Epoch) -> Epoch:
            return replace(e, validation_metric=1.1 - e.validation_metric)

        return past and replace(past, start=turned(past.start), epochs=tuple(map(turned, past.epochs)))

    arms = tuple(
        replace(
            a,
            runs=tuple(
                replace(r, figure=error(a.name, r.seed or 0), history=falling(r.history), host_flips=None)
                for r in a.runs
            ),
            mean=float(np.mean([error(a.name, r.seed or 0).value for r in a.runs])),
            spread=0.00013 if len(a.runs) > 1 else None,
        )
        for a in base.arms
        if a.name in values
    )

    def answer(c: Contrast) -> Contrast:
        change = values[c.second] - values[c.first]
        ends = (change - 0.0004, change + 0.0004)
        p = 0.0004 if abs(change) > 0.0004 else 0.58
        conclusion, within = conclude(*ends, p, 0.05 * values[c.first], better=-1.0)
        artifact = replace(
            c.artifact, difference=change, interval=ends, test="paired bootstrap of groups", p_value=p,
            p_holm=min(1.0, 3 * p), only_first=None, only_second=None, conclusion=conclusion, within_margin=within,
            detectable=0.0005, samples_needed=None,
        )  # fmt: skip
        return replace(c, artifact=artifact, method=replace(c.method, difference=change))

    return replace(
        base,
        model=replace(base.model, name="autoencoder.keras"),
        data=replace(base.data, source="pumps.npz", groups=12, classes=0, class_names=()),
        metric=Metric.MSE,
        margin=0.05,
        arms=arms,
        contrasts=tuple(answer(c) for c in base.contrasts[:3]),
        layers=layers(("ptq", "qat")),
        flips=(),
        findings=(),
        verdict=Verdict(ship="qat", headline="Ship QAT", paragraph="Its error is that of the float model."),
    )


def failed() -> Comparison:
    """One arm diverged, one could not be made: what is left is still shown."""
    base = digits((0,))
    nan = Epoch(loss=math.nan, validation_loss=math.inf, validation_metric=0.1, learning_rate=0.1, range_change=None)

    def broken(a: Arm) -> Arm:
        if a.name == "qat-tfmot":
            why = "tfmot cannot quantize layer squeeze (Multiply); use --methods qat, which can."
            return replace(a, runs=(), mean=None, spread=None, failed=why)
        run = a.runs[0]
        if a.name == "qat" and run.history is not None:
            past = replace(run.history, epochs=(*run.history.epochs[:2], nan, nan), best=0, stopped_early=True)
            return replace(a, runs=(replace(run, history=past, agreement=math.nan, reused=True),))
        return a

    diverged = finding(
        "qat-learning-rate", Severity.ERROR, "QAT diverged: its learning rate is too high", learning_rate=0.1,
        last_loss=math.nan,
    )  # fmt: skip
    verdict = Verdict(
        ship="ptq-continued",
        headline="Ship PTQ of the float model that was trained on",
        paragraph="QAT diverged after two epochs and tfmot refused the model, so neither can be judged. PTQ of the "
        "longer training is 4.2 pp better than the float model on these 540 samples.",
    )
    arms = tuple(broken(a) for a in base.arms)
    return replace(base, arms=arms, findings=(diverged, *base.findings), verdict=verdict)


def many() -> Comparison:
    """A deep model, many classes and flips: page and console must stay legible."""
    base = digits()
    spread = tuple(
        replace(base.flips[i % len(base.flips)], sample=i, margin=abs(math.sin(i)) ** 3) for i in range(2_500)
    )
    findings = tuple(replace(base.findings[i % 2], code=f"rule-{i}") for i in range(9))
    return replace(base, layers=layers(("ptq", "qat", "qat-tfmot"), 64), flips=spread, findings=findings)


def hostile() -> Comparison:
    """Every string that a file or an option can set is an attack."""
    base = failed()
    return replace(
        base,
        model=replace(base.model, name=HOSTILE),
        data=replace(base.data, source=HOSTILE, class_names=(HOSTILE,) * 10),
        tie_rule=HOSTILE,
        arms=tuple(
            replace(
                a, title=HOSTILE, evaluated_by=HOSTILE, scheme=HOSTILE, failed=HOSTILE if a.failed else None,
                notes=(HOSTILE,),
                runs=tuple(
                    replace(
                        r,
                        history=r.history
                        and replace(r.history, optimizer=HOSTILE, loss=HOSTILE, notes=(HOSTILE,)),
                    )
                    for r in a.runs
                ),
            )
            for a in base.arms
        ),
        contrasts=tuple(
            replace(
                c, question=HOSTILE, artifact=replace(c.artifact, test=HOSTILE),
                method=replace(c.method, reason=HOSTILE),
            )
            for c in base.contrasts
        ),
        layers=tuple(replace(r, arm=HOSTILE, layer=HOSTILE, tensor=HOSTILE) for r in base.layers),
        flips=tuple(replace(f, first=HOSTILE, second=HOSTILE) for f in base.flips),
        findings=tuple(
            replace(f, code=HOSTILE, title=HOSTILE, text=HOSTILE, advice=HOSTILE, evidence={HOSTILE: HOSTILE})
            for f in base.findings
        ),
        verdict=Verdict(ship=HOSTILE, headline=HOSTILE, paragraph=HOSTILE),
        timings=(Timing(stage=HOSTILE, seconds=1.0),),
    )  # fmt: skip


SAMPLES = {
    "digits": digits,
    "five_seeds": five_seeds,
    "given": given,
    "regression": regression,
    "failed": failed,
    "many": many,
    "hostile": hostile,
}


def main(folder: str) -> None:
    from pathlib import Path

    from edgeq.comparison.report.files import write_comparison

    for name, make in SAMPLES.items():
        target = Path(folder) / name
        target.mkdir(parents=True, exist_ok=True)
        write_comparison(make(), target)


if __name__ == "__main__":
    import sys

    main(sys.argv[1])
