"""Models and data: what a user gives, and what quantization makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeq.records.results import Agreement
from edgeq.records.variants import Normalization

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edgeq.model.graph import Graph
    from edgeq.training.history import TrainingHistory


class ModelFormat(Enum):
    """What a model file is."""

    KERAS3 = "Keras 3 .keras"
    TF_KERAS = "tf_keras .keras"
    H5 = "legacy .h5"
    SAVED_MODEL = "SavedModel"
    TFLITE = ".tflite"


class Method(Enum):
    """How a float model becomes int8."""

    PTQ = "ptq"
    AUTO = "auto"
    QAT = "qat"
    INT16X8 = "16x8"
    QAT_TFMOT = "qat-tfmot"


class RangeEstimator(Enum):
    """How post-training quantization chooses the range of an activation from its values on calibration samples."""

    MINMAX = "minmax"
    PERCENTILE = "percentile"
    MSE = "mse"


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueSpec:
    """One input or output of a float model. `shape` has no batch dimension; None is a free size."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """How a Keras model was compiled, in Keras' snake-case names; None: not said, or code of the user's own.

    `optimizer_settings` has numbers and switches only (momentum, beta_1, …), without the learning rate. Of a schedule
    `learning_rate` is the highest. `from_logits` is the loss's, None where it has no such setting.
    """

    loss: str | None
    from_logits: bool | None
    optimizer: str | None
    optimizer_settings: Mapping[str, bool | int | float]
    learning_rate: float | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FloatModel:
    """A loaded float model. `handle` is the Keras model (Keras 3 or tf_keras), or the loaded SavedModel.

    The handle itself is not compiled; `compiled` is what its file says about that, None if nothing.
    """

    path: Path
    format: ModelFormat
    sha256: str
    inputs: tuple[ValueSpec, ...]
    outputs: tuple[ValueSpec, ...]
    parameters: int
    handle: Any
    compiled: Compiled | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Split:
    """Samples and, where known, labels.

    `x` has one array per model input, shape (n, *input shape), float32 or integer as given. `y` is (n,) class
    indices, or (n, …) float targets, or None. `groups`, (n,), says which samples belong together (one recording, one
    patient), so that they are no independent evidence. `names`: "left" of x_test_left, for several inputs only.
    """

    x: tuple[NDArray[np.generic], ...]
    y: NDArray[np.generic] | None = None
    groups: NDArray[np.int64] | None = None
    names: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Number of samples."""
        return len(self.x[0])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dataset:
    """Everything that was read from --data. `sha256` covers all arrays; `source` is what the user named; `ignored` are
    names of arrays that mean nothing here. `pixels` is how images' values of 0 to 255 became these, None for others."""

    source: str
    sha256: str
    test: Split
    train: Split | None = None
    validation: Split | None = None
    calibration: Split | None = None
    class_names: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    pixels: Normalization | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Quantized:
    """An int8 .tflite and where it came from. `float_model` is None if the user gave the .tflite itself.

    Methods that train leave the fake-quantized model (`trained`), what happened (`history`), and how the int8 model's
    answers fit its answers (`agreement`); `recipe` says in a few words what a method without training
    did; `notes` are for the report.
    """

    content: bytes
    graph: Graph
    method: Method | None
    float_model: FloatModel | None
    calibration_samples: int
    seed: int
    trained: FloatModel | None = None
    history: TrainingHistory | None = None
    notes: tuple[str, ...] = ()
    recipe: str | None = None
    agreement: Agreement | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that verification found. `where` names the op or tensor; `fix` says what to do."""

    rule: str
    where: str
    message: str
    fix: str
