"""The verdict: one paragraph that says which model to ship, how sure that is, and why a surprising number appeared."""

from __future__ import annotations

from collections.abc import Sequence

from edgeq.comparison.arms import (
    FLOAT,
    FLOAT_BN,
    INT16X8,
    PTQ,
    PTQ_BN,
    PTQ_CONTINUED,
    PTQ_CONTINUED_TFMOT,
    PTQ_EQUALIZED,
    QAT,
    QAT_TFMOT,
    spoken,
)
from edgeq.comparison.evidence import Evidence
from edgeq.comparison.findings.words import points
from edgeq.comparison.record import ArtifactAnswer, CompareFinding, Contrast, Severity, Verdict
from edgeq.report.format import is_share
from edgeq.statistics.equivalence import Conclusion

_WORDS = {
    Conclusion.BETTER: "is better than",
    Conclusion.WORSE: "is worse than",
    Conclusion.EQUIVALENT: "is as good as",
    Conclusion.INCONCLUSIVE: "is not shown to differ from",
}


def verdict(evidence: Evidence, findings: Sequence[CompareFinding]) -> Verdict:
    """What a manager needs to know."""
    qat = QAT if QAT in evidence.arms else QAT_TFMOT
    contrast = evidence.contrast(PTQ, qat) or evidence.contrast(FLOAT, PTQ) or evidence.contrast(FLOAT, qat)
    ship, why = _ship(evidence, qat)
    errors = [f for f in findings if f.severity is Severity.ERROR]
    warnings = [f for f in findings if f.severity is Severity.WARNING]
    parts = []
    if contrast is not None:
        parts.append(_sentence(evidence, contrast))
    if errors:
        parts.append(f"But none of these figures can be used as they are: {_lower(errors[0].title)}.")
    elif warnings:
        parts.append(f"Behind the numbers: {_lower(warnings[0].title)}.")
        if len(warnings) > 1:
            parts.append(f"Also, {_lower(warnings[1].title)}.")
    if errors or warnings:
        parts.append(f"What settles it: {_lower((errors or warnings)[0].advice)}")
    parts.append(why)
    if contrast is not None and contrast.method.conclusion is None and contrast.method.reason:
        parts.append(f"This is about these very models; {contrast.method.reason}.")
    elif contrast is not None and contrast.method.conclusion is not None:
        again = _WORDS[contrast.method.conclusion]
        parts.append(
            f"Over {contrast.method.seeds} seeds, {_spoken(evidence, contrast.second)} {again} "
            f"{_spoken(evidence, contrast.first)} when it starts from this float model, which is itself one draw."
        )
    headline = (
        "Repair the set-up first" if errors else f"Ship {_spoken(evidence, ship)}" if ship else "No model to ship"
    )
    return Verdict(ship=None if errors else ship, headline=headline, paragraph=" ".join(parts))


def _ship(evidence: Evidence, qat: str) -> tuple[str | None, str]:
    """The simplest int8 model that nothing is shown to beat."""
    said = _spoken(evidence, qat)
    if FLOAT_BN in evidence.arms and PTQ_BN in evidence.arms:
        again = evidence.contrast(FLOAT, FLOAT_BN)
        if again and again.artifact.conclusion is Conclusion.BETTER and not again.artifact.within_margin:
            return PTQ_BN, "Take PTQ of the float model with new batch-norm statistics, or train that model out first."
    if PTQ not in evidence.arms:
        only = next((arm for arm in (qat, INT16X8) if arm in evidence.arms), None)
        if only is None:
            return None, "There is no integer model to ship."
        return only, f"{_spoken(evidence, only)} is the only integer model here."
    repaired = evidence.contrast(PTQ, PTQ_EQUALIZED)
    if repaired is not None and repaired.artifact.conclusion is Conclusion.BETTER:
        rest = evidence.contrast(PTQ_EQUALIZED, qat)
        if rest is None or rest.artifact.conclusion is not Conclusion.BETTER:
            beside = f", and {said} is not shown to be better" if rest else ""
            return PTQ_EQUALIZED, (
                "Ship PTQ with equalised layers (--method ptq --equalize --bias-correction): it is better than plain "
                f"PTQ{beside}."
            )
    if qat not in evidence.arms:
        return PTQ, "PTQ is the only int8 model here."
    trained_on = PTQ_CONTINUED if qat == QAT else PTQ_CONTINUED_TFMOT
    contrast, control = evidence.contrast(PTQ, qat), evidence.contrast(trained_on, qat)
    if contrast is None or contrast.artifact.conclusion is not Conclusion.BETTER:
        return PTQ, f"Ship PTQ: it is the simpler one, and {said} is not shown to be better."
    if control is None:
        return qat, f"Ship {said}: it is better than PTQ. Whether that is only its extra training was not measured."
    if control.artifact.conclusion is not Conclusion.BETTER:
        return (
            trained_on,
            f"Ship PTQ of the float model trained on: {said} is not shown to be better than that, so that what it "
            "gains over PTQ may be the extra training (and the equalised layers that both have).",
        )
    return qat, f"Ship {said}: it is better than PTQ, and also than PTQ after the same extra training."


def _sentence(evidence: Evidence, contrast: Contrast) -> str:
    answer = contrast.artifact
    low, high = answer.interval
    if is_share(evidence.metric):
        size = f"{100 * answer.difference:+.1f} points, 95 % interval {100 * low:+.1f} to {100 * high:+.1f}"
    else:
        size = f"error {answer.difference:+.3g}, 95 % interval {low:+.3g} to {high:+.3g}"
    first, second = _spoken(evidence, contrast.first), _spoken(evidence, contrast.second)
    text = f"On {answer.n:,} test samples {second} {_WORDS[answer.conclusion]} {first} ({size})."
    if answer.conclusion in (Conclusion.BETTER, Conclusion.WORSE) and answer.within_margin:
        margin = points(evidence.margin) if is_share(evidence.metric) else f"{evidence.margin:.3g}"
        text += f" The difference is real and smaller than the margin of {margin}."
    if answer.conclusion is Conclusion.INCONCLUSIVE:
        family = sum(c.declared for c in evidence.contrasts)
        if contrast.declared and family > 1 and low * high > 0.0:
            text += f" The interval leaves out 0, which is too little where {family} questions are asked at once."
        text += _what_shows(answer)
    return text


def _what_shows(answer: ArtifactAnswer) -> str:
    """What this test set could have shown, and how many samples it would take; empty where that is not known."""
    text = "" if answer.detectable is None else f" They could show a difference of {points(answer.detectable)} or more"
    if answer.samples_needed is not None:
        needed = f"about {answer.samples_needed:,} would show the one that is seen, if it is real"
        text += f"; {needed}" if text else f" Of them {needed}"
    return f"{text}." if text else ""


def _spoken(evidence: Evidence, name: str) -> str:
    """Arms of ours have names for people; those that the user named keep theirs."""
    return name if evidence.given else spoken(name)


def _lower(title: str) -> str:
    """A title within a sentence: names such as PTQ stay as they are."""
    return title if title[:2].isupper() else title[:1].lower() + title[1:]
