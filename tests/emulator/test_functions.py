"""Functions of the firmware one at a time on the emulated core, in states that neither emulator reaches by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import unicorn
from unicorn import arm_const as arm

from edgeq.boards import Board, Memory, load_board
from edgeq.devices.machine import Machine
from edgeq.records import Image
from edgeq.toolchain.elf import variable

ImageOf = Callable[..., Image]
BOARD, USART1_IRQ, RING = "netduinoplus2", 37, 4096
F7_REGISTERS = (
    Memory(name="PWR", origin=0x4000_7000, length=0x1000),
    Memory(name="GPIO, RCC, flash", origin=0x4002_0000, length=0x4000),
)


class Core:
    """A core with an image, not started. `interrupt` is called in front of every instruction of what `call` runs."""

    def __init__(self, image: Image, board: Board) -> None:
        self.machine = Machine(image.elf, board, None, starved=int, full=int, faulted=lambda what: None)
        self.uc = self.machine._uc
        self.elf = image.elf
        self._stop = board.ram.origin + board.ram.length - 64
        self.uc.reg_write(arm.UC_ARM_REG_SP, self._stop - 1024)

    def address(self, name: str) -> int:
        function = self.machine.symbols.find(name)
        assert function is not None
        return function.address & ~1

    def begin(self, name: str) -> None:
        self.uc.reg_write(arm.UC_ARM_REG_LR, self._stop | 1)
        self.uc.reg_write(arm.UC_ARM_REG_PC, self.address(name) | 1)

    def go(self, steps: int) -> bool:
        """On by that many instructions, 0: without end; whether it has returned."""
        pc = self.uc.reg_read(arm.UC_ARM_REG_PC)
        if pc & ~1 != self._stop:
            self.uc.emu_start(pc | 1, self._stop, count=steps)
        return self.uc.reg_read(arm.UC_ARM_REG_PC) & ~1 == self._stop

    def interrupt(self, steps: int = 1000) -> bool:
        """The receiver's handler; whether it comes to its end."""
        before = self.uc.context_save()
        self.begin("edgeq_receiver_entry")
        done = self.go(steps)
        self.uc.context_restore(before)
        return done

    def variable(self, name: str, value: int | None = None) -> int:
        place = variable(self.elf, name)
        assert place is not None
        if value is not None:
            self.uc.mem_write(place[0], value.to_bytes(4, "little"))
        return int.from_bytes(bytes(self.uc.mem_read(place[0], 4)), "little")


@pytest.fixture
def core(image_of: ImageOf) -> Core:
    core = Core(image_of(BOARD), load_board(BOARD))
    core.uc.reg_write(arm.UC_ARM_REG_R0, USART1_IRQ)
    core.begin("edgeq_receiver_start")
    assert core.go(100)
    assert core.machine.system.irq_enabled(USART1_IRQ)
    return core


