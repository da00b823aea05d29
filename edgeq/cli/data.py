"""`edgeq data`."""

from __future__ import annotations

from pathlib import Path

import click

from edgeq.cli._common import PATH, json_option, trust_option


@click.group("data")
def command() -> None:
    """Look at a data set before it is used. `edgeq data check --help` describes the forms that it can have."""


@command.command("check")
@click.argument("data")
@click.option("--model", type=PATH, help="Check against this model's inputs and outputs, too.")
@trust_option
@json_option
def check(data: str, model: Path | None, trusted: bool, as_json: bool) -> int:
    """Say what is in DATA, and whether it can be used.

    The forms of DATA are the same as in `edgeq build --data`.

    \b
    data.npz           x_test, y_test, x_train, y_train; optional x_val, y_val,
                       x_calib, class_names, group_test. Inputs exactly as the
                       model takes them, already scaled. Several inputs:
                       x_test_0, x_test_1, … in the model's order, or
                       x_test_<name of the input>.
    images/            images/train/<class>/*.png, images/test/<class>/*.png
                       (optional val/, calib/); or images/<class>/*.png, of which
                       a fifth is kept for testing. Classes are numbered in the
                       alphabetical order of their folders' names.
    images?scale=S     pixel values become S: 0..1 (default), -1..1, 0..255.
    images?resize=yes  images are fitted to the model. Both options, quoted:
                       'images?scale=-1..1&resize=yes'.
    module:function    a Python function without arguments, found from the
                       current folder; returns a dict of the arrays above.
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
