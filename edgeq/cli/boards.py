"""`edgeq boards`."""

from __future__ import annotations

import json

import click

from edgeq.cli._common import json_option


@click.command("boards")
@json_option
def command(as_json: bool) -> int:
    """The boards that edgeq knows: core, clock, memories, and how far each was tried."""
    from edgeq.boards import list_boards

    boards = list_boards()
    if as_json:
        rows = [
            {
                "name": b.name,
                "title": b.title,
                "core": b.core,
                "clock_hz": b.clock_hz,
                "flash_bytes": b.flash.length,
                "ram_bytes": b.ram.length,
                "tried": b.tried,
            }
            for b in boards
        ]
        click.echo(json.dumps(rows, indent=2))
        return 0
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for header in ("board", "core", "clock", "flash", "RAM", "tried"):
        table.add_column(header, justify="right" if header in ("clock", "flash", "RAM") else "left")
    for b in boards:
        table.add_row(
            b.name,
            b.core,
            "–" if b.is_host else f"{b.clock_hz / 1e6:g} MHz",
            "–" if b.is_host else f"{b.flash.length // 1024:,} K",
            "–" if b.is_host else f"{b.ram.length // 1024:,} K",
            b.tried,
        )
    Console().print(table)
    click.echo("\nYour own board: a folder with a board.toml, given as --board path/to/folder.")
    return 0
