"""A finished mobile build on a device: outputs against the host's, and a report."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgeq.host import content_for, held_reference, worth_tracing
from edgeq.link.codes import BAUD
from edgeq.mobile.builds import MobileBuild, open_mobile, refuse_probe
from edgeq.mobile.choice import choose_variant
from edgeq.mobile.device import Ran, agreement, check_mobile_device, host_answers, run_variant
from edgeq.mobile.layers import references_of, trace_variant
from edgeq.mobile.measure import Arrays, model_inputs
from edgeq.mobile.platforms import platforms_of
from edgeq.mobile.summary import make_report
from edgeq.mobile.variant import Variant
from edgeq.records import (
    DeviceAgreement,
    DeviceRun,
    LayerTable,
    Profile,
    Progress,
    Reference,
    ReferenceOutputs,
    VariantKind,
)
from edgeq.reference import run_references
from edgeq.sharing import expanded, journal_of
from edgeq.stopwatch import Stopwatch

if TYPE_CHECKING:
    from edgeq.report.record import Report

TRACED_SAMPLES = 4
"""Of those that ran, so many are compared layer by layer."""


def validate_mobile(
    folder: Path,
    *,
    devices: Sequence[str],
    variant: VariantKind | None = None,
    jobs: int = 1,
    samples: int | None = None,
    max_lsb: int = 0,
    max_drop: float | None = None,
    baud: int = BAUD,
    probe: str | None = None,
    resume: bool = False,
    progress: Progress,
) -> Report:
    """Run the test samples of one variant of a build on devices, and compare. Nothing in the build is changed.

    Args as `edgeq.validate`; `variant` None takes int8, or where there is none the recommended one.

    Raises:
        InputError: no build, no such variant, or an option for boards.
        UnavailableError: the device is missing, silent, broken, or runs another model.
    """
    refuse_probe(probe, folder)
    build, clock = open_mobile(folder), Stopwatch()
    named = expanded(devices, jobs)
    for one in dict.fromkeys(named):
        check_mobile_device(one)
    chosen, answers = build.variant(choose_variant(build, named, variant, baud=baud))
    x = tuple(a[:samples] for a in build.samples.inputs)
    with clock("run"):
        progress.start(f"Starting {', '.join(dict.fromkeys(named))}")
        ran, profile, selftest = run_variant(
            build, chosen, named, x, progress, baud=baud, threads=build.info.host.threads, timed=True,
            journal=journal_of(folder), resume=resume,
        )  # fmt: skip
    with clock("reference"):
        host = host_answers(chosen, answers, ran, x)
        others, refused = _other_interpreters(chosen, ran.engine, model_inputs(chosen.graph, x), progress)
    with clock("layers"):
        layers = _layers(build, chosen, named, ran, x, (host, *others), progress, baud=baud)
    notes = dict.fromkeys((*build.notes, *refused, *(layers.notes if layers else ())))
    build, found = dataclasses.replace(build, notes=tuple(notes)), {chosen.kind: agreement(chosen, host, ran)}
    with clock("compare"):
        progress.start("Comparing")
        result = Ran(run=ran, profile=profile, selftest=selftest, host=host, layers=layers.columns if layers else {})
        report = make_report(
            with_agreements(build, found), kind=chosen.kind, ran={chosen.kind: result}, references=others,
            max_lsb=max_lsb, max_drop=max_drop, timings=(),
        )  # fmt: skip
    return dataclasses.replace(report, timings=clock.timings)


def _other_interpreters(
    variant: Variant, engine: str, inputs: Arrays, progress: Progress
) -> tuple[tuple[ReferenceOutputs, ...], tuple[str, ...]]:
    """What the other interpreters here answer, where the variant is of integers: how far interpreters on one host are
    apart shows what the device's difference is worth. And why, where one cannot run it."""
    if variant.kind not in (VariantKind.INT8, VariantKind.INT16X8):
        return (), ()
    progress.start("Running the samples in other interpreters")
    known = (held_reference(engine), Reference.LITERT_DEFAULT)
    found: list[ReferenceOutputs] = []
    refused: list[str] = []
    for reference in references_of(variant, engine):
        if reference not in known:
            ran = run_references(content_for(variant, reference), inputs, [reference], required=())
            found += ran.outputs
            refused += (failure.message for failure in ran.failures.values())
    return tuple(found), tuple(refused)


def _layers(
    build: MobileBuild,
    variant: Variant,
    devices: Sequence[str],
    ran: DeviceRun,
    x: Arrays,
    answers: Sequence[ReferenceOutputs],
    progress: Progress,
    *,
    baud: int,
) -> LayerTable | None:
    """Against each reference that answered, the layers of a few samples, those first whose outputs differ; None where
    the first device hands out none."""
    if not ran.trace_points:
        return None
    count = min(TRACED_SAMPLES, len(x[0]))
    chosen = list(range(count)) if variant.graph.is_stateful else worth_tracing(ran.outputs, answers, count)
    traced = tuple(a[chosen] for a in x)
    wanted = [one.reference for one in answers]
    return trace_variant(build, variant, devices[0], traced, progress, baud=baud, references=wanted)


def with_agreements(build: MobileBuild, found: dict[VariantKind, DeviceAgreement]) -> MobileBuild:
    """The build with what devices gave in its table; only that counts for its platforms."""
    rows = tuple(dataclasses.replace(row, device=found.get(row.kind)) for row in build.info.rows)
    info = dataclasses.replace(build.info, rows=rows, platforms=platforms_of(build.target, rows))
    return dataclasses.replace(build, info=info)


def profile_mobile(
    folder: Path, *, device: str, variant: VariantKind | None = None, baud: int = BAUD, progress: Progress
) -> Profile | None:
    """The latency of one inference of a variant; None where the device tells no times.

    Raises:
        InputError, UnavailableError: as `validate_mobile`.
    """
    build = open_mobile(folder)
    check_mobile_device(device)
    chosen, _ = build.variant(choose_variant(build, [device], variant, baud=baud))
    x = tuple(a[:1] for a in build.samples.inputs)
    threads = build.info.host.threads
    _, profile, _ = run_variant(build, chosen, [device], x, progress, baud=baud, threads=threads, timed=True)
    return profile
