"""`board.toml` to Board. The file's keys::

    title, core, clock_hz, tried          what it is; "host" as core means a program of this machine
    features                              of "dsp", "fpu", "mve"
    sources, headers, linker_includes     shared files it needs, relative to firmware/ or to the board's folder
    [memory.<name>] origin, length        "flash" and "ram" (not for core = "host"), and others
    [uart] kind, address, irq, pins       the line: register layout, receive interrupt, pins in words (optional)
    [counter] kind, address, hz           what edgeq_board_ticks reads
    [emulation] qemu_machine, unicorn_cpu both optional: which emulators can play the board
    [emulation.counter]                   what edgeq_board_ticks reads in an emulator, if that is something else
    [emulation] registers                 list of { origin, length }: plain memory to the built-in emulator
    [chip] address, mask, value           optional: a register that tells the chip, so that no other one is flashed
    [flash] pyocd_target                  optional: pyOCD's name of the chip
    [flash] uf2_family, uf2_board         optional: of boards that are flashed by copying a UF2 file
    [compile] zig_target, zig_cpu, gcc_flags

Addresses and lengths are in bytes.
"""

from __future__ import annotations

import itertools
from pathlib import Path

from edgeq import resources
from edgeq.boards.cores import CORES, HOST
from edgeq.boards.record import Board, ChipId, Counter, Flashing, Memory, Uart
from edgeq.toml_table import Table, read_toml

FEATURES = frozenset({"dsp", "fpu", "mve"})

_HINT = "See firmware/boards/mps2-an386/board.toml."
_KEYS = (
    "title", "core", "clock_hz", "tried", "features", "sources", "headers", "linker_includes", "memory", "uart",
    "counter", "emulation", "compile", "chip", "flash",
)  # fmt: skip


def read_board(folder: Path) -> Board:
    """The board in a folder.

    Raises:
        InputError: its board.toml is missing or wrong; the message names the key.
    """
    top = read_toml(folder / "board.toml", hint=_HINT)
    top.only(*_KEYS)
    core = top.get("core", str)
    if core not in CORES:
        raise top.wrong("core", f"is {core!r}, not one of {', '.join(CORES)}")
    features = frozenset(top.texts("features"))
    if not features <= FEATURES:
        raise top.wrong(
            "features", f"has {', '.join(sorted(features - FEATURES))}; known are {', '.join(sorted(FEATURES))}"
        )
    host = core == HOST
    emulation = top.part("emulation", "qemu_machine", "unicorn_cpu", "counter", "registers")
    build = top.part("compile", "zig_target", "zig_cpu", "gcc_flags")
    flash = top.part("flash", "pyocd_target", "uf2_family", "uf2_board")
    counter = _counter(top)
    return Board(
        name=folder.name,
        title=top.get("title", str),
        folder=folder,
        core=core,
        features=features,
        clock_hz=top.number("clock_hz", 0 if host else 1, 10**10),
        tried=top.get("tried", str),
        memories=() if host else _memories(top),
        uart=_uart(top),
        counter=counter,
        qemu_machine=emulation.optional_text("qemu_machine"),
        unicorn_cpu=emulation.optional_text("unicorn_cpu"),
        emulated_counter=_counter(emulation) or counter,
        emulated_registers=tuple(_memory("registers", t) for t in emulation.tables("registers")),
        chip=_chip(top),
        flashing=Flashing(
            pyocd_target=flash.optional_text("pyocd_target"),
            uf2_family=flash.number("uf2_family", 0, 0xFFFF_FFFF) if "uf2_family" in flash.values else None,
            uf2_board=flash.optional_text("uf2_board"),
        ),
        zig_target=build.optional_text("zig_target") if host else build.get("zig_target", str),
        zig_cpu=build.optional_text("zig_cpu") if host else build.get("zig_cpu", str),
        gcc_flags=build.texts("gcc_flags"),
        sources=(_file(top, "board.c", "board.c"), *_files(top, "sources")),
        headers=_files(top, "headers"),
        linker_script=None if host else _file(top, "link.ld", "link.ld"),
        linker_includes=_files(top, "linker_includes"),
    )


def _memories(top: Table) -> tuple[Memory, ...]:
    table = top.table("memory")
    found = [_memory(name, one) for name in (table.values if table else ()) if table and (one := table.table(name))]
    for needed in ("flash", "ram"):
        if needed not in {m.name for m in found}:
            raise top.wrong(f"memory.{needed}", "is missing")
    found.sort(key=lambda m: m.origin)
    for low, high in itertools.pairwise(found):
        if low.end > high.origin:
            raise top.wrong(f"memory.{high.name}", f"overlaps memory.{low.name}")
    return tuple(found)


def _memory(name: str, table: Table) -> Memory:
    table.only("origin", "length")
    origin = table.number("origin", 0, 0xFFFF_FFFF)
    return Memory(name=name, origin=origin, length=table.number("length", 1, 0x1_0000_0000 - origin))


def _uart(top: Table) -> Uart | None:
    table = top.table("uart")
    if table is None:
        return None
    table.only("kind", "address", "irq", "pins")
    return Uart(
        kind=table.get("kind", str), address=table.number("address", 0, 0xFFFF_FFFF), irq=table.number("irq", 0, 495),
        pins=table.optional_text("pins"),
    )  # fmt: skip


def _counter(where: Table) -> Counter | None:
    table = where.table("counter")
    if table is None:
        return None
    table.only("kind", "address", "hz")
    return Counter(
        kind=table.get("kind", str), address=table.number("address", 0, 0xFFFF_FFFF), hz=table.number("hz", 1, 10**10)
    )


def _chip(top: Table) -> ChipId | None:
    table = top.table("chip")
    if table is None:
        return None
    table.only("address", "mask", "value")
    return ChipId(
        address=table.number("address", 0, 0xFFFF_FFFF),
        mask=table.number("mask", 1, 0xFFFF_FFFF),
        value=table.number("value", 0, 0xFFFF_FFFF),
    )


def _files(top: Table, key: str) -> tuple[Path, ...]:
    return tuple(_file(top, text, key) for text in top.texts(key))


def _file(top: Table, text: str, key: str) -> Path:
    for root in (top.file.parent, resources.firmware()):
        if (root / text).is_file():
            return (root / text).resolve()
    raise top.wrong(key, f"names {text!r}, which is neither beside it nor in edgeq's firmware folder")
