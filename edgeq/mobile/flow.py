"""`edgeq build` for phones and single-board computers: read this first.

model + data ──► load ──► variants ──► metadata ──► LiteRT on this host, side by side ──► recommendation ──► report
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgeq.devices.names import is_serial
from edgeq.errors import InputError
from edgeq.inputs import Source, read_source, real_samples, with_float_outputs
from edgeq.mobile.bench import this_host
from edgeq.mobile.builds import MobileBuild, save_mobile
from edgeq.mobile.convert import make_variants
from edgeq.mobile.describe import Facts, described, refuse_second_metadata
from edgeq.mobile.device import Ran, agreement, check_mobile_device, host_answers, run_variant
from edgeq.mobile.labels import labelled_output, read_labels
from edgeq.mobile.measure import Measured, measure_variants
from edgeq.mobile.metadata import read_metadata
from edgeq.mobile.normalization import find_normalization
from edgeq.mobile.platforms import platforms_of
from edgeq.mobile.recommend import recommend
from edgeq.mobile.summary import make_report
from edgeq.mobile.validate import with_agreements
from edgeq.mobile.variant import Variants, given_variant
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.load import detect_format
from edgeq.options import BuildOptions, refuse_foreign, refuse_quantizing
from edgeq.output import check_replaceable, replaced_folder
from edgeq.quantize import QuantizeOptions
from edgeq.records import DeviceAgreement, Method, ModelFormat, Progress, VariantKind
from edgeq.report.files import write_report
from edgeq.report.record import VariantsInfo
from edgeq.sharing import expanded
from edgeq.stopwatch import Stopwatch

if TYPE_CHECKING:
    from edgeq.report.record import Report


def build_mobile(options: BuildOptions, *, progress: Progress | None = None) -> Report:
    """Make every variant of a model, measure them side by side in LiteRT, and recommend one.

    Args:
        options: what to do, and where to put it; `target.is_mobile`.
        progress: told what is going on.

    Returns:
        The report, which is in the output folder too.

    Raises:
        InputError: an option, the model, the labels or the data are wrong.
        InterpreterError: LiteRT refuses the first variant.
    """
    progress, clock = progress or Progress(), Stopwatch()
    given = detect_format(options.model) is ModelFormat.TFLITE
    refuse_foreign(options)
    if given:
        refuse_quantizing(options)
    elif options.method is Method.INT16X8:
        raise InputError(
            f"--method 16x8 cannot be given with --target {options.target.value}: 16x8 is one of its variants.",
            hint="Leave it out; --method says how the int8 variant is made: ptq, auto, qat or qat-tfmot.",
        )
    devices = _devices(options)
    labels = read_labels(options.labels) if options.labels is not None else ()
    check_replaceable(options.out)

    with replaced_folder(options.out) as folder:
        with clock("load"):
            source = read_source(options, progress)
        with clock("convert"):
            variants = _variants(source, options, progress)
        with clock("metadata"):
            facts, normalization, labels_from = _facts(source, variants, options, labels)
            made = tuple(described(v, facts) for v in variants.made) if facts is not None else variants.made
        with clock("measure"):
            samples = real_samples(source, options)
            measured = measure_variants(
                made, samples.inputs, samples.labels, threads=options.threads, margin=options.margin, progress=progress
            )
        with clock("reference"):
            samples = with_float_outputs(samples, source, progress)
        kept = {row.kind for row in measured.rows}
        build = MobileBuild(
            folder=folder, name=options.model.stem, target=options.target, source_format=source.format.value,
            source_sha256=source.float_model.sha256 if source.float_model else None,
            variants=tuple(v for v in made if v.kind in kept), answers=measured.answers,
            info=_info(options, variants, measured, normalization, labels_from), samples=samples,
            notes=source.warnings,
        )  # fmt: skip
        save_mobile(build)
        report = _on_devices(build, devices, options, progress, clock)
        write_report(report, folder)
    return report


def _devices(options: BuildOptions) -> tuple[str, ...]:
    """The devices that the variants are to run on.

    Raises:
        InputError, ToolError: as `check_mobile_device`; or a port, whose agent cannot have the variants yet.
    """
    if options.resume:
        raise InputError(
            f"--resume cannot be given with --target {options.target.value}.",
            hint="Build without it; `edgeq validate` resumes an interrupted run.",
        )
    devices = expanded(options.devices, options.jobs)
    for device in dict.fromkeys(devices):
        check_mobile_device(device)
        if is_serial(device):
            raise InputError(
                f"An agent at {device} serves one file, and this build is yet to make the variants.",
                hint="Build first. Then, with `edgeq agent` on the device running one of the build's variants/: edgeq "
                f"validate {options.out} --variant NAME --device {device}",
            )
    return devices


def _on_devices(
    build: MobileBuild, devices: Sequence[str], options: BuildOptions, progress: Progress, clock: Stopwatch
) -> Report:
    """Every variant on the devices, and the report; of the recommended one in detail."""
    ran: dict[VariantKind, Ran] = {}
    found: dict[VariantKind, DeviceAgreement] = {}
    with clock("run"):
        for variant, answers in zip(build.variants, build.answers, strict=True):
            progress.start(f"Starting {', '.join(dict.fromkeys(devices))} with the {variant.kind.value} variant")
            run, profile, selftest = run_variant(
                build, variant, devices, build.samples.inputs, progress, threads=options.threads
            )
            host = host_answers(variant, answers, run, build.samples.inputs)
            found[variant.kind] = agreement(variant, host, run)
            ran[variant.kind] = Ran(run=run, profile=profile, selftest=selftest, host=host)
    return make_report(
        with_agreements(build, found), kind=build.info.recommendation.kind, ran=ran, max_lsb=options.max_lsb,
        max_drop=options.max_drop, max_off_xnnpack=options.max_off_xnnpack, timings=clock.timings,
    )  # fmt: skip


def _variants(source: Source, options: BuildOptions, progress: Progress) -> Variants:
    if source.float_model is None:
        content = source.tflite or b""
        return given_variant(content, parse_tflite(content, where=str(options.model)))
    chosen = QuantizeOptions(
        method=options.method, calibration_samples=options.calibration_samples, seed=options.seed,
        ranges=options.ranges, equalize=options.equalize, bias_correction=options.bias_correction,
        training=options.training, progress=progress,
    )  # fmt: skip
    return make_variants(source.float_model, source.data, chosen, progress)


def _facts(
    source: Source, variants: Variants, options: BuildOptions, labels: tuple[str, ...]
) -> tuple[Facts | None, str, str]:
    """What goes into the metadata, and where normalization and labels are from, in words. None: the model keeps the
    metadata that it has."""
    graph = variants.made[0].graph
    flags = [f for f, value in (("--labels", labels), ("--normalization", options.normalization)) if value]
    if source.tflite is not None:
        refuse_second_metadata(source.tflite, flags=" and ".join(flags))
        if read_metadata(source.tflite) is not None:
            return None, "the model's own metadata", "the model's own metadata"
    normalization, known = find_normalization(options.normalization, source.data, source.float_model, graph)
    labelled = labelled_output(labels, graph, where=str(options.labels)) if labels else None
    labels_from = options.labels.name if options.labels is not None else "none"
    if not labels and source.data.class_names:
        labels, labels_from = source.data.class_names, "the data's class names"
        labelled = labelled_output(labels, graph, where="")
        if labelled is None:
            labels, labels_from = (), "none: no output has as many entries as the data have class names"
    facts = Facts(
        name=options.model.stem, labels=labels, labelled=labelled, normalization=normalization,
        images=source.data.pixels is not None,
    )  # fmt: skip
    if normalization is not None:
        mean, std = ("/".join(f"{v:g}" for v in values) for values in (normalization.mean, normalization.std))
        known = f"(x − {mean}) / {std}: {known}"
    return facts, known, labels_from


def _info(
    options: BuildOptions, variants: Variants, measured: Measured, normalization: str, labels: str
) -> VariantsInfo:
    refused = {r.kind: r for r in (*variants.refused, *measured.refused)}
    return VariantsInfo(
        target=options.target.value,
        platforms=platforms_of(options.target),
        host=this_host(options.threads),
        margin=measured.margin,
        normalization=normalization,
        labels=labels,
        rows=measured.rows,
        refused=tuple(refused.values()),
        recommendation=recommend(measured.rows, measured.margin),
    )
