"""`edgeq drift`."""

from __future__ import annotations

from pathlib import Path

import click

from edgeq.cli._common import PATH, baud_option, device_option, flash_option, json_option, probe_option, progress
from edgeq.cli._mobile import variant_option
from edgeq.records import VariantKind


@click.command("drift")
@click.argument("build", type=PATH)
@device_option
@variant_option
@baud_option
@flash_option
@probe_option
@click.option("--samples", type=click.IntRange(1), default=4, show_default=True, help="Test samples that are traced.")
@json_option
def command(
    build: Path,
    device: str | None,
    variant: VariantKind | None,
    baud: int,
    flash: bool,
    probe: str,
    samples: int,
    as_json: bool,
) -> int:
    """Layer by layer: where does the device leave the host, and by how much?

    The device sends a fingerprint of every layer's output; only layers whose fingerprint differs are fetched and
    compared element by element. Exit code 1 if a layer differs.

    A build for phones needs an agent in Python (litert-host, arm64, the port of an `edgeq agent`): the native one gives
    whole outputs. Its layers are compared with the same kernels on this host, which decide, and then with the other
    interpreters that this host has.

    The firmware must be one that traces: the build's second image, firmware-traced.elf. Emulators take it by
    themselves. To a board, --flash writes it, and puts the measured one back; `edgeq flash BUILD --traced` leaves it
    there; without a probe, flash it by hand.
    """
    import json

    import edgeq
    from edgeq.report.codec import encode

    with progress(quiet=as_json) as bars:
        table = edgeq.drift_table(
            build, device=device, variant=variant, baud=baud, probe=probe if flash else None, samples=samples,
            progress=bars,
        )  # fmt: skip
    if as_json:
        rows = [
            {"reference": reference.value, **encode(layer)}
            for reference, layers in table.columns.items()
            for layer in layers
        ]
        click.echo(json.dumps(rows, indent=2))
    else:
        from rich.console import Console

        from edgeq.report.tables import render_layers

        Console().print(render_layers(table))
    return 1 if any(layer.differing_samples for layer in table.layers) else 0
