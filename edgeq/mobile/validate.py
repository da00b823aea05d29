"""A finished mobile build on a device: outputs against the host's, and a report."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgeq.errors import InputError
from edgeq.link.codes import BAUD
from edgeq.mobile.builds import MobileBuild, open_mobile
from edgeq.mobile.device import agreement, check_mobile_device, run_variant
from edgeq.mobile.measure import model_inputs
from edgeq.mobile.platforms import platforms_of
from edgeq.mobile.summary import Ran, make_report
from edgeq.mobile.variant import Variant
from edgeq.records import DeviceAgreement, Profile, Progress, Reference, ReferenceOutputs, VariantKind
from edgeq.reference import available, run_references
from edgeq.sharing import expanded, journal_of
from edgeq.stopwatch import Stopwatch

if TYPE_CHECKING:
    from edgeq.report.record import Report


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
    if probe is not None:
        raise InputError(f"--flash is for boards; {folder} is a build for phones.", hint="Leave it out.")
    build, clock = open_mobile(folder), Stopwatch()
    named = expanded(devices, jobs)
    for one in dict.fromkeys(named):
        check_mobile_device(one)
    chosen, answers = build.variant(variant or default_variant(build))
    x = tuple(a[:samples] for a in build.samples.inputs)
    with clock("run"):
        progress.start(f"Starting {', '.join(dict.fromkeys(named))}")
        ran, profile, selftest = run_variant(
            build, chosen, named, x, progress, baud=baud, threads=build.info.host.threads, timed=True,
            journal=journal_of(folder), resume=resume,
        )  # fmt: skip
    with clock("reference"):
        others = _other_interpreters(chosen, model_inputs(chosen.graph, x), progress)
    found = {chosen.kind: agreement(chosen, answers, ran)}
    with clock("compare"):
        progress.start("Comparing")
        report = make_report(
            with_agreements(build, found), kind=chosen.kind, references=others, max_lsb=max_lsb, max_drop=max_drop,
            ran={chosen.kind: Ran(run=ran, profile=profile, selftest=selftest)}, timings=(),
        )  # fmt: skip
    return dataclasses.replace(report, timings=clock.timings)


def _other_interpreters(
    variant: Variant, inputs: Sequence[NDArray[np.generic]], progress: Progress
) -> tuple[ReferenceOutputs, ...]:
    """What LiteRT's reference kernels and TFLM answer, where the variant is of integers and they can run it: how far
    interpreters on one host are apart shows what the device's difference is worth."""
    if variant.kind not in (VariantKind.INT8, VariantKind.INT16X8):
        return ()
    progress.start("Running the samples in other interpreters")
    wanted = [r for r in (Reference.TFLM, Reference.LITERT_REFERENCE) if available(r)]
    return run_references(variant.content, inputs, wanted, required=()).outputs


def default_variant(build: MobileBuild) -> VariantKind:
    """The one that is run where none is named."""
    kinds = [variant.kind for variant in build.variants]
    return VariantKind.INT8 if VariantKind.INT8 in kinds else build.info.recommendation.kind


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
    chosen, _ = build.variant(variant or default_variant(build))
    x = tuple(a[:1] for a in build.samples.inputs)
    threads = build.info.host.threads
    _, profile, _ = run_variant(build, chosen, [device], x, progress, baud=baud, threads=threads, timed=True)
    return profile
