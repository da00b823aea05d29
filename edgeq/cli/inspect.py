"""`edgeq inspect`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from edgeq.cli._common import PATH, json_option


@click.command("inspect")
@click.argument("model", type=PATH)
@json_option
def command(model: Path, as_json: bool) -> int:
    """What is in the .tflite MODEL (or in a build's folder), and is it full-integer?

    Lists ops, shapes, scales, multiply-accumulates and memory, and everything that stands in the way of running it
    as a full-integer model. Exit code 1 if something does.
    """
    import edgeq

    summary, findings = edgeq.inspect(model)
    if as_json:
        click.echo(json.dumps({"summary": asdict(summary), "findings": [asdict(f) for f in findings]}, indent=2))
        return 1 if findings else 0
    from rich.console import Console

    from edgeq.model.inspect import render_summary

    console = Console()
    console.print(render_summary(summary))
    if not findings:
        console.print("[green]✓[/] full-integer int8, and every op is supported")
        return 0
    # What mends several findings is said once, after the last of them.
    for fix in dict.fromkeys(finding.fix for finding in findings):
        for finding in findings:
            if finding.fix == fix:
                console.print("[red]✗[/] ", end="")
                console.print(f"{finding.where}: {finding.message}", markup=False, highlight=False)
        console.print(f"  {fix}", markup=False, highlight=False)
    return 1
