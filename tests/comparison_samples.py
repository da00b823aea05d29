"""Comparisons to test and preview with: records measured on synthetic answers with the proportions of real ones.

`python -m tests.comparison_samples FOLDER` renders them all as HTML and JSON.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from comparison_parts import (
    DECLARED,
    EXPLORED,
    TIE_RULE,
    TITLES,
    arm,
    conclude,
    contrast,
    finding,
    flips,
    layers,
    weights,
)
from report_samples import HOSTILE

from edgeq.comparison.record import (
    Arm,
    ComparedData,
    ComparedModel,
    Comparison,
    Contrast,
    Figure,
    Severity,
    Verdict,
)
from edgeq.records import Metric, Timing
from edgeq.training import Epoch, TrainingHistory


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
        weights=weights(("ptq", "qat", "qat-tfmot")),
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
        weights=weights(("ptq",), scale=400.0),
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
        weights=weights(("ptq", "qat")),
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
        weights=tuple(replace(r, arm=HOSTILE, layer=HOSTILE) for r in base.weights),
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
