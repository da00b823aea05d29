"""`edgeq demo`."""

from __future__ import annotations

from pathlib import Path

import click

from edgeq.cli._common import PATH, device_option, json_option, progress, seed_option, show


@click.command("demo")
@click.option(
    "--out",
    type=PATH,
    default=Path("edgeq-demo"),
    show_default=True,
    help="Folder for the model, its data and the build: empty, or an earlier demo.",
)
@device_option
@seed_option
@json_option
def command(out: Path, device: str | None, seed: int, as_json: bool) -> int:
    """Train a small CNN on scikit-learn's digits, then do with it what `edgeq build` does.

    Leaves model.keras and data.npz in the folder, so that `edgeq build` can be tried on them.
    """
    import edgeq

    with progress(quiet=as_json) as bars:
        report = edgeq.demo(out, device=device, seed=seed, progress=bars)
    return show(report, as_json=as_json, html=out / "build" / "report.html")
