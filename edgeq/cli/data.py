"""`edgeq data`."""

from __future__ import annotations

from pathlib import Path

import click

from edgeq.cli._common import PATH, json_option, trust_option


@click.group("data")
def command() -> None:
    """Look at a data set before it is used."""


@command.command("check")
@click.argument("data")
@click.option("--model", type=PATH, help="Check against this model's inputs and outputs, too.")
@trust_option
@json_option
def check(data: str, model: Path | None, trusted: bool, as_json: bool) -> int:
    """Say what is in DATA, and whether it can be used.

    DATA is an .npz, a folder of images by class, or module:callable, as in `edgeq build --data`.
    """
    import json
    from dataclasses import asdict

    import edgeq
    from edgeq.data import render_data_summary

    summary = edgeq.check_data(data, model=model, trusted=trusted)
    if as_json:
        click.echo(json.dumps(asdict(summary), indent=2))
    else:
        from rich.console import Console

        Console().print(render_data_summary(summary))
    return 0