@pytest.mark.parametrize("free", [0, 1])
def test_the_receivers_interrupt_never_stays_off(core: Core, free: int) -> None:
    """A byte comes in front of any instruction of main's read: the interrupt is on again when it has returned, or goes
    off with a full ring, and on with the next read."""
    system, uart = core.machine.system, core.machine.uart
    start = 2**32 - 7
    for when in range(60):
        core.variable("edgeq_receiver_got", start)
        core.variable("edgeq_receiver_put", (start + RING - free) % 2**32)
        uart.received[:] = b"\x11\x22\x33"
        system.write(system.ISER + 4 * (USART1_IRQ // 32), 1 << USART1_IRQ % 32)
        if free == 0:
            assert core.interrupt()  # finds it full
        core.begin("edgeq_board_read")
        returned = core.go(when) if when else False
        if uart.received and system.irq_enabled(USART1_IRQ):
            assert core.interrupt()
        assert returned or core.go(1000)
        filled = (core.variable("edgeq_receiver_put") - core.variable("edgeq_receiver_got")) % 2**32
        assert filled <= RING
        assert system.irq_enabled(USART1_IRQ) or filled == RING, f"off for ever, by a byte at instruction {when}"
        if returned:
            return
    raise AssertionError("edgeq_board_read does not return")


def test_what_lies_across_the_rings_end_is_read_together(core: Core) -> None:
    """Not more than there is room for, and in order."""
    ring, place = variable(core.elf, "edgeq_receiver_ring"), core.machine.board.ram.origin + 0x8000
    assert ring is not None
    core.uc.mem_write(ring[0] + RING - 3, b"abc")
    core.uc.mem_write(ring[0], b"defg")
    core.variable("edgeq_receiver_got", 2**32 - 3)
    core.variable("edgeq_receiver_put", 4)
    pieces = []
    for room in (5, 100, 100):
        core.uc.reg_write(arm.UC_ARM_REG_R0, place)
        core.uc.reg_write(arm.UC_ARM_REG_R1, room)
        core.begin("edgeq_board_read_many")
        assert core.go(1000)
        pieces.append(bytes(core.uc.mem_read(place, core.uc.reg_read(arm.UC_ARM_REG_R0))))
    assert pieces == [b"abcde", b"fg", b""]


def test_an_overrun_that_leaves_no_byte_ends(core: Core) -> None:
    """ORE without RXNE keeps the interrupt pending until the register is read, which is no byte then."""
    uart = core.machine.uart
    uart.overrun = True
    before = core.variable("edgeq_receiver_put")
    assert core.interrupt()
    assert not uart.overrun
    assert core.variable("edgeq_receiver_put") == before


def test_an_overrun_beside_a_byte_keeps_the_byte(core: Core) -> None:
    uart = core.machine.uart
    uart.overrun, uart.received[:] = True, b"\x5a"
    before = core.variable("edgeq_receiver_put")
    assert core.interrupt()
    assert (uart.overrun, core.variable("edgeq_receiver_put") - before) == (False, 1)


def test_the_masks_of_a_bootloader_are_cleared(core: Core) -> None:
    for mask in (arm.UC_ARM_REG_BASEPRI, arm.UC_ARM_REG_FAULTMASK):
        core.uc.reg_write(mask, 1)
        assert core.uc.reg_read(mask) == 1
    core.begin("edgeq_reset")
    core.uc.emu_start(core.address("edgeq_reset") | 1, core.address("edgeq_prepare_memory"), count=100)
    assert core.uc.reg_read(arm.UC_ARM_REG_PC) & ~1 == core.address("edgeq_prepare_memory")
    assert core.uc.reg_read(arm.UC_ARM_REG_BASEPRI) == core.uc.reg_read(arm.UC_ARM_REG_FAULTMASK) == 0


@pytest.mark.parametrize("name", [BOARD, "nucleo-f767zi"])
def test_a_clock_that_does_not_switch_leaves_no_divider(name: str, image_of: ImageOf) -> None:
    """Crystal and PLL are ready, and the core's clock stays at 16 MHz: the UART has it, undivided."""
    board = load_board(name)
    if board.unicorn_cpu is None:
        board = replace(board, unicorn_cpu="CORTEX_M7", emulated_counter=None, emulated_registers=F7_REGISTERS)
    core = Core(image_of(name), board)
    cr, cfgr, pwr_cr1, pwr_csr1 = 0x4002_3800, 0x4002_3808, 0x4000_7000, 0x4000_7004

    def word(address: int) -> int:
        return int.from_bytes(bytes(core.uc.mem_read(address, 4)), "little")

    def ready(uc: Any, _access: int, address: int, _size: int, _value: int, _data: Any) -> None:
        if address == cr:
            uc.mem_write(cr, (word(cr) | (word(cr) & (1 << 16 | 1 << 24)) << 1).to_bytes(4, "little"))
        elif address == pwr_csr1:
            uc.mem_write(pwr_csr1, bytes(uc.mem_read(pwr_cr1, 4)))

    for place in (cr, pwr_csr1):
        core.uc.hook_add(unicorn.UC_HOOK_MEM_READ, ready, begin=place, end=place)
    written: dict[int, int] = {}
    uart = core.machine.uart
    uart.write = written.__setitem__  # type: ignore[method-assign]
    core.begin("edgeq_board_init")
    assert core.go(0)
    assert word(cr) >> 25 & 1
    assert word(cfgr) == 0
    divisor = written[0x08 if name == BOARD else 0x0C]
    assert divisor == round(16_000_000 / 115_200)
