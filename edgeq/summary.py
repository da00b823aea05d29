"""What a run found out, put together into a Report."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from edgeq.generate.tflm import arena_estimate
from edgeq.model.quantization import with_steps
from edgeq.records import DeviceRun, Group, LayerDrift, MemoryUse, Profile, Reference, Timing
from edgeq.report import format as fmt
from edgeq.report.assemble import accuracy_findings, accuracy_info, drift_info, tensor_info
from edgeq.report.plan import arena_plan
from edgeq.report.record import (
    AccuracyInfo,
    Check,
    DataInfo,
    DeviceInfo,
    DriftInfo,
    MemoryInfo,
    ModelInfo,
    QuantizationInfo,
    Report,
)
from edgeq.validation.agreement import describe, has_gap
from edgeq.validation.explain import REFERENCE_NAMES
from edgeq.version import version

if TYPE_CHECKING:
    from edgeq.builds import Build


def make_report(
    build: Build,
    run: DeviceRun,
    profile: Profile | None,
    layers: Mapping[Reference, tuple[LayerDrift, ...]],
    *,
    selftest: bool,
    max_lsb: int,
    max_drop: float | None,
    timings: Sequence[Timing],
) -> Report:
    """The report of one run of a build on a device.

    Args:
        build: what ran.
        run: the device's answers to the first `len(run.ticks)` of the build's samples.
        profile: what one inference costs, if known.
        layers: what tracing found, per reference.
        selftest: whether the firmware's own golden test passed.
        max_lsb: largest difference from the primary reference that passes.
        max_drop: largest loss of accuracy that passes, as a fraction; None: not checked.
        timings: wall time per stage so far.
    """
    graph, samples = build.quantized.graph, build.samples.first(len(run.ticks))
    references = tuple(
        dataclasses.replace(r, outputs=tuple(a[: len(run.ticks)] for a in r.outputs)) for r in build.references
    )
    memory = _memory(build, run)
    stepped = tuple(with_steps(graph, tensor) for tensor in graph.outputs)
    drift = drift_info(
        run.outputs,
        references,
        stepped,
        ops={op.name for op in graph.ops},
        layers=layers,
        device_name=run.device if run.about else None,
    )
    accuracy = accuracy_info(
        samples.labels,
        tensors=graph.output_tensors,
        float_host=samples.float_outputs,
        int8_host=references[0] if references else None,
        device=run.outputs,
        notes=build.notes,
    )
    checks = (
        _full_integer_check(build),
        *_drift_checks(drift, max_lsb),
        Check(
            name="self-test",
            passed=selftest,
            message=_selftest_message(selftest, run),
        ),
        *_budget_checks(memory, reserved_stack=build.image.memory.stack_bytes),
        *_accuracy_check(accuracy, max_drop),
        *_agreement_check(build),
    )
    return Report(
        edgeq_version=version(),
        model=_model(build),
        quantization=QuantizationInfo(
            method=build.quantized.method.value if build.quantized.method else None,
            full_integer=not build.findings,
            per_channel=any(t.quantization is not None and t.quantization.per_channel for t in graph.tensors),
            calibration_samples=build.quantized.calibration_samples,
            seed=build.quantized.seed,
            recipe=build.quantized.recipe,
            training=build.quantized.history,
            agreement=build.quantized.agreement,
        ),
        engine=build.engine,
        optimize=build.optimize.value,
        toolchain=build.image.toolchain,
        board=build.board.name,
        memory=memory,
        device=DeviceInfo(
            name=run.device,
            clock_hz=run.clock_hz,
            core=_core(build, run),
            samples_per_second=(len(run.ticks) - run.resumed) / run.seconds if run.seconds > 0 else None,
            retries=run.retries,
            resumed=run.resumed,
            shares=run.shares,
            about=run.about,
        ),
        profile=profile,
        drift=drift,
        accuracy=accuracy,
        data=DataInfo(
            source=build.samples.source,
            sha256=build.samples.sha256,
            samples=len(run.ticks),
            labelled=samples.labels is not None,
            class_names=build.samples.class_names,
        ),
        checks=checks,
        findings=(*build.findings, *accuracy_findings(samples.labels, accuracy, run.outputs)),
        timings=tuple(timings),
    )


def _agreement_check(build: Build) -> tuple[Check, ...]:
    """Of methods that train: the .tflite is the model that was trained."""
    found = build.quantized.agreement
    return () if found is None else (Check(name="conversion", passed=not has_gap(found), message=describe(found)),)


def _kinds(run: DeviceRun) -> set[str]:
    return set(run.device.split(", "))


def _core(build: Build, run: DeviceRun) -> str | None:
    if _kinds(run) <= {"native", "tflm-host", "litert-host"}:
        return "host"
    return run.about.get("machine") if run.about else build.board.core


def _selftest_message(passed: bool, run: DeviceRun) -> str:
    if run.about:
        same = "the same outputs" if passed else "other outputs"
        who = "the interpreter that hands out layers" if run.trace_points else "the model, compiled anew,"
        return f"{who} gives {same}"
    if passed:
        return "the firmware's golden input gives the golden output"
    return "the firmware's golden input gives another output than TensorFlow Lite Micro"


def _full_integer_check(build: Build) -> Check:
    graph = build.quantized.graph
    types = sorted({t.dtype.value for t in (*graph.input_tensors, *graph.output_tensors)})
    message = f"{len(graph.ops)} ops, all integer; {' and '.join(types)} in and out"
    if build.findings:
        message = f"{len(build.findings)} findings, the first: {build.findings[0].where}: {build.findings[0].message}"
    return Check(name="full integer", passed=not build.findings, message=message)


def _model(build: Build) -> ModelInfo:
    from edgeq.model.inspect import summarize

    graph = build.quantized.graph
    summary = summarize(graph)
    return ModelInfo(
        name=build.name,
        format=build.source_format,
        sha256=graph.sha256,
        source_sha256=build.source_sha256,
        size_bytes=graph.size,
        ops=len(graph.ops),
        macs=summary.macs,
        parameters=summary.parameters,
        inputs=tuple(tensor_info(t) for t in graph.input_tensors),
        outputs=tuple(tensor_info(t) for t in graph.output_tensors),
    )


def _memory(build: Build, run: DeviceRun) -> MemoryInfo:
    on_target = _kinds(run) <= {"emulated", "qemu"} or run.board == build.board.name
    memory = _with_measured_stack(build.image.memory, run.stack_bytes if on_target else None)
    return MemoryInfo(
        flash_bytes=memory.flash_bytes,
        ram_bytes=memory.ram_bytes,
        arena_bytes=memory.arena_bytes,
        stack_bytes=memory.stack_bytes,
        stack_measured=memory.stack_measured,
        flash_limit=build.flash_limit or build.board.flash.length,
        ram_limit=build.ram_limit or build.board.ram.length,
        tflm_arena_bytes=None if build.tflm_arena_bytes is None else arena_estimate(build.tflm_arena_bytes),
        sections=memory.sections,
        plan=arena_plan(build.program) if build.tflm is None else None,
        arena_used_bytes=run.arena_used_bytes if on_target else None,
    )


def _with_measured_stack(memory: MemoryUse, measured: int | None) -> MemoryUse:
    """The memory with the stack's high-water mark in place of its reserved size, where it was measured."""
    if measured is None:
        return memory
    saved = memory.stack_bytes - measured
    sections = tuple(
        dataclasses.replace(s, ram=max(0, s.ram - saved)) if s.group is Group.STACK else s for s in memory.sections
    )
    return dataclasses.replace(
        memory, ram_bytes=memory.ram_bytes - saved, stack_bytes=measured, stack_measured=True, sections=sections
    )


