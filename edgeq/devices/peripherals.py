"""Models of what the firmware touches outside of memory: counter and system control space. UARTs: uarts.py.

Each has `read(offset) -> int` and `write(offset, value)`, offsets in bytes from its base. A new kind of counter is a
class here and a line in `COUNTERS`.
"""

from __future__ import annotations

from collections.abc import Callable

from edgeq.boards.cores import CPUID

# Cores with the memory protection unit of Armv7-M.
_MPU_V7 = frozenset({"cortex-m3", "cortex-m4", "cortex-m7"})


class UpCounter:
    """A free-running 32-bit counter at offset 0. `ticks` says how far it is."""

    def __init__(self, ticks: Callable[[], int]) -> None:
        """`ticks` is asked at every read."""
        self._ticks = ticks

    def read(self, offset: int) -> int:
        """The counter's value."""
        return self._ticks() & 0xFFFF_FFFF if offset == 0 else 0

    def write(self, offset: int, value: int) -> None:
        """Read-only: nothing happens."""


class SystemControl:
    """The private peripheral bus as far as this firmware needs it (Armv7-M ARM, B3.2).

    Registers keep what is written to them, with the exceptions below. SysTick and the cycle counter stand still.
    """

    ISER, ICER, ISPR, ICPR = 0xE100, 0xE180, 0xE200, 0xE280
    CPUID, AIRCR, SHCSR, CFSR, HFSR, MMFAR, BFAR = 0xED00, 0xED0C, 0xED24, 0xED28, 0xED2C, 0xED34, 0xED38
    MPU_TYPE, MPU_CTRL, MPU_RNR, MPU_RBAR, MPU_RASR = 0xED90, 0xED94, 0xED98, 0xED9C, 0xEDA0
    _MPU_REGIONS = 8
    _ONE_CLEARS = frozenset({CFSR, HFSR})

    def __init__(self, core: str, reset: Callable[[], None]) -> None:
        """`reset` is called when the firmware asks for a system reset."""
        self.registers: dict[int, int] = {self.CPUID: CPUID.get(core, 0)}
        if core in _MPU_V7:
            self.registers[self.MPU_TYPE] = self._MPU_REGIONS << 8
        self._regions: dict[int, tuple[int, int]] = {}
        self._enabled: set[int] = set()
        self._reset = reset

    def protects(self, address: int) -> bool:
        """Whether the memory protection unit is on and one of its regions holds the address.

        The unit is not asked before every access: it says whether an access that failed anyway (nothing there, or a
        write to flash) is one that it would have refused before the bus.
        """
        if not self.registers.get(self.MPU_CTRL, 0) & 1:
            return False
        return any(a & 1 and b <= address < b + (2 << (a >> 1 & 31)) for b, a in self._regions.values())

    def power_on(self) -> None:
        """Back to the state after a reset, except for what the program never changes."""
        keep = (self.CPUID, self.MPU_TYPE)
        self.registers = {k: v for k, v in self.registers.items() if k in keep}
        self._regions.clear()
        self._enabled.clear()

    def irq_enabled(self, irq: int) -> bool:
        """Whether the NVIC would let that interrupt wake the core up."""
        return irq in self._enabled

    def read(self, offset: int) -> int:
        """A register."""
        if self.ISER <= offset < self.ISPR:
            first = (offset & 0x7F) * 8
            return sum(1 << (irq - first) for irq in self._enabled if first <= irq < first + 32)
        return self.registers.get(offset, 0)

    def write(self, offset: int, value: int) -> None:
        """A register."""
        if self.ISER <= offset < self.ISPR:
            irqs = {(offset & 0x7F) * 8 + bit for bit in range(32) if value >> bit & 1}
            self._enabled = self._enabled | irqs if offset < self.ICER else self._enabled - irqs
        elif offset == self.AIRCR:
            if value >> 16 == 0x05FA and value & 4:
                self._reset()
        elif offset in self._ONE_CLEARS:
            self.registers[offset] = self.registers.get(offset, 0) & ~value
        elif offset not in (self.CPUID, self.MPU_TYPE):
            self.registers[offset] = value
            if offset == self.MPU_RASR:
                self._regions[self.registers.get(self.MPU_RNR, 0)] = (self.registers.get(self.MPU_RBAR, 0) & ~31, value)


COUNTERS = {"mps2-fpgaio": UpCounter, "stm32-tim": UpCounter}
