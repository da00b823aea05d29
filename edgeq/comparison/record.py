"""What a comparison holds. compare.json, console and HTML are all made from one frozen `Comparison`.

Accuracies are shares, differences are second − first, both as fractions. For an error metric smaller is better; every
conclusion has that in it already: "better" always means that the second arm does better.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from edgeq.records import Metric, Timing
from edgeq.statistics.equivalence import Conclusion
from edgeq.training import TrainingHistory

SCHEMA_VERSION = 1


class Severity(Enum):
    """How much a finding matters, most first."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedModel:
    """The float model that all arms started from. `sha256` is None where only .tflite arms were given."""

    name: str
    sha256: str | None
    parameters: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedData:
    """The samples. `calibration` says which split calibrates ("calibration", "training", "validation"), None: none."""

    source: str
    sha256: str
    test: int
    train: int
    validation: int
    calibration: str | None
    calibration_samples: int
    groups: int | None
    classes: int
    class_names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A metric of one run on the test samples, with its 95 % interval.

    `ties` counts predictions that the order of the classes decided. For an error metric `correct` and `ties` are None.
    """

    metric: Metric
    value: float
    n: int
    correct: int | None
    ci95: tuple[float, float]
    ties: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One model of an arm. `seed` is None where nothing in the arm is random.

    `sha256` is that of the .tflite. `history` is there if the arm trained. `agreement` is the share of test samples on
    which the int8 model predicts what the fake-quantized model did (None: there is none). `host_flips` counts test
    samples whose prediction LiteRT's default kernels turn. `reused` says that an earlier run had made it.
    """

    seed: int | None
    figure: Figure
    sha256: str | None
    size_bytes: int | None
    history: TrainingHistory | None
    agreement: float | None
    host_flips: int | None
    seconds: float
    reused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One way to get a model, and its runs, one per seed.

    `name` is what contrasts refer to, `title` is for people. `scheme` is "float32", "int8", "int16x8" or "other";
    `evaluated_by` names the interpreter. `mean` and `spread` (standard deviation, None below two runs) are over the
    runs. `failed` says why there are no runs.
    """

    name: str
    title: str
    scheme: str
    evaluated_by: str
    runs: tuple[Run, ...]
    mean: float | None
    spread: float | None
    failed: str | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactAnswer:
    """Is this one model better than that one, on samples like these?

    `p_value` is that of `test`; `p_holm` is adjusted over the declared contrasts (equal to it for exploratory ones).
    `p_equivalence` is that of two one-sided tests against the margin. `only_first` and `only_second` count the
    samples that only one of them got right. `detectable` is the smallest difference that this test set could show with
    probability 0.8 at the corrected level and the discordance seen; `samples_needed` the number of samples from which
    the seen difference would be shown so, None if it is zero or hopeless.
    """

    n: int
    difference: float
    interval: tuple[float, float]
    confidence: float
    test: str
    p_value: float
    p_holm: float
    p_equivalence: float
    only_first: int | None
    only_second: int | None
    conclusion: Conclusion
    within_margin: bool
    detectable: float | None
    samples_needed: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodAnswer:
    """Would it happen again, with another seed and other samples? `conclusion` is None with too few seeds: `reason`."""

    seeds: int
    difference: float
    interval: tuple[float, float] | None
    p_value: float | None
    conclusion: Conclusion | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """`second` against `first`. Only declared ones are corrected for each other; the others are exploratory."""

    first: str
    second: str
    question: str
    declared: bool
    artifact: ArtifactAnswer
    method: MethodAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerReport:
    """How a tensor of an int8 arm fares on the test samples.

    `sqnr_db` is against the same graph in floats, None where there is none. `clipped` is the share of values outside of
    the range; of a model that is not PTQ of the float model, whose floats would be others, the share at its ends.
    `unused` is the share of the range that no value reaches. `channel_ratio` is the range of the widest channel over
    that of its lower quartile, None where there are no channels.
    """

    arm: str
    layer: str
    tensor: str
    low: float
    high: float
    sqnr_db: float | None
    clipped: float
    unused: float
    channel_ratio: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightReport:
    """The ranges of an op's weights in an integer arm: each is symmetric, from −limit to limit.

    `channels` is how many there are: one per output channel that has weights, or one for all. `narrowest`, `middle`
    (the median) and `widest` are their limits.
    """

    arm: str
    layer: str
    channels: int
    narrowest: float
    middle: float
    widest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Flip:
    """A test sample that two arms predict differently. `margin` is the first arm's lead of its own class over the
    second arm's class, in its scores."""

    first: str
    second: str
    sample: int
    margin: float
    first_right: bool
    second_right: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareFinding:
    """One thing that explains what was measured, or that makes it doubtful.

    `code` is stable. `evidence` are the numbers by name; `text` says in two plain sentences what it means, `advice`
    what to do next.
    """

    code: str
    severity: Severity
    title: str
    text: str
    evidence: Mapping[str, float | int | str]
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One paragraph: which model to ship, how sure that is, and why the surprising number appeared."""

    ship: str | None
    headline: str
    paragraph: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Everything that one comparison found out; findings are most important first."""

    schema_version: int = SCHEMA_VERSION
    edgeq_version: str
    model: ComparedModel
    data: ComparedData
    metric: Metric
    top_k: int
    tie_rule: str
    margin: float
    level: float
    seeds: int
    arms: tuple[Arm, ...]
    contrasts: tuple[Contrast, ...]
    layers: tuple[LayerReport, ...]
    weights: tuple[WeightReport, ...]
    flips: tuple[Flip, ...]
    findings: tuple[CompareFinding, ...]
    verdict: Verdict
    timings: tuple[Timing, ...]
