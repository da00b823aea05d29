"""An STM32F4 as a debugger sees it: core, flash controller, debug registers. A process of its own, for Unicorn is GPL.

`python stm32f4_chip.py`: each line of stdin is a JSON list, a method's name and its arguments; each line of stdout its
result. Registers: RM0090 (3.9 flash interface), Armv7-M ARM (C1 debug).
"""

from __future__ import annotations

import contextlib
import json
import struct
import sys
from typing import Any

from unicorn import UC_ARCH_ARM, UC_HOOK_INTR, UC_MODE_MCLASS, UC_MODE_THUMB, Uc, UcError
from unicorn import arm_const as arm

FLASH, FLASH_SIZE = 0x0800_0000, 0x10_0000
RAM, RAM_SIZE = 0x2000_0000, 0x4_0000
PPB = 0xE000_0000
CONTROLLER, CONTROL = 0x4002_3C00, 0x4002_3C10
LOCK, START, MASS_ERASE, SECTOR_ERASE = 1 << 31, 1 << 16, 1 << 2, 1 << 1
DHCSR, DCRSR, DCRDR, DEMCR, AIRCR, DFSR = 0xE000_EDF0, 0xE000_EDF4, 0xE000_EDF8, 0xE000_EDFC, 0xE000_ED0C, 0xE000_ED30
CORE_REGISTERS = [
    *(getattr(arm, f"UC_ARM_REG_R{i}") for i in range(13)),
    arm.UC_ARM_REG_SP, arm.UC_ARM_REG_LR, arm.UC_ARM_REG_PC,
]  # fmt: skip
PC, XPSR, MSP = 15, 16, 17


