"""`edgeq validate`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from edgeq.cli._common import (
    PATH,
    Fraction,
    baud_option,
    devices_option,
    flash_option,
    jobs_option,
    json_option,
    probe_option,
    progress,
    resume_option,
    show,
)
from edgeq.cli._mobile import variant_option


@click.command("validate")
@click.argument("build", type=PATH)
@devices_option
@variant_option
@jobs_option
@baud_option
@flash_option
@probe_option
@click.option("--samples", type=click.IntRange(1), help="At most so many test samples.  [default: all of the build's]")
@click.option(
    "--max-lsb",
    type=click.IntRange(0, 255),
    default=0,
    show_default=True,
    help="Largest difference that passes: from TensorFlow Lite Micro, of LiteRT from the same kernels on this host.",
)
@click.option("--max-drop", type=Fraction(), help="Largest loss of accuracy from float to device that passes.")
@resume_option
@json_option
def command(build: Path, as_json: bool, flash: bool, probe: str, **options: Any) -> int:
    """Run the test samples of BUILD on a device again, and compare.

    BUILD is a folder that `edgeq build` wrote; it knows its own model, data and references. Nothing in it is changed.
    A device that runs another model is refused. Of a build for phones, one variant runs, in LiteRT on this machine, on
    an emulated phone-class processor (--device arm64), or behind an `edgeq agent` (--device socket://host:port).

    Several devices share the samples, and one that drops out leaves its samples to the others. While it runs, the
    answers are kept in BUILD.journal; after Ctrl-C or an error, --resume does the rest.
    """
    import edgeq

    with progress(quiet=as_json) as bars:
        report = edgeq.validate(build, probe=probe if flash else None, progress=bars, **options)
    return show(report, as_json=as_json)
