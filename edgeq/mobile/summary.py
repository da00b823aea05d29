"""What a mobile build found out, put together into a Report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from edgeq.mobile.builds import MobileBuild
from edgeq.mobile.variant import Variant
from edgeq.model.inspect import summarize
from edgeq.model.quantization import with_steps
from edgeq.records import DeviceRun, Metric, Profile, ReferenceOutputs, Timing, VariantKind, VariantRow
from edgeq.report import format as fmt
from edgeq.report.assemble import accuracy_findings, accuracy_info, drift_info, tensor_info
from edgeq.report.record import (
    AccuracyInfo,
    Check,
    DataInfo,
    DeviceInfo,
    ModelInfo,
    QuantizationInfo,
    Report,
)
from edgeq.validation.agreement import describe, has_gap
from edgeq.version import version

NEAR_DB = 60.0
"""What float outputs on a device may differ from the host's: rounding in another order, a thousandth in amplitude."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ran:
    """What a device gave for one variant: its answers, its latency if it tells times, and its self-test's result."""

    run: DeviceRun
    profile: Profile | None
    selftest: bool


def make_report(
    build: MobileBuild,
    *,
    kind: VariantKind,
    ran: Mapping[VariantKind, Ran],
    references: Sequence[ReferenceOutputs] = (),
    max_lsb: int,
    max_drop: float | None,
    timings: Sequence[Timing],
) -> Report:
    """The report of a mobile build: its variants, and one of them in detail.

    Args:
        build: what was made.
        kind: the variant in detail.
        ran: what a device gave for each variant that ran on one, to the first of the build's samples.
        references: what other interpreters here answered to the same samples.
        max_lsb: largest difference of integer outputs from this host's that passes.
        max_drop: largest loss of accuracy from the float model to the variant that passes, as a fraction; None: not
            checked.
        timings: wall time per stage so far.
    """
    variant, answers = build.variant(kind)
    graph, detail = variant.graph, ran.get(kind)
    count = len(build.samples) if detail is None else len(detail.run.ticks)
    samples = build.samples.first(count)
    answers = replace(answers, outputs=tuple(a[:count] for a in answers.outputs))
    accuracy = accuracy_info(
        samples.labels, tensors=graph.output_tensors, float_host=samples.float_outputs, int8_host=answers,
        device=detail.run.outputs if detail is not None else None, notes=build.notes, errors=Metric.MAE,
    )  # fmt: skip
    drift = None
    if detail is not None:
        stepped = tuple(with_steps(graph, tensor) for tensor in graph.outputs)
        names = {op.name for op in graph.ops}
        drift = drift_info(
            detail.run.outputs, [answers, *references], stepped, ops=names, device_name=detail.run.device
        )
    return Report(
        edgeq_version=version(),
        model=_model(build, variant),
        quantization=_quantization(variant),
        engine="litert",
        optimize="none",
        toolchain=None,
        board=build.target.value,
        memory=None,
        device=_device(detail),
        profile=detail.profile if detail is not None else None,
        drift=drift,
        accuracy=accuracy,
        data=DataInfo(
            source=samples.source,
            sha256=samples.sha256,
            samples=count,
            labelled=samples.labels is not None,
            class_names=samples.class_names,
        ),
        checks=(
            *_signature_check(build),
            *_selftest_checks(ran),
            *device_checks(build.info.rows, max_lsb),
            *_agreement_check(build),
            *_accuracy_check(accuracy, max_drop),
        ),
        findings=accuracy_findings(samples.labels, accuracy, answers.outputs),
        timings=tuple(timings),
        variants=build.info,
    )


def _selftest_checks(ran: Mapping[VariantKind, Ran]) -> tuple[Check, ...]:
    """What each device's agent says of itself: the same input gives the same outputs."""
    return tuple(
        Check(
            name=f"self-test of {kind.value} on {one.run.device}",
            passed=one.selftest,
            message="the agent computes the same outputs twice" if one.selftest
            else "the agent's outputs for one input are not the same twice, or not in the interpreter that keeps all "
            "tensors: no answer of this device can be relied on",
        )
        for kind, one in ran.items()
    )  # fmt: skip