class Chip:
    """`read` and `write` are a debugger's accesses; None and False mean a bus fault."""

    def __init__(self, cpuid: int, idcode: int, locked: bool, worn: int | None) -> None:
        self.locked, self.worn = locked, worn
        self.core = Uc(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS)
        self.core.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M4)
        self.core.mem_map(FLASH, FLASH_SIZE)
        self.core.mem_write(FLASH, b"\xff" * FLASH_SIZE)
        for start, size in ((RAM, RAM_SIZE), (PPB, 0x10_0000), (0x4000_0000, 0x2_3000), (0x4002_4000, 0x5_C000)):
            self.core.mem_map(start, size)
        self.core.mem_map(0x1FFF_0000, 0x1_0000)
        self.core.mmio_map(
            CONTROLLER & -0x1000, 0x1000, lambda _, o, *__: self._controller(o), None,
            lambda _, o, __, value, *___: self._control(o, value), None,
        )  # fmt: skip
        self.core.hook_add(UC_HOOK_INTR, lambda core, *_: core.emu_stop())  # a breakpoint ends the flash algorithm
        self._component(0xE00F_F000, 0x4C4, 1, ((0xE000_E000 - 0xE00F_F000) & 0xFFFF_F000 | 3, 0))
        self._component(0xE000_E000, 0x00C, 14)
        self._word(0xE000_ED00, cpuid)
        self._word(0xE004_2000, idcode)
        self._word(0xE00F_FFCC, 1)
        self._word(0xE000_EF40, 0x1011_0021)  # MVFR0: the floating-point unit is there
        self.control = LOCK
        self.halted, self.was_reset, self.debug, self.demcr, self.data = False, True, 0, 0, 0
        self.pc, self.xpsr, self.erased = 0, 1 << 24, 0

    def _word(self, address: int, value: int) -> None:
        self.core.mem_write(address, struct.pack("<I", value))

    def _component(self, base: int, part: int, kind: int, entries: tuple[int, ...] = ()) -> None:
        """Identification registers of a CoreSight component, and of a ROM table its entries."""
        for i, value in enumerate((part & 0xFF, 0xB0 | part >> 8, 0x0B, 0)):
            self._word(base + 0xFE0 + 4 * i, value)
        self._word(base + 0xFD0, 4)
        for i, value in enumerate((0x0D, kind << 4, 0x05, 0xB1)):
            self._word(base + 0xFF0 + 4 * i, value)
        for i, value in enumerate(entries):
            self._word(base + 4 * i, value)

    def _controller(self, offset: int) -> int:
        return self.control if offset == CONTROL & 0xFFF else 0

    def _control(self, offset: int, value: int) -> None:
        if offset != CONTROL & 0xFFF:
            return
        self.control = value & ~START
        if value & START and value & SECTOR_ERASE:
            number = value >> 3 & 15
            at, size = (0x4000 * number, 0x4000) if number < 4 else (0x2_0000 * (number - 4), 0x2_0000)
            if number == 4:
                at, size = 0x1_0000, 0x1_0000
            self.core.mem_write(FLASH + at, b"\xff" * size)
            self.erased += size
        elif value & START and value & MASS_ERASE:
            self.core.mem_write(FLASH, b"\xff" * FLASH_SIZE)
            self.erased += FLASH_SIZE

    def reset(self) -> None:
        """The reset line."""
        self.was_reset = True
        stack, start = struct.unpack("<II", bytes(self.core.mem_read(FLASH, 8)))
        for register in CORE_REGISTERS:
            self.core.reg_write(register, 0)
        self.core.reg_write(arm.UC_ARM_REG_SP, stack & ~3)
        self.pc, self.halted = start & ~1, bool(self.demcr & 1)

    def _run(self) -> None:
        """From the program counter to the next breakpoint."""
        self.halted = False
        if FLASH <= self.pc < FLASH + FLASH_SIZE:
            return  # the firmware itself, which this chip has no peripherals for
        self.core.ctl_flush_tb()
        with contextlib.suppress(UcError):
            self.core.emu_start(self.pc | 1, 0xFFFF_FFF0, timeout=20_000_000)
        self.pc, self.halted = self.core.reg_read(arm.UC_ARM_REG_PC), True
        if self.worn is not None:
            self.core.mem_write(self.worn, b"\0")

    def read(self, address: int, size: int) -> int | None:
        """`size` bytes, 1, 2 or 4."""
        if address == DHCSR:
            value = 0x1_0000 | (1 << 17 if self.halted else 0) | self.debug | (1 << 25 if self.was_reset else 0)
            self.was_reset = False
            return value
        special = {DCRDR: self.data, DEMCR: self.demcr, AIRCR: 0xFA05_0000, DFSR: 2 if self.halted else 0}
        if address in special:
            return special[address]
        if CONTROLLER <= address < CONTROLLER + 0x400:
            return self._controller(address & 0xFFF)
        if self.locked and FLASH <= address < FLASH + FLASH_SIZE:
            return None
        try:
            return int.from_bytes(self.core.mem_read(address, size), "little")
        except UcError:
            return None

    def write(self, address: int, size: int, value: int) -> bool:
        """Likewise. Writes of a debugger to flash do nothing."""
        if address == DHCSR and value >> 16 == 0xA05F:
            self.debug = value & 15
            if value & 2:
                self.halted = True
            elif self.halted and value & 1:
                self._run()
        elif address == DCRSR:
            self._transfer(value & 0x7F, bool(value & 1 << 16))
        elif address == DCRDR:
            self.data = value
        elif address == DEMCR:
            self.demcr = value
        elif address == AIRCR:
            if value >> 16 == 0x05FA and value & 5:
                self.reset()
        elif CONTROLLER <= address < CONTROLLER + 0x400:
            self._control(address & 0xFFF, value)
        elif not FLASH <= address < FLASH + FLASH_SIZE:
            try:
                self.core.mem_write(address, value.to_bytes(size, "little"))
            except UcError:
                return False
        return True

    def read_words(self, address: int, count: int) -> list[int | None]:
        return [self.read(address + 4 * i, 4) for i in range(count)]

    def write_words(self, address: int, values: list[int]) -> bool:
        done = [self.write(address + 4 * i, 4, value) for i, value in enumerate(values)]
        return all(done)

    def flash(self, offset: int, size: int) -> str:
        """What is in the flash, in hexadecimal digits."""
        return bytes(self.core.mem_read(FLASH + offset, size)).hex()

    def state(self) -> dict[str, Any]:
        return {"halted": self.halted, "erased": self.erased}

    def _transfer(self, number: int, to_core: bool) -> None:
        register = CORE_REGISTERS[number] if number < PC else arm.UC_ARM_REG_SP if number == MSP else None
        if number == PC:
            self.pc, self.data = (self.data & ~1, self.data) if to_core else (self.pc, self.pc)
        elif number == XPSR:
            self.xpsr, self.data = (self.data, self.data) if to_core else (self.xpsr, self.xpsr)
        elif register is None:
            self.data = self.data if to_core else 0
        elif to_core:
            self.core.reg_write(register, self.data)
        else:
            self.data = self.core.reg_read(register)


def main() -> None:
    chip = Chip(**json.loads(sys.argv[1]))
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        print(json.dumps(getattr(chip, name)(*arguments)), flush=True)


if __name__ == "__main__":
    main()
