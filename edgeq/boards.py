"""Boards: what `firmware/boards/<name>/board.toml` says, validated.

A board is a folder with three files: `board.toml` (this module), `board.c` (firmware/include/edgeq/board.h) and
`link.ld`. A user's own folder works like one of ours: give its path instead of a name. The file's keys::

    title, core, clock_hz, tried          what it is; "host" as core means a program of this machine
    features                              of "dsp", "fpu", "mve"
    sources, headers, linker_includes     shared files it needs, relative to firmware/ or to the board's folder
    [memory.<name>] origin, length        "flash" and "ram" (not for core = "host")
    [uart] kind, address, irq             what an emulator has to model
    [counter] kind, address, hz           likewise
    [emulation] qemu_machine, unicorn_cpu both optional: which emulators can play the board
    [compile] zig_target, zig_cpu, gcc_flags
"""

from __future__ import annotations

import difflib
import itertools
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from edgeq import resources
from edgeq.errors import InputError

HOST = "host"
FEATURES = frozenset({"dsp", "fpu", "mve"})
CORES = ("cortex-m0", "cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55", HOST)

_T = TypeVar("_T")
_KEYS = {
    "title", "core", "clock_hz", "tried", "features", "sources", "headers", "linker_includes", "memory", "uart",
    "counter", "emulation", "compile",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """An address range: `origin` and `length` in bytes."""

    name: str
    origin: int
    length: int

    @property
    def end(self) -> int:
        """The first address behind it."""
        return self.origin + self.length


@dataclass(frozen=True, slots=True, kw_only=True)
class Uart:
    """The serial port of the link; `kind` names the register layout, `irq` the receive interrupt."""

    kind: str
    address: int
    irq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """The 32-bit up-counter behind edgeq_board_ticks; `address` is its value register."""

    kind: str
    address: int
    hz: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A board. `sources`, `headers`, `linker_includes` and `linker_script` are absolute paths.

    `sources` are the C files that make the board, besides the engine and the link; `linker_script` is None for the
    host. `qemu_machine` and `unicorn_cpu` are None where that emulator cannot play the board.
    """

    name: str
    title: str
    folder: Path
    core: str
    features: frozenset[str]
    clock_hz: int
    tried: str
    memories: tuple[Memory, ...]
    uart: Uart | None
    counter: Counter | None
    qemu_machine: str | None
    unicorn_cpu: str | None
    zig_target: str | None
    zig_cpu: str | None
    gcc_flags: tuple[str, ...]
    sources: tuple[Path, ...]
    headers: tuple[Path, ...]
    linker_script: Path | None
    linker_includes: tuple[Path, ...]

    @property
    def is_host(self) -> bool:
        """Whether its firmware is a program of this machine."""
        return self.core == HOST

    @property
    def flash(self) -> Memory:
        """Where code and weights are (length 0 on the host)."""
        return self._memory("flash")

    @property
    def ram(self) -> Memory:
        """Where variables, arena and stack are (length 0 on the host)."""
        return self._memory("ram")

    def _memory(self, name: str) -> Memory:
        return next((m for m in self.memories if m.name == name), Memory(name=name, origin=0, length=0))


def board_names() -> tuple[str, ...]:
    """Names of all boards that come with edgeq, sorted."""
    return tuple(sorted(p.parent.name for p in (resources.firmware() / "boards").glob("*/board.toml")))


def list_boards() -> tuple[Board, ...]:
    """All boards that come with edgeq, sorted by name.

    Raises:
        InputError: a board.toml is wrong.
    """
    return tuple(load_board(name) for name in board_names())


def load_board(name: str) -> Board:
    """The board of that name, or in that folder.

    Args:
        name: a name from `board_names()`, or the path of a folder that holds a board.toml.

    Raises:
        InputError: no such board, or its board.toml is wrong.
    """
    known = board_names()
    if name in known:
        return _read(resources.firmware() / "boards" / name)
    folder = Path(name)
    if (folder / "board.toml").is_file():
        return _read(folder.resolve())
    close = difflib.get_close_matches(name, known, n=1)
    guess = f" Did you mean {close[0]}?" if close else ""
    raise InputError(
        f"There is no board {name!r}, and no folder of that name with a board.toml.{guess}",
        hint=f"Known boards: {', '.join(known)}.",
    )


class _Table:
    """A TOML table whose reads name the file and the key when something is missing or wrong."""

    def __init__(self, file: Path, where: str, values: dict[str, Any]) -> None:
        self.file, self.where, self.values = file, where, values

    def wrong(self, key: str, what: str) -> InputError:
        return InputError(f"{self.file}: {self.where}{key} {what}.", hint="See firmware/boards/mps2-an386/board.toml.")

    def get(self, key: str, kind: type[_T]) -> _T:
        if key not in self.values:
            raise self.wrong(key, "is missing")
        value = self.values[key]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.wrong(key, f"must be a {'number' if kind is int else 'text'}, not {value!r}")
        return value

    def number(self, key: str, low: int, high: int) -> int:
        value = self.get(key, int)
        if not low <= value <= high:
            raise self.wrong(key, f"is {value:#x}, out of the range {low:#x} to {high:#x}")
        return value

    def optional_text(self, key: str) -> str | None:
        return self.get(key, str) if key in self.values else None

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.values.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise self.wrong(key, f"must be a list of texts, not {value!r}")
        return tuple(value)

    def table(self, key: str) -> _Table | None:
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self.wrong(key, f"must be a table, not {value!r}")
        return _Table(self.file, f"{self.where}{key}.", value)

    def files(self, key: str) -> tuple[Path, ...]:
        return tuple(self.file_at(text, key) for text in self.texts(key))

    def file_at(self, text: str, key: str) -> Path:
        for root in (self.file.parent, resources.firmware()):
            if (root / text).is_file():
                return (root / text).resolve()
        raise self.wrong(key, f"names {text!r}, which is neither beside it nor in edgeq's firmware folder")


def _read(folder: Path) -> Board:
    file = folder / "board.toml"
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise InputError(f"{file}: cannot be read: {exc}", hint="See firmware/boards/mps2-an386/board.toml.") from exc
    top = _Table(file, "", values)
    for key in values:
        if key not in _KEYS:
            raise top.wrong(key, "is not a key that edgeq knows")
    core = top.get("core", str)
    if core not in CORES:
        raise top.wrong("core", f"is {core!r}, not one of {', '.join(CORES)}")
    features = frozenset(top.texts("features"))
    if not features <= FEATURES:
        raise top.wrong(
            "features", f"has {', '.join(sorted(features - FEATURES))}; known are {', '.join(sorted(FEATURES))}"
        )
    host = core == HOST
    empty = _Table(file, "", {})
    emulation, build = top.table("emulation") or empty, top.table("compile") or empty
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
        counter=_counter(top),
        qemu_machine=emulation.optional_text("qemu_machine"),
        unicorn_cpu=emulation.optional_text("unicorn_cpu"),
        zig_target=build.optional_text("zig_target") if host else build.get("zig_target", str),
        zig_cpu=build.optional_text("zig_cpu") if host else build.get("zig_cpu", str),
        gcc_flags=build.texts("gcc_flags"),
        sources=(top.file_at("board.c", "board.c"), *top.files("sources")),
        headers=top.files("headers"),
        linker_script=None if host else top.file_at("link.ld", "link.ld"),
        linker_includes=top.files("linker_includes"),
    )


def _memories(top: _Table) -> tuple[Memory, ...]:
    table = top.table("memory")
    found = []
    for name in table.values if table else ():
        one = table.table(name) if table else None
        if one is not None:
            origin = one.number("origin", 0, 0xFFFF_FFFF)
            length = one.number("length", 1, 0x1_0000_0000 - origin)
            found.append(Memory(name=name, origin=origin, length=length))
    for needed in ("flash", "ram"):
        if needed not in {m.name for m in found}:
            raise top.wrong(f"memory.{needed}", "is missing")
    found.sort(key=lambda m: m.origin)
    for low, high in itertools.pairwise(found):
        if low.end > high.origin:
            raise top.wrong(f"memory.{high.name}", f"overlaps memory.{low.name}")
    return tuple(found)


def _uart(top: _Table) -> Uart | None:
    table = top.table("uart")
    if table is None:
        return None
    return Uart(
        kind=table.get("kind", str), address=table.number("address", 0, 0xFFFF_FFFF), irq=table.number("irq", 0, 495)
    )


def _counter(top: _Table) -> Counter | None:
    table = top.table("counter")
    if table is None:
        return None
    return Counter(
        kind=table.get("kind", str), address=table.number("address", 0, 0xFFFF_FFFF), hz=table.number("hz", 1, 10**10)
    )
