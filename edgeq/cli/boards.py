"""`edgeq boards`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgeq.cli._common import PATH, ByteSize, json_option

if TYPE_CHECKING:
    from edgeq.boards import Board


class MemoryRange(click.ParamType["tuple[int, int]"]):
    """A memory as SIZE@ADDRESS: 1M@0x08000000; (address, bytes)."""

    name = "size@address"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """The memory; fails with a usage error."""
        if isinstance(value, tuple):
            return value
        size, _, address = str(value).partition("@")
        try:
            origin = int(address, 0)
        except ValueError:
            self.fail(f"{value!r} is no SIZE@ADDRESS, such as 1M@0x08000000.", param, ctx)
        length = ByteSize().convert(size, param, ctx)
        if not 0 <= origin <= origin + length <= 1 << 32:
            self.fail(f"{value!r} is not within the 4 GiB of addresses.", param, ctx)
        return origin, length


@click.group("boards", invoke_without_command=True)
@json_option
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> int:
    """The boards that edgeq knows: core, clock, memories, and how far each was tried.

    `edgeq boards new` makes a folder for one that it does not know.
    """
    if ctx.invoked_subcommand is not None:
        return 0
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
                "uart": b.uart.pins if b.uart else None,
                "tried": b.tried,
            }
            for b in boards
        ]
        click.echo(json.dumps(rows, indent=2))
    else:
        _print(boards)
    return 0


@command.command("new")
@click.argument("folder", type=PATH)
@click.option("--core", required=True, help="cortex-m0, cortex-m0plus, cortex-m3, -m4, -m7, -m33 or -m55.")
@click.option("--flash", type=MemoryRange(), required=True, help="Where code and weights go: 1M@0x08000000.")
@click.option("--ram", type=MemoryRange(), required=True, help="Where arena and stack go: 128K@0x20000000.")
@click.option("--clock-hz", type=click.IntRange(1), default=16_000_000, show_default=True, help="Of the core.")
def new(folder: Path, core: str, flash: tuple[int, int], ram: tuple[int, int], clock_hz: int) -> int:
    """Write FOLDER for a board of your own; the last part of its path is the board's name.

    Its firmware compiles at once. Places to be filled in are marked FILL IN: the UART's registers, the clock, the pins.

    \b
    Example
      edgeq boards new my-board --core cortex-m4 --flash 1M@0x08000000 --ram 128K@0x20000000
      edgeq build model.tflite --board ./my-board --device /dev/ttyUSB0 --flash --probe gdb://localhost:3333
    """
    from edgeq.boards import Memory
    from edgeq.boards.new import NewBoard, write_board

    board = NewBoard(
        core=core,
        flash=Memory(name="flash", origin=flash[0], length=flash[1]),
        ram=Memory(name="ram", origin=ram[0], length=ram[1]),
        clock_hz=clock_hz,
    )
    for file in write_board(folder, board):
        places = file.read_text(encoding="utf-8").count("FILL IN")
        click.echo(f"{file}" + (f": {places} places marked FILL IN" if places else ""))
    click.echo(f"\nThen: edgeq build … --board {folder} --device native (or its port: /dev/ttyACM0)")
    return 0


def _print(boards: tuple[Board, ...]) -> None:
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
    click.echo("\nYour own board: edgeq boards new, or any folder with a board.toml, given as --board path/to/folder.")
