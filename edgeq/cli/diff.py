"""`edgeq diff`."""

from __future__ import annotations

from pathlib import Path

import click

from edgeq.cli._common import PATH, json_option


@click.command("diff")
@click.argument("old", type=PATH)
@click.argument("new", type=PATH)
@json_option
def command(old: Path, new: Path, as_json: bool) -> int:
    """What changed from report OLD to report NEW: accuracy, drift, cycles, bytes.

    OLD and NEW are report.json files, or the build folders that hold them. Exit code 1 if something got worse. Builds
    of one .tflite with both engines stand side by side; what they cost is then no change for the worse.
    """
    import json

    import edgeq
    from edgeq.report.diff import render_diff, to_dict

    result = edgeq.diff(old, new)
    if as_json:
        click.echo(json.dumps(to_dict(result), indent=2))
    else:
        from rich.console import Console

        Console().print(render_diff(result))
    return 1 if result.regressed else 0
