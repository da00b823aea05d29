"""What a piece of work leaves: records that travel between processes and into the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edgeq.comparison.arms import Task
from edgeq.comparison.record import LayerReport, WeightReport
from edgeq.records import Dataset
from edgeq.training import TrainingHistory, TrainingOptions
from edgeq.validation.agreement import Rounding

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


SCORES_FILE = ".npy"
"""The suffix of files with scores, and what `evaluated_by` says of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFiles:
    """A model as bytes, so that another process, or machine, can load it: `files` by path within it."""

    name: str
    files: Mapping[str, bytes]
    trusted: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Job:
    """A task with all that it needs. `threads` is how many TensorFlow may use; `detailed` asks for the layers, too."""

    task: Task
    model: ModelFiles
    data: Dataset
    training: TrainingOptions
    calibration_samples: int
    threads: int
    detailed: bool
    checkpoints: str | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Made:
    """One run of one arm.

    Outputs are real values, float64, one array per model output, shape (n, *output shape): `test` of the model itself
    (int8 ones through TFLM's kernels), `seen` on some training samples,
    `calibration` on the calibration samples, `trained` of the fake-quantized model on
    the test samples, `host` of the .tflite in LiteRT's default kernels. Empty where there is none. `content` is the
    .tflite, `rounding` says how its outputs are rounded; `layers` and `weights` have its ranges. A run that failed has
    `failed`, and nothing else.
    """

    arm: str
    seed: int
    scheme: str = "float32"
    evaluated_by: str = "Keras"
    content: bytes | None = None
    test: tuple[NDArray[np.float64], ...] = ()
    seen: tuple[NDArray[np.float64], ...] = ()
    calibration: tuple[NDArray[np.float64], ...] = ()
    trained: tuple[NDArray[np.float64], ...] = ()
    host: tuple[NDArray[np.float64], ...] = ()
    history: TrainingHistory | None = None
    layers: tuple[LayerReport, ...] = ()
    weights: tuple[WeightReport, ...] = ()
    rounding: tuple[Rounding, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    failed: str | None = None
    reused: bool = field(default=False)
