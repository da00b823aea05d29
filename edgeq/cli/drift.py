"""`edgeq drift`."""

from __future__ import annotations

from pathlib import Path

import click

from edgeq.cli._common import PATH, baud_option, device_option, flash_option, json_option, probe_option, progress


@click.command("drift")
@click.argument("build", type=PATH)
@device_option
@baud_option
@flash_option
@probe_option
@click.option("--samples", type=click.IntRange(1), default=4, show_default=True, help="Test samples that are traced.")
@json_option
def command(build: Path, device: str | None, baud: int, flash: bool, probe: str, samples: int, as_json: bool) -> int:
    """Layer by layer: where does the device leave the host, and by how much?

    The device sends a fingerprint of every layer's output; only layers whose fingerprint differs are fetched and
    compared element by element. Exit code 1 if a layer differs.

    The firmware must be one that traces; the build's own, which is measured, does not. For emulators edgeq makes one
    on the spot. For a board, --flash writes one, and puts the build's own back; `edgeq flash BUILD --traced` leaves it
    there; without a probe, `make TRACE=1 firmware` in BUILD/project makes one to be flashed by hand.
    """
    import json
    from dataclasses import asdict

    import edgeq

    with progress(quiet=as_json) as bars:
        layers = edgeq.drift(
            build, device=device, baud=baud, probe=probe if flash else None, samples=samples, progress=bars
        )
    if as_json:
        click.echo(json.dumps([asdict(layer) for layer in layers], indent=2))
    else:
        from rich.console import Console

        from edgeq.report.tables import render_layers

        Console().print(render_layers(layers))
    return 1 if any(layer.differing_samples for layer in layers) else 0
