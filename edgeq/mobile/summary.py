"""What a mobile build found out, put together into a Report."""

from __future__ import annotations

from collections.abc import Sequence

from edgeq.mobile.builds import MobileBuild
from edgeq.mobile.convert import Variant
from edgeq.model.inspect import summarize
from edgeq.records import Metric, Timing, VariantKind, VariantRow
from edgeq.report.assemble import accuracy_findings, accuracy_info, tensor_info
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


def make_report(build: MobileBuild, *, max_drop: float | None, timings: Sequence[Timing]) -> Report:
    """The report of a mobile build: its variants, and the recommended one in detail.

    Args:
        build: what was made.
        max_drop: largest loss of accuracy from the float model to the recommended variant that passes, as a fraction;
            None: not checked.
        timings: wall time per stage so far.
    """
    variant, answers = build.variant(build.info.recommendation.kind)
    graph, samples = variant.graph, build.samples
    accuracy = accuracy_info(
        samples.labels, tensors=graph.output_tensors, float_host=samples.float_outputs, int8_host=answers,
        device=None, notes=build.notes, errors=Metric.MAE,
    )  # fmt: skip
    return Report(
        edgeq_version=version(),
        model=_model(build, variant),
        quantization=_quantization(variant),
        engine="litert",
        optimize="none",
        toolchain=None,
        board=build.target.value,
        memory=None,
        device=DeviceInfo(name="host", clock_hz=0, core="host", samples_per_second=None, retries=0),
        profile=None,
        drift=None,
        accuracy=accuracy,
        data=DataInfo(
            source=samples.source,
            sha256=samples.sha256,
            samples=len(samples),
            labelled=samples.labels is not None,
            class_names=samples.class_names,
        ),
        checks=(*_signature_check(build), *_agreement_check(build), *_accuracy_check(accuracy, max_drop)),
        findings=accuracy_findings(samples.labels, accuracy, answers.outputs),
        timings=tuple(timings),
        variants=build.info,
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
            message=f"float {before.value:.2%}, recommended variant {after.value:.2%}: a drop of {100 * drop:.2f} "
            f"points, {100 * max_drop:.2f} allowed",
        ),
    )
