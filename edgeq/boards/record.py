"""What a board is: frozen records."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgeq.boards.cores import HOST


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
    """The serial port of the link; `kind` names the register layout, `irq` the receive interrupt, `pins` where the
    line comes out, in words."""

    kind: str
    address: int
    irq: int
    pins: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """A 32-bit up-counter behind edgeq_board_ticks; `address` is its value register."""

    kind: str
    address: int
    hz: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipId:
    """A register that tells the chip: `value` after `mask`."""

    address: int
    mask: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Flashing:
    """What a flasher has to know. Each is None where that way is not known to work.

    `pyocd_target` is pyOCD's name of the chip. `uf2_family` and `uf2_board` belong to boards that are flashed by
    copying a UF2 file: the file's family, and the Board-ID in their drive's INFO_UF2.TXT.
    """

    pyocd_target: str | None
    uf2_family: int | None
    uf2_board: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """A board. `sources`, `headers`, `linker_includes` and `linker_script` are absolute paths.

    `sources` are the C files that make the board, besides the engine and the link; `linker_script` is None for the
    host. `qemu_machine` and `unicorn_cpu` are None where that emulator cannot play the board. There the firmware finds
    `emulated_counter`, and in the built-in emulator `emulated_registers`, which are plain memory to it. `chip` is None
    where nothing but the core tells a wrong chip.
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
    emulated_counter: Counter | None
    emulated_registers: tuple[Memory, ...]
    chip: ChipId | None
    flashing: Flashing
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
