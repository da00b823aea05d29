"""A variant on a device, layer by layer, against the interpreters of this host."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from edgeq.errors import InterpreterError
from edgeq.host import content_for, held_reference
from edgeq.link.codes import BAUD
from edgeq.mobile.builds import MobileBuild, open_mobile
from edgeq.mobile.choice import choose_variant
from edgeq.mobile.device import check_mobile_device, started
from edgeq.mobile.measure import Arrays, model_inputs
from edgeq.mobile.variant import Variant
from edgeq.records import LayerDrift, LayerTable, Progress, Reference, VariantKind
from edgeq.reference import available
from edgeq.tracing import TracedLayers, traceable_interpreter


def references_of(variant: Variant, engine: str) -> tuple[Reference, ...]:
    """Whom a variant is compared with: the kernels that the device runs, then the others that this host has.

    TensorFlow Lite Micro is asked about integers alone: nobody ships its float kernels to a phone.

    Args:
        variant: what runs.
        engine: of the device's HELLO.
    """
    held = held_reference(engine) or Reference.LITERT_DEFAULT
    integer = variant.kind in (VariantKind.INT8, VariantKind.INT16X8)
    others = (Reference.LITERT_DEFAULT, Reference.LITERT_REFERENCE, *((Reference.TFLM,) if integer else ()))
    return (held, *(r for r in others if r is not held and available(r)))


def trace_variant(
    build: MobileBuild,
    variant: Variant,
    device: str,
    x: Arrays,
    progress: Progress,
    *,
    baud: int = BAUD,
    references: Sequence[Reference] | None = None,
) -> LayerTable:
    """All layers of a variant on a device against each reference.

    Args:
        build: that the variant belongs to.
        variant: what runs.
        device: where; an agent that hands out layers.
        x: real values of the samples, one array per model input.
        progress: told how far it is.
        baud: of a serial port.
        references: whom to compare with; None: `references_of`. One that cannot run the variant, but for the first, is
            left out, with a note.

    Raises:
        DeviceError: the agent gives whole outputs only.
        DeviceError, LinkError, ToolError: as `started`.
        InterpreterError: the first reference crashed or refused the variant.
    """
    inputs = model_inputs(variant.graph, x)
    columns: dict[Reference, tuple[LayerDrift, ...]] = {}
    notes = []
    with started(build, variant, device, baud=baud, threads=build.info.host.threads) as (_, session):
        what = traceable_interpreter(variant.graph, partial(content_for, variant), device, session.hello)
        layers = TracedLayers(what, session, inputs, progress)
        for reference in references or references_of(variant, session.hello.engine):
            try:
                columns[reference] = layers.against(reference)
            except InterpreterError as exc:
                if not columns:
                    raise
                notes.append(exc.message)
    return LayerTable(device=device, columns=columns, notes=tuple(notes))


def drift_mobile(
    folder: Path, *, device: str, variant: VariantKind | None, samples: int, baud: int, progress: Progress
) -> LayerTable:
    """`edgeq drift` of a mobile build: its first samples. Nothing in the build is changed.

    Raises:
        InputError: no build, no such variant, or a device for firmware.
        UnavailableError: the device is missing, silent or broken, runs another model, or gives whole outputs only.
    """
    build = open_mobile(folder)
    check_mobile_device(device)
    chosen, _ = build.variant(choose_variant(build, [device], variant, baud=baud))
    progress.start(f"Starting {device}")
    x = tuple(a[:samples] for a in build.samples.inputs)
    return trace_variant(build, chosen, device, x, progress, baud=baud)
