"""The .tflite variants of one model for phones and single-board computers, and what was measured of each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from edgeq.records.results import Accuracy, AccuracyDifference
from edgeq.records.runs import Latency, Reference


class VariantKind(Enum):
    """What a .tflite computes in; the value names its file."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"  # weights stored as float16, computed in float32
    DYNAMIC_RANGE = "dynamic-range"  # int8 weights, activations quantized while it runs
    INT8 = "int8"
    INT16X8 = "16x8"  # int16 activations, int8 weights


class Standing(Enum):
    """What the samples show about a variant's accuracy against float32's, given the margin."""

    BASELINE = "the baseline"
    NOT_WORSE = "not worse by more than the margin"
    WORSE = "worse by more than the margin"
    UNKNOWN = "not shown either way"


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalization:
    """What an app does to its values before the model: (x − mean) / std, one number or one per channel each."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HostInfo:
    """What timed the variants: the machine ("x86_64") and its processor's name, its frequency governor (None where the
    system does not tell), LiteRT's version, its threads, and the inferences before the timed ones."""

    machine: str
    processor: str
    governor: str | None
    interpreter: str
    threads: int
    warmup_runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """An operating system that a target stands for; `proof` says what of the build ran on it, or that nothing did."""

    name: str
    proof: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FallenOp:
    """An op that XNNPACK left to LiteRT's own kernels. `types` are its operands' ("int16 × int8 → int16")."""

    label: str
    name: str
    types: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Which of a model's `ops` run in XNNPACK's `partitions`: all but the `fallen` ones.

    More than one partition means that values go back and forth between XNNPACK and LiteRT's own kernels. `fallen_macs`
    is the share of the model's multiply-accumulates that the fallen ops do.
    """

    ops: int
    partitions: int
    fallen_macs: float
    fallen: tuple[FallenOp, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """How an app calls the model: the signature's key, and the names of its arguments and results."""

    key: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceAgreement:
    """A variant on a device against the same file on the host, by the same kernels (`reference`), over `samples`.

    `mismatches` of `outputs` values differ, by at most `max_lsb` steps of integer outputs (1 for any difference of
    floats); `argmax_flips` as in PairDrift; `sqnr_db` is the host's power over that of the difference. `platform` is
    the agent's system and architecture in its own words ("linux-arm64"); None where it does not tell, or where another
    device answered a part.
    """

    device: str
    machine: str
    samples: int
    outputs: int
    mismatches: int
    max_lsb: int
    argmax_flips: int | None
    sqnr_db: float
    seconds: float
    platform: str | None = None
    reference: Reference = Reference.LITERT_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantRow:
    """One variant. `file` is its place in the build.

    `accuracy` and `difference` (from float32) are on the same samples, None without labels. `same_top1` and `sqnr_db`
    compare its outputs with float32's on these samples; None for float32 itself, and where there is none.
    `latency` and `peak_memory_bytes` are this host's: the latter is what loading and running the model adds to a
    process's resident memory at its peak, None where the system does not tell. `device` is None until it ran on one.
    """

    kind: VariantKind
    file: str
    sha256: str
    size_bytes: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    signature: Signature | None
    accuracy: Accuracy | None
    difference: AccuracyDifference | None
    standing: Standing
    same_top1: float | None
    sqnr_db: float | None
    latency: Latency
    peak_memory_bytes: int | None
    placement: Placement
    device: DeviceAgreement | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedVariant:
    """A variant that could not be made, and why."""

    kind: VariantKind
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """The variant to ship; `conclusive` says that the samples settle it."""

    kind: VariantKind
    reason: str
    conclusive: bool