def _drift_checks(drift: DriftInfo | None, max_lsb: int) -> tuple[Check, ...]:
    if drift is None:
        return ()
    primary = drift.primary
    allowed = "0 allowed" if max_lsb == 0 else f"up to {max_lsb} LSB allowed"
    checks = [
        Check(
            name="drift",
            passed=primary.max_lsb <= max_lsb,
            message=f"{primary.mismatches:,} of {primary.outputs:,} outputs differ from "
            f"{REFERENCE_NAMES[primary.reference]}, by at most {primary.max_lsb} LSB ({allowed})",
        )
    ]
    traced = [row for row in drift.layers if row.point is not None]
    if traced:
        differing = [row for row in traced if row.differing_samples]
        message = f"all {len(traced)} layers have the reference's fingerprints on {traced[0].samples} samples"
        if differing:
            message = f"{len(differing)} of {len(traced)} layers differ, the first is {differing[0].label}"
        checks.append(Check(name="layers", passed=not differing or max_lsb > 0, message=message))
    return tuple(checks)


def _budget_checks(memory: MemoryInfo, *, reserved_stack: int) -> tuple[Check, ...]:
    stack = ", stack included"
    if memory.stack_measured:
        # --ram-limit and the linker count the other figure.
        stack += f" as it was used; {reserved_stack:,} bytes of it are reserved, {memory.stack_bytes:,} were used"
    return tuple(
        Check(
            name=name,
            passed=limit is None or used <= limit,
            message=f"{fmt.size(used)} of {fmt.size(limit)}" + extra,
        )
        for name, used, limit, extra in (
            ("flash", memory.flash_bytes, memory.flash_limit, ""),
            ("RAM", memory.ram_bytes, memory.ram_limit, stack),
        )
    )


def _accuracy_check(accuracy: AccuracyInfo, max_drop: float | None) -> tuple[Check, ...]:
    if max_drop is None:
        return ()
    if accuracy.float_host is None or accuracy.device is None:
        return (Check(name="accuracy", passed=False, message="--max-drop needs a float model and labels to compare"),)
    drop = accuracy.float_host.value - accuracy.device.value
    return (
        Check(
            name="accuracy",
            passed=drop <= max_drop,
            message=f"float {accuracy.float_host.value:.2%}, device {accuracy.device.value:.2%}: a drop of "
            f"{100 * drop:.2f} points, {100 * max_drop:.2f} allowed",
        ),
    )
