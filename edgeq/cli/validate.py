"""`edgeq validate`."""

from __future__ import annotations

from pathlib import Path

import click

from edgeq.cli._common import (
    PATH,
    Fraction,
    baud_option,
    device_option,
    flash_option,
    json_option,
    probe_option,
    progress,
    show,
)


@click.command("validate")
@click.argument("build", type=PATH)
@device_option
@baud_option
@flash_option
@probe_option
@click.option("--samples", type=click.IntRange(1), help="At most so many test samples.  [default: all of the build's]")
@click.option(
    "--max-lsb",
    type=click.IntRange(0, 255),
    default=0,
    show_default=True,
    help="Largest difference from TensorFlow Lite Micro that passes.",
)
@click.option("--max-drop", type=Fraction(), help="Largest loss of accuracy from float to device that passes.")
@json_option
def command(
    build: Path,
    device: str,
    baud: int,
    flash: bool,
    probe: str,
    samples: int | None,
    max_lsb: int,
    max_drop: float | None,
    as_json: bool,
) -> int:
    """Run the test samples of BUILD on a device again, and compare.

    BUILD is a folder that `edgeq build` wrote; it knows its own model, data and references. Nothing in it is changed.
    A device that runs another model is refused.
    """
    import edgeq

    with progress(quiet=as_json) as bars:
        report = edgeq.validate(
            build,
            device=device,
            baud=baud,
            probe=probe if flash else None,
            samples=samples,
            max_lsb=max_lsb,
            max_drop=max_drop,
            progress=bars,
        )
    return show(report, as_json=as_json)
