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
def command(build: Path, device: str, baud: int, flash: bool, probe: str, samples: int, as_json: bool) -> int:
    """Layer by layer: where does the device leave the host, and by how much?

    The device sends a fingerprint of every layer's output; only layers whose fingerprint differs are fetched and
    compared element by element. Needs a firmware built for tracing: for emulators edgeq builds it on the spot.
    Exit code 1 if a layer differs.
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
