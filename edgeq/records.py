"""The records that stages hand to each other: frozen, keyword-only, no behaviour beyond small derived values.

The graph's own records are in `edgeq.model.graph`, the program's in `edgeq.lower.program`, the board's in
`edgeq.boards`, `Progress` is in `edgeq.progress`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeq.progress import Progress as Progress  # noqa: PLC0414 (strict typing's form of a re-export)

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


class Optimize(Enum):
    """What the aot engine's choice of kernels prefers; the value is what `--optimize` takes."""

    SIZE = "size"
    BALANCED = "balanced"
    SPEED = "speed"


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
    `learning_rate` is the first one. `from_logits` is the loss's, None where it has no such setting.
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
    names of arrays that mean nothing here."""

    source: str
    sha256: str
    test: Split
    train: Split | None = None
    validation: Split | None = None
    calibration: Split | None = None
    class_names: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


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


class Reference(Enum):
    """A host interpreter that a device is compared with."""

    TFLM = "tflm"
    LITERT_REFERENCE = "litert-reference"
    LITERT_DEFAULT = "litert-default"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReferenceOutputs:
    """What a reference interpreter answered. One array per model output, shape (n, *output shape), its own dtype."""

    reference: Reference
    version: str
    outputs: tuple[NDArray[np.generic], ...]


class Group(Enum):
    """What a part of an image is for: the rows of the memory table, and the folders of the C project."""

    WEIGHTS = "weights"
    MODEL = "model"
    KERNELS = "kernels"
    ARENA = "arena"
    LINK = "link"
    RUNTIME = "runtime"
    STACK = "stack"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A generated C project. Paths are relative to `root`, in POSIX form, sorted.

    `sources` has the C files to compile per group; `tflm_files` are the TFLite Micro artifacts, which the aot engine
    does not compile. `symbol` is the C prefix and `<symbol>_model` the `edgeq_model`; `op_symbols[i]` is the C
    function of kernel call i.
    """

    root: Path
    symbol: str
    sources: Mapping[Group, tuple[str, ...]]
    include_dirs: tuple[str, ...]
    linker_script: str
    tflm_files: tuple[str, ...]
    op_symbols: tuple[str, ...]
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolchain:
    """A compiler that was found: `name` is "zig" or "gcc", `flags` what every C file was compiled with."""

    name: str
    version: str
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section of an image. `flash` and `ram` are the bytes that it takes of either (.data takes both)."""

    name: str
    group: Group
    flash: int
    ram: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryUse:
    """What an image takes, read from the ELF. `stack_bytes` is the stack's reserved size until a run measured its
    high-water mark (`stack_measured`)."""

    flash_bytes: int
    ram_bytes: int
    arena_bytes: int
    stack_bytes: int
    stack_measured: bool
    sections: tuple[Section, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A compiled firmware. `traced` images report per-layer fingerprints and are never measured."""

    elf: Path
    toolchain: Toolchain
    memory: MemoryUse
    traced: bool
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceShare:
    """What one of several devices ran: `ranges` are the first and last sample of each row of samples, from 0.

    `failure` says why it dropped out and others went on; None if it did not.
    """

    device: str
    samples: int
    ranges: tuple[tuple[int, int], ...]
    failure: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DeviceRun:
    """What devices answered. Outputs as in ReferenceOutputs; `ticks` has one count per sample (0: no counter).

    `stack_bytes` is the stack's high-water mark, None where the device does not measure it. `resumed` samples were
    answered in an earlier run; `seconds` is the time of the others. `shares` says who ran what.
    """

    device: str
    board: str
    clock_hz: int
    outputs: tuple[NDArray[np.generic], ...]
    ticks: NDArray[np.uint32]
    ticks_hz: int
    stack_bytes: int | None
    seconds: float
    retries: int
    resumed: int = 0
    shares: tuple[DeviceShare, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerCost:
    """Instructions and estimated cycles of one kernel call in one inference."""

    index: int
    label: str
    kernel: str
    macs: int
    instructions: int
    cycles: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Cost of one inference. `source` is "estimated" (emulated instructions × documented timings) or "measured".

    `counter` is what counted: "emulator", or on a device "DWT" (the core's cycle counter), "SysTick" or "timer".
    `instructions` is None where no emulator plays the board. `latency_ms` is cycles / clock, None where only
    instructions could be counted. `layers` need not add up to the whole: calls between layers are in the total only.
    """

    source: str
    counter: str
    instructions: int | None
    cycles_estimated: int | None
    cycles_measured: int | None
    clock_hz: int
    latency_ms: float | None
    layers: tuple[LayerCost, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How far a device's outputs are from a reference's, over all samples and outputs.

    LSB: one step of the integer output, or of the integers that DEQUANTIZE made a float output from. `histogram`:
    signed difference (device − reference) to its count. `sqnr_db`: 10·log10(Σ ref² / Σ (ref − dev)²) on dequantized
    values, `inf` if equal. `first_layer`: the first whose fingerprint differs; None if none does or it is unknown.
    """

    reference: Reference
    samples: int
    outputs: int
    mismatches: int
    mismatched_samples: int
    max_lsb: int
    histogram: Mapping[int, int]
    top1_agreement: float | None
    rmse: float
    cosine: float
    sqnr_db: float
    first_layer: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerDrift:
    """One trace point over the traced samples. `state` is "equal", "differs", or why it has no fingerprint.

    `mismatches` and `max_lsb` are over the `fetched_samples` whose values were compared one by one, of `elements`
    values each; `differing_samples` is over all traced samples.
    """

    point: int | None
    label: str
    tensor: str
    state: str
    samples: int
    differing_samples: int
    mismatches: int
    max_lsb: int
    fetched_samples: int = 0
    elements: int = 0


class Metric(Enum):
    """What an accuracy figure is. Accuracies and areas are better when larger, an error when smaller."""

    TOP1 = "top-1 accuracy"
    TOP_K = "top-k accuracy"
    AUC = "area under the ROC curve"
    MSE = "mean squared error"
    RMSE = "root mean squared error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How an int8 model's answers fit those of the fake-quantized model that it was made from.

    Of `samples`, `same` have the same answer (the class of the largest output, or nearly the same values); for `apart`
    the answers differ by more than rounding explains. `largest_difference` is that of the outputs' real values.
    """

    samples: int
    same: int
    apart: int
    largest_difference: float

    @property
    def share(self) -> float:
        """Of samples with the same answer."""
        return self.same / self.samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """Share of right top-1 predictions: `correct` of `n`, with the 95 % Wilson score interval.

    `ties` counts samples whose largest output was not unique, so that the lowest index decided. For another metric
    than top-1, `correct` and `ties` are None and `value` is the mean over the samples with its normal interval.
    """

    value: float
    n: int
    correct: int | None
    ci95: tuple[float, float]
    ties: int | None
    metric: Metric = Metric.TOP1


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyDifference:
    """`after` against `before` on the same samples: `value` is after − before, `p_value` two-sided.

    `only_before` and `only_after` count the samples that only one of them got right (None for an error metric).
    """

    before: str
    after: str
    metric: Metric
    value: float
    ci95: tuple[float, float]
    p_value: float
    n: int
    only_before: int | None
    only_after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Wall time of one stage in seconds."""

    stage: str
    seconds: float
