"""What a mobile build found out, put together into a Report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from edgeq.mobile.builds import MobileBuild
from edgeq.mobile.checks import (
    accuracy_check,
    agreement_check,
    device_checks,
    placement_check,
    placement_findings,
    selftest_checks,
    signature_check,
)
from edgeq.mobile.device import Ran
from edgeq.mobile.signatures import interface_names
from edgeq.mobile.variant import Variant
from edgeq.model.inspect import summarize
from edgeq.model.quantization import with_steps
from edgeq.records import (
    Metric,
    ReferenceOutputs,
    Timing,
    VariantKind,
)
from edgeq.report.assemble import accuracy_findings, accuracy_info, drift_info, tensor_info
from edgeq.report.record import (
    DataInfo,
    DeviceInfo,
    ModelInfo,
    QuantizationInfo,
    Report,
)
from edgeq.version import version


def make_report(
    build: MobileBuild,
    *,
    kind: VariantKind,
    ran: Mapping[VariantKind, Ran],
    references: Sequence[ReferenceOutputs] = (),
    max_lsb: int,
    max_drop: float | None,
    max_off_xnnpack: float | None = None,
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
        max_off_xnnpack: largest share of the variant's multiply-accumulates outside of XNNPACK that passes; None: not
            checked.
        timings: wall time per stage so far.
    """
    variant, answers = build.variant(kind)
    row = next(row for row in build.info.rows if row.kind is kind)
    graph, detail = variant.graph, ran.get(kind)
    count = len(build.samples) if detail is None else len(detail.run.ticks)
    samples = build.samples.first(count)
    answers = replace(answers, outputs=tuple(a[:count] for a in answers.outputs))
    names = interface_names(variant.content, graph)[1]
    named = tuple(replace(tensor, name=name) for tensor, name in zip(graph.output_tensors, names, strict=True))
    accuracy = accuracy_info(
        samples.labels, tensors=named, float_host=samples.float_outputs, int8_host=answers,
        device=detail.run.outputs if detail is not None else None, notes=build.notes, errors=Metric.MAE,
    )  # fmt: skip
    drift = None
    if detail is not None:
        stepped = tuple(with_steps(graph, tensor) for tensor in graph.outputs)
        ops = {op.name for op in graph.ops}
        columns = {r.reference: r for r in (detail.host, answers, *references)}
        drift = drift_info(
            detail.run.outputs, tuple(columns.values()), stepped, ops=ops, layers=detail.layers,
            device_name=detail.run.device,
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
            *signature_check(build),
            *placement_check(row, max_off_xnnpack),
            *selftest_checks(ran),
            *device_checks(build.info.rows, max_lsb),
            *agreement_check(build),
            *accuracy_check(accuracy, max_drop),
        ),
        findings=(*accuracy_findings(samples.labels, accuracy, answers.outputs), *placement_findings(row)),
        timings=tuple(timings),
        variants=build.info,
    )


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
