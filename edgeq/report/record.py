"""What a report holds. JSON, console and HTML are all made from one frozen `Report`.

`to_json` and `from_json` are the file's two directions; docs/report.md explains every field, docs/report.schema.json
is its JSON Schema. Both are written from these records (`edgeq.report.schema`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from edgeq.errors import InputError
from edgeq.records import (
    Accuracy,
    AccuracyDifference,
    Agreement,
    DeviceShare,
    Drift,
    EngineCost,
    Finding,
    Group,
    HostInfo,
    LayerDrift,
    PairDrift,
    Platform,
    Profile,
    Recommendation,
    Reference,
    RefusedVariant,
    Section,
    Timing,
    Toolchain,
    VariantRow,
)
from edgeq.report import codec
from edgeq.report.document import Document, check_version, decode_document
from edgeq.training.history import TrainingHistory

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorInfo:
    """An input or output of the int8 model; scale and zero point are None for float32."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float | None
    zero_point: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """The int8 model. `sha256` is that of the .tflite, `source_sha256` that of the float model it was made from."""

    name: str
    format: str
    sha256: str
    source_sha256: str | None
    size_bytes: int
    ops: int
    macs: int
    parameters: int
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizationInfo:
    """How the model became int8; `method` is None if the user gave the .tflite itself.

    `recipe` says what a method without training did, None for others. `training` is how a method trained, `agreement`
    whether the .tflite is the model that was trained; None for methods without training.
    """

    method: str | None
    full_integer: bool
    per_channel: bool
    calibration_samples: int
    seed: int
    recipe: str | None = None
    training: TrainingHistory | None = None
    agreement: Agreement | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanCall:
    """One kernel call in the memory plan. `weight_bytes` are the constants in flash that it reads; `variant` says what
    its kernel does, or why there was no faster one; `expected_cycles` are what its choice counted with, None where
    there was none."""

    label: str
    kernel: str
    variant: str
    expected_cycles: int | None
    weight_bytes: int
    live_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanBlock:
    """A value in the arena: `nbytes` from `offset`, untouched from call `first` to call `last` (−1: filled before the
    first call; the number of calls: read after the last)."""

    name: str
    kind: str
    offset: int
    nbytes: int
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PassSaving:
    """A pass that found something, and what the build takes less than without it: negative where it takes more."""

    name: str
    about: str
    count: int
    words: str
    flash_bytes: int | None
    arena_bytes: int | None
    cycles: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArenaPlan:
    """The arena over one inference. No plan can be smaller than `liveness_bound`. `saved` says what the passes did."""

    arena_bytes: int
    liveness_bound: int
    saved: tuple[PassSaving, ...]
    calls: tuple[PlanCall, ...]
    blocks: tuple[PlanBlock, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryInfo:
    """What the image takes and what it may take. `tflm_arena_bytes` is the TFLM engine's estimate, with margin;
    `arena_used_bytes` what that engine took of its arena on the device."""

    flash_bytes: int
    ram_bytes: int
    arena_bytes: int
    stack_bytes: int
    stack_measured: bool
    flash_limit: int | None
    ram_limit: int | None
    tflm_arena_bytes: int | None
    sections: tuple[Section, ...]
    plan: ArenaPlan | None
    arena_used_bytes: int | None = None

    @property
    def stack_of_handlers(self) -> int:
        """What the image reserves for a stack that interrupt and fault handlers have to themselves."""
        return max(0, sum(s.ram for s in self.sections if s.group is Group.STACK) - self.stack_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceInfo:
    """What ran the firmware. `core` is the processor's name, None where it is unknown.

    `resumed` samples were answered in an earlier run that was interrupted. `shares` says who ran what. `about` is what
    an interpreter's device tells of itself; empty for a board.
    """

    name: str
    clock_hz: int
    core: str | None
    samples_per_second: float | None
    retries: int
    resumed: int = 0
    shares: tuple[DeviceShare, ...] = ()
    about: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftInfo:
    """The drift per reference, the primary one first, and layer by layer against the primary one.

    `pairs` has everyone against everyone, where the device is an interpreter.
    """

    references: tuple[Drift, ...]
    versions: Mapping[str, str]
    layers: tuple[LayerDrift, ...]
    explanation: tuple[str, ...]
    pairs: tuple[PairDrift, ...] = ()

    @property
    def primary(self) -> Drift:
        """The reference that decides."""
        return self.references[0]

    def get(self, reference: Reference) -> Drift | None:
        """The drift against one reference, None if it was not run."""
        return next((d for d in self.references if d.reference is reference), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyInfo:
    """Accuracy on the same samples. `note` says why something is missing, or which output was measured.

    `confusion` has the device's counts, one row per true class; empty where there are no classes.
    """

    float_host: Accuracy | None = field(metadata={"json": "float"})
    int8_host: Accuracy | None
    device: Accuracy | None
    int8_host_reference: str | None
    differences: tuple[AccuracyDifference, ...]
    note: str | None
    confusion: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataInfo:
    """The samples. `source` is a file's name or "random"; `class_names` may be empty."""

    source: str
    sha256: str | None
    samples: int
    labelled: bool
    class_names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """Something that had to hold. `message` says what was found, also when it passed."""

    name: str
    passed: bool
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantsInfo:
    """The variants of a mobile build, side by side on one host.

    `margin` is the loss that does not matter: a share of the samples, or of float32's error. `normalization` says what
    the metadata tell an app to do to its values, and how that is known; `labels` likewise where the labels are from.
    """

    target: str
    platforms: tuple[Platform, ...]
    host: HostInfo
    margin: float
    normalization: str
    labels: str
    rows: tuple[VariantRow, ...]
    refused: tuple[RefusedVariant, ...]
    recommendation: Recommendation


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that one run found out."""

    schema_version: int = SCHEMA_VERSION
    edgeq_version: str
    model: ModelInfo
    quantization: QuantizationInfo
    engine: str
    optimize: str
    toolchain: Toolchain | None
    board: str
    memory: MemoryInfo | None
    device: DeviceInfo
    profile: Profile | None
    drift: DriftInfo | None
    accuracy: AccuracyInfo
    data: DataInfo
    checks: tuple[Check, ...]
    findings: tuple[Finding, ...]
    timings: tuple[Timing, ...]
    variants: VariantsInfo | None = None
    beside: EngineCost | None = None

    @property
    def passed(self) -> bool:
        """Every check passed."""
        return all(check.passed for check in self.checks)


REPORT = Document(root=Report, version=SCHEMA_VERSION, word="report", name="report", command="edgeq build")


def to_json(report: Report) -> dict[str, Any]:
    """The report as JSON values, keys in the order of docs/report.md.

    There is no NaN and no infinity: such numbers are the strings "nan", "inf" and "-inf". Paths in compiler flags
    are cut to their last part, so that a report tells nothing about the machine that made it.
    """
    beside = report.beside
    if beside is not None:
        beside = replace(beside, toolchain=_portable(beside.toolchain))
    report = replace(report, toolchain=_portable(report.toolchain), beside=beside)
    encoded: dict[str, Any] = codec.encode(report)
    if report.drift is not None:
        encoded["drift"] = _drift_to_json(report.drift, encoded["drift"])
    return encoded


def from_json(value: Any, *, name: str = "report.json") -> Report:
    """Read what `to_json` wrote.

    Args:
        value: the parsed JSON.
        name: the file, for messages.

    Raises:
        InputError: not a report, from another schema version, or a field is missing, unknown or of another type; the
            message names the field.
    """
    content = check_version(REPORT, value, file=name)
    if isinstance(content.get("drift"), dict):
        content["drift"] = _drift_from_json(content["drift"], name)
    report: Report = decode_document(REPORT, content, file=name)
    return report


def _portable(toolchain: Toolchain | None) -> Toolchain | None:
    return toolchain and replace(toolchain, flags=tuple(portable_flag(f) for f in toolchain.flags))


def portable_flag(flag: str) -> str:
    """A compiler flag without the folders of this machine: -I/home/me/x/include becomes -Iinclude."""
    return _ABSOLUTE_PATH.sub(lambda m: m.group(1) + re.split(r"[\\/]", m.group(2).rstrip("\\/"))[-1], flag)


# At the start, after an option that takes a path in the same word, or after = or a comma.
_ABSOLUTE_PATH = re.compile(r"(^|[=,]|^-(?:[ILTB]|isystem|iquote|include))((?:[A-Za-z]:)?[\\/][^=,]*)")


def _drift_to_json(drift: DriftInfo, encoded: dict[str, Any]) -> dict[str, Any]:
    by_name = {d.reference.value: e for d, e in zip(drift.references, encoded["references"], strict=True)}
    primary = encoded["references"][0]
    return {**primary, **encoded, "references": by_name}


def _drift_from_json(value: dict[str, Any], name: str) -> dict[str, Any]:
    """Undo `_drift_to_json`: the primary reference's figures stand twice, and must agree."""
    references = value.get("references")
    first = value.get("reference")
    if not isinstance(references, dict) or not isinstance(first, str) or first not in references:
        raise InputError(f"{name}: drift.references has nothing about drift.reference ({first!r}).")
    for key, figure in references[first].items() if isinstance(references[first], dict) else ():
        if value.get(key, figure) != figure:
            raise InputError(f"{name}: drift.{key} contradicts drift.references.{first}.{key}.")
    own = {key: value[key] for key in value if key not in codec.json_names(Drift)}
    return {**own, "references": [references[first], *(r for key, r in references.items() if key != first)]}
