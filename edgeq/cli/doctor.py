"""`edgeq doctor`."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from edgeq.cli._common import json_option, progress


@click.command("doctor")
@json_option
@click.option("--install", type=click.Choice(["arm64"]), help="Download and unpack what --device arm64 needs, 65 MB.")
def command(as_json: bool, install: str | None) -> int:
    """What is installed, what is missing, and the command that fixes it.

    Exit code 0 if the default path (zig, the emulated board) can run, 3 if something that it needs is missing.
    """
    from edgeq.installation import State, examine, healthy

    if install is not None:
        from edgeq.devices import arm64

        with progress(quiet=as_json) as bars:
            arm64.install(bars)
    checks = examine()
    if as_json:
        click.echo(json.dumps([asdict(c) | {"state": c.state.value} for c in checks], indent=2))
        return 0 if healthy(checks) else 3
    from rich.console import Console
    from rich.table import Table

    marks = {State.OK: "[green]✓[/]", State.OPTIONAL: "[yellow]–[/]", State.MISSING: "[red]✗[/]"}
    table = Table(box=None, pad_edge=False)
    for header in ("", "what", "found", "what for"):
        table.add_column(
            header, no_wrap=header == "what", min_width=max(len(c.name) for c in checks) if header == "what" else None
        )
    for c in checks:
        table.add_row(marks[c.state], c.name, c.found, c.use)
    console = Console()
    console.print(table)
    for title, state in (("Missing:", State.MISSING), ("Optional, for what stands beside it above:", State.OPTIONAL)):
        fixes = [c for c in checks if c.fix and c.state is state]
        if fixes:
            console.print(f"\n{title}")
        for c in fixes:
            console.print(f"  {c.fix}", highlight=False, markup=False, soft_wrap=True)
    console.print("\nReady: edgeq demo" if healthy(checks) else "\n[red]Not ready.[/] See ✗ above.")
    return 0 if healthy(checks) else 3