def device_checks(rows: Sequence[VariantRow], max_lsb: int) -> tuple[Check, ...]:
    """What devices had to show: integer outputs equal to this host's, float ones nearly."""
    checks = []
    for row in rows:
        found = row.device
        if found is None:
            continue
        integer = all(name.startswith(("int", "uint")) for name in row.outputs)
        enough = _enough_db(row)
        allowed = f"{max_lsb} LSB allowed" if integer else f"an SQNR of {enough:.3g} dB is enough"
        size = f"at most {found.max_lsb} LSB" if integer else f"SQNR {fmt.real(found.sqnr_db, 3)} dB"
        flips = f"; {found.argmax_flips:,} answers flip" if found.argmax_flips else ""
        own = ", ".join(dict.fromkeys(op.name for op in row.placement.fallen))
        if integer and found.mismatches and own:
            flips += f"; off XNNPACK run LiteRT's own kernels, which differ between processors: {own}"
        checks.append(
            Check(
                name=f"{row.kind.value} on {found.device}",
                passed=found.max_lsb <= max_lsb if integer else found.sqnr_db >= enough,
                message=f"{found.mismatches:,} of {found.outputs:,} outputs differ from this host's, {size} ({allowed})"
                f"{flips}",
            )
        )
    return tuple(checks)


def _enough_db(row: VariantRow) -> float:
    """`NEAR_DB`; of dynamic-range, whose activations fall on another int8 step where floats differ in the last bit,
    the noise of that quantization: a device may add as much as the variant itself does to float32."""
    if row.kind is VariantKind.DYNAMIC_RANGE and row.sqnr_db is not None:
        return min(NEAR_DB, row.sqnr_db)
    return NEAR_DB


def _device(ran: Ran | None) -> DeviceInfo:
    if ran is None:
        return DeviceInfo(name="host", clock_hz=0, core="host", samples_per_second=None, retries=0)
    run = ran.run
    return DeviceInfo(
        name=run.device,
        clock_hz=run.clock_hz,
        core=run.about.get("machine"),
        samples_per_second=(len(run.ticks) - run.resumed) / run.seconds if run.seconds > 0 else None,
        retries=run.retries,
        resumed=run.resumed,
        shares=run.shares,
        about=run.about,
    )


def _model(build: MobileBuild, variant: Variant) -> ModelInfo:
    summary = summarize(variant.graph)
    return ModelInfo(
        name=build.name,
        format=build.source_format,
        sha256=variant.graph.sha256,
        source_sha256=build.source_sha256,
        size_bytes=variant.graph.size,
        ops=len(variant.graph.ops),
        macs=summary.macs,
        parameters=summary.parameters,
        inputs=tuple(tensor_info(t) for t in variant.graph.input_tensors),
        outputs=tuple(tensor_info(t) for t in variant.graph.output_tensors),
    )


def _quantization(variant: Variant) -> QuantizationInfo:
    how = variant.quantized
    tensors = variant.graph.tensors
    return QuantizationInfo(
        method=how.method.value if how is not None and how.method is not None else None,
        full_integer=variant.kind in (VariantKind.INT8, VariantKind.INT16X8),
        per_channel=any(t.quantization is not None and t.quantization.per_channel for t in tensors),
        calibration_samples=how.calibration_samples if how is not None else 0,
        seed=how.seed if how is not None else 0,
        recipe=how.recipe if how is not None else None,
        training=how.history if how is not None else None,
        agreement=how.agreement if how is not None else None,
    )


def _signature_check(build: MobileBuild) -> tuple[Check, ...]:
    """Every variant is called as the float model is."""
    rows = build.info.rows
    if len(rows) == 1:
        return ()
    wrong = [row.kind.value for row in rows if row.signature is None or row.signature != rows[0].signature]
    message = f"{', '.join(wrong)}: called otherwise than {rows[0].kind.value}" if wrong else _call(rows[0])
    return (Check(name="signatures", passed=not wrong, message=message),)


def _call(row: VariantRow) -> str:
    signature = row.signature
    if signature is None:
        return "no variant has one"
    return f"all variants have {signature.key}({', '.join(signature.inputs)}) → {', '.join(signature.outputs)}"


def _agreement_check(build: MobileBuild) -> tuple[Check, ...]:
    """Of methods that train: the int8 variant is the model that was trained."""
    found = [v.quantized.agreement for v in build.variants if v.quantized is not None and v.quantized.agreement]
    return tuple(Check(name="conversion", passed=not has_gap(a), message=describe(a)) for a in found)


def _accuracy_check(accuracy: AccuracyInfo, max_drop: float | None) -> tuple[Check, ...]:
    if max_drop is None:
        return ()
    before, after = accuracy.float_host, accuracy.int8_host
    if before is None or after is None or before.metric is not Metric.TOP1:
        message = "--max-drop needs a float model and labels of classes to compare"
        return (Check(name="accuracy", passed=False, message=message),)
    drop = before.value - after.value
    return (
        Check(
            name="accuracy",
            passed=drop <= max_drop,
            message=f"float {before.value:.2%}, variant {after.value:.2%}: a drop of {100 * drop:.2f} "
            f"points, {100 * max_drop:.2f} allowed",
        ),
    )
