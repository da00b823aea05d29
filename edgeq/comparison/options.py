"""What a comparison can be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from edgeq.comparison.scoring import Scoring
from edgeq.records import Method
from edgeq.training import TrainingOptions

DEFAULT_METHODS = (Method.PTQ, Method.QAT)


MARGIN, MARGIN_OF_ERRORS = 0.01, 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenArm:
    """A model that the user has already: `name` is its role ("float", "ptq", "qat", or any other word)."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareOptions:
    """Everything `edgeq compare` can be told.

    Attributes:
        model: the float model that the arms are made from; None if `arms` are given.
        arms: models to compare as they are; nothing is trained.
        data: what `edgeq.load_dataset` takes.
        out: folder for compare.json, compare.html and the finished arms, which are reused.
        methods: how int8 models are made.
        training: of the methods that train, and of the float model that is trained on beside them.
        calibration_samples: how many samples the activation ranges are taken from.
        seeds: how often what is random is repeated; claims about a method need five.
        seed: the first seed.
        margin: differences up to it do not matter: a share of the samples (0.01 is one percentage point), or of the
            float model's error in regression. None: 0.01, in regression 0.05 (an error moves by some per cent with
            every rounding, an accuracy does not).
        scoring: what models are measured by; None: top-1 accuracy of classes, the root mean squared error of numbers.
        level: of the tests, over the declared contrasts together.
        jobs: arms that are made at a time; None: one per core.
        dask: address of a Dask scheduler that makes the arms; None: this machine.
        trusted: load a model file even if it carries code.
    """

    data: str
    out: Path
    model: Path | None = None
    arms: tuple[GivenArm, ...] = ()
    methods: tuple[Method, ...] = DEFAULT_METHODS
    training: TrainingOptions = field(default_factory=TrainingOptions)
    calibration_samples: int = 200
    seeds: int = 5
    seed: int = 0
    margin: float | None = None
    scoring: Scoring | None = None
    level: float = 0.05
    jobs: int | None = None
    dask: str | None = None
    trusted: bool = False
