"""A Cortex-M board on Unicorn: core and memories from a board file, faults where the core has them.

Imported in the emulator's own process only (edgeq.devices.unicorn_child): Unicorn is GPL.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import unicorn
from unicorn import arm_const as arm

from edgeq.boards import Board
from edgeq.devices import exceptions, faults
from edgeq.devices.address_space import Registers, map_memories, map_registers
from edgeq.devices.alignment import aligned_accesses
from edgeq.devices.checks import AlignmentChecks
from edgeq.devices.counting import BlockCounter
from edgeq.devices.peripherals import COUNTERS, SystemControl
from edgeq.devices.pieces import MemoryPieces
from edgeq.devices.uarts import UARTS
from edgeq.errors import InputError
from edgeq.toolchain.elf import load_segments, symbols, variable

_WFI, _WFI_WIDE = b"\x30\xbf", b"\xaf\xf3\x03\x80"
_CPSIE = b"\x62\xb6"
_NEVER = 0xFFFF_FFFE
_VECTORS, _FIRST_IRQ = "edgeq_vectors", 16
_PIECES = "edgeq_mps_line"
# Of QEMU under -icount shift=6: 64 ns an instruction. A counter of f Hz moves by f × 64e-9 ticks an instruction.
_NS_PER_INSTRUCTION = 64
# Exceptions that Unicorn reports by number (target/arm/cpu.h of the QEMU that it comes from).
_PREFETCH_ABORT, _EXCEPTION_RETURN = 3, 8
_INTERNAL = {
    1: faults.undefined("(the core does not know it)"),
    7: faults.BREAKPOINT,
    17: faults.NO_COPROCESSOR,
    18: faults.INVALID_STATE,
    19: faults.STACK_LIMIT,
}


class Machine:
    """One emulated board with an image in its memory.

    `run` executes until the firmware sleeps for a byte that is not there, or cannot go on (`failure`).
    """

    def __init__(
        self,
        elf: Path,
        board: Board,
        invoke: str | None,
        *,
        starved: Callable[[], None],
        full: Callable[[], None],
        faulted: Callable[[str | None], None],
    ) -> None:
        """`invoke` names the engine's invoke function. `starved` and `full`: see CmsdkUart. `faulted` is told what
        happened when the core faults, and None when it starts anew.

        Raises:
            InputError: the board has a core, UART or counter that this emulator does not have.
        """
        self.board = board
        self.failure: str | None = None
        self._faulted = faulted
        self.symbols = symbols(elf)
        self._segments = load_segments(elf)
        self._uc = self._core(board)
        self._counter: BlockCounter | None = None
        self._block_hook: Any = None
        self._pending: faults.Fault | None = None
        self._pc = 0
        self._reset_wanted = False
        self._interrupted: exceptions.Entered | None = None
        self._interrupt_wanted = self._return_wanted = False
        # A chip's own first stage, if there is one in front of the table, would go there.
        self._vectors = (variable(elf, _VECTORS) or (board.flash.origin, 0))[0]
        self._map(board, starved, full)
        function = self.symbols.find(invoke) if invoke else None
        self._uc.hook_add(unicorn.UC_HOOK_MEM_INVALID, self._on_invalid)
        self._uc.hook_add(unicorn.UC_HOOK_INTR, self._on_exception)
        self._checks = AlignmentChecks(
            self._uc, aligned_accesses(elf, board.core), function.address if function else None, self._set_pending
        )
        place = variable(elf, _PIECES)
        if place is not None:
            self.uart.pieces = MemoryPieces(self._uc, board.ram, *place)
        self._look_for_interrupts()
        self._reset()

    def _look_for_interrupts(self) -> None:
        """Interrupts are taken where the program lets them (CPSIE): nothing is received while it computes."""
        for address, data in self._segments:
            at = data.find(_CPSIE)
            while at >= 0:
                if at % 2 == 0:
                    place = address + at + len(_CPSIE)
                    self._uc.hook_add(unicorn.UC_HOOK_CODE, self._on_unmasked, None, begin=place, end=place)
                at = data.find(_CPSIE, at + 1)

    def _on_unmasked(self, uc: Any, _address: int, _size: int, _data: Any) -> None:
        masked = uc.reg_read(arm.UC_ARM_REG_PRIMASK) or uc.reg_read(arm.UC_ARM_REG_IPSR)
        if not masked and self.uart.received and self.wakes_on_input:
            self._interrupt_wanted = True
            uc.emu_stop()

    @staticmethod
    def _core(board: Board) -> Any:
        model = getattr(arm, f"UC_CPU_ARM_{board.unicorn_cpu}", None)
        if model is None:
            raise InputError(
                f"The built-in emulator cannot play {board.name} (unicorn_cpu: {board.unicorn_cpu}).",
                hint="Try --device qemu.",
            )
        uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        uc.ctl_set_cpu_model(model)
        return uc

    def _map(self, board: Board, starved: Callable[[], None], full: Callable[[], None]) -> None:
        if board.uart is None or board.uart.kind not in UARTS:
            raise InputError(f"The built-in emulator has no UART of the kind that {board.name} names.")
        self.uart = UARTS[board.uart.kind](starved, full)
        self.system = SystemControl(board.core, self._want_reset)
        models: list[tuple[int, Registers]] = [(board.uart.address, self.uart)]
        counter = board.emulated_counter
        if counter is not None:
            if counter.kind not in COUNTERS:
                raise InputError(f"The built-in emulator has no counter of the kind that {board.name} names.")
            models.append((counter.address, COUNTERS[counter.kind](self._ticks)))
        map_memories(self._uc, board)
        map_registers(self._uc, models, self.system)

    # Running

    def run(self) -> None:
        """Until the firmware sleeps, or `failure` is set."""
        while self.failure is None:
            error: unicorn.UcError | None = None
            try:
                self._uc.emu_start(self._pc | 1, _NEVER)
            except unicorn.UcError as exc:
                error = exc
            self._pc = self._uc.reg_read(arm.UC_ARM_REG_PC) & ~1
            if self._pending is not None:
                fault, self._pending = self._pending, None
                self._raise(fault)
            elif self._interrupt_wanted:
                self._interrupt()
            elif self._return_wanted:
                self._return()
            elif error is not None:
                self._raise(self._fault_of(error))
            elif self._reset_wanted:
                self._reset()
            elif self._checks.settled:
                self._checks.settle()
            elif self._is_asleep():
                return
            else:
                self._end(f"the emulation stopped at {self.symbols.where(self._pc)} for no known reason")

    def _end(self, why: str) -> None:
        self.failure = why
        self._faulted(why)

    def _is_asleep(self) -> bool:
        before = bytes(self._uc.mem_read(self._pc - 4, 4)) if self._pc >= 4 else b""
        return before[2:] == _WFI or before == _WFI_WIDE

    @property
    def wakes_on_input(self) -> bool:
        """Whether a received byte ends the firmware's sleep."""
        uart = self.board.uart
        return uart is not None and self.uart.can_interrupt and self.system.irq_enabled(uart.irq)

    def _want_reset(self) -> None:
        self._reset_wanted = True
        self._uc.emu_stop()

    def _reset(self) -> None:
        self._reset_wanted = False
        self._faulted(None)
        for address, data in self._segments:
            self._uc.mem_write(address, data)
        stack, start = struct.unpack("<II", bytes(self._uc.mem_read(self._vectors, 8)))
        self._uc.reg_write(arm.UC_ARM_REG_IPSR, 0)
        self._uc.reg_write(arm.UC_ARM_REG_CONTROL, 0)
        self._uc.reg_write(arm.UC_ARM_REG_PRIMASK, 0)
        self._uc.reg_write(arm.UC_ARM_REG_MSP, stack)
        self._uc.reg_write(arm.UC_ARM_REG_SP, stack)
        self.system.power_on()
        self._pc = start & ~1

    # Exceptions

    def _vector(self, exception: int) -> int:
        return int.from_bytes(bytes(self._uc.mem_read(self._vectors + 4 * exception, 4)), "little") & ~1

    def _interrupt(self) -> None:
        self._interrupt_wanted = False
        number = _FIRST_IRQ + (self.board.uart.irq if self.board.uart else 0)
        self._interrupted, _ = exceptions.enter(self._uc, number, self._pc, has_fpu=self._has_fpu)
        self._pc = self._vector(number)

    def _return(self) -> None:
        self._return_wanted = False
        if self._interrupted is None:
            self._end("a fault handler returned")
            return
        self._pc = exceptions.leave(self._uc, self._interrupted)
        self._interrupted = None

    @property
    def _has_fpu(self) -> bool:
        return "fpu" in self.board.features

    def _set_pending(self, fault: faults.Fault) -> None:
        self._pending = fault

    def _on_invalid(self, _uc: Any, access: int, address: int, size: int, _value: int, _data: Any) -> bool:
        protected = self.system.protects(address)
        if access in (unicorn.UC_MEM_FETCH_UNMAPPED, unicorn.UC_MEM_FETCH_PROT):
            self._pending = faults.bad_fetch(address)
        elif access in (unicorn.UC_MEM_WRITE_UNMAPPED, unicorn.UC_MEM_WRITE_PROT):
            why = "which is flash" if access == unicorn.UC_MEM_WRITE_PROT else "where there is no memory"
            self._pending = faults.bad_access("write", address, size, why, protected)
        else:
            self._pending = faults.bad_access("read", address, size, "where there is no memory", protected)
        return False

    def _on_exception(self, _uc: Any, number: int, _data: Any) -> None:
        if number == _PREFETCH_ABORT:
            self._pending = faults.bad_fetch(self._uc.reg_read(arm.UC_ARM_REG_PC) & ~1)
        elif number == _EXCEPTION_RETURN:
            self._return_wanted = True
        else:
            self._pending = _INTERNAL.get(number) or faults.undefined(f"(exception {number} of the emulator)")
        self._uc.emu_stop()

    def _fault_of(self, error: unicorn.UcError) -> faults.Fault:
        if error.errno in (unicorn.UC_ERR_INSN_INVALID, unicorn.UC_ERR_EXCEPTION):
            first = int.from_bytes(bytes(self._uc.mem_read(self._pc, 2)), "little")
            return faults.undefined(f"{first:#06x}")
        return faults.undefined(f"({error})")

    def _raise(self, fault: faults.Fault) -> None:
        """Enter the exception as the core does: push the frame, go to the handler (Armv7-M ARM, B1.5.6)."""
        uc, system = self._uc, self.system
        what = f"{fault.what}, at {self.symbols.where(self._pc)}"
        if 0 < uc.reg_read(arm.UC_ARM_REG_IPSR) < _FIRST_IRQ:
            self._end(f"lockup: {what}, while a fault was being handled")
            return
        self._interrupted = None
        status, exception, v6m = fault.status, fault.exception, self.board.core.startswith("cortex-m0")
        enabled, hard = system.read(SystemControl.SHCSR) >> 16 & 7, fault.hard_status
        if exception != faults.HARD and (v6m or not enabled >> (exception - faults.MEMORY) & 1):
            exception, hard = faults.HARD, hard | faults.HFSR_FORCED
        entered, pushed = exceptions.enter(uc, exception, self._pc, has_fpu=self._has_fpu)
        if not pushed:
            status |= faults.MSTKERR if system.protects(entered.frame) else faults.STKERR
        if status & (faults.STKOF | faults.MSTKERR | faults.STKERR):
            what = f"stack overflow: {what}"
        if not v6m:
            system.registers[SystemControl.CFSR] = system.read(SystemControl.CFSR) | status
            system.registers[SystemControl.HFSR] = system.read(SystemControl.HFSR) | hard
            if fault.address is not None:
                system.registers[SystemControl.MMFAR if exception == faults.MEMORY else SystemControl.BFAR] = (
                    fault.address
                )
        self._pc = self._vector(exception)
        self._faulted(what)

    # Counting

    def _ticks(self) -> int:
        counter = self.board.emulated_counter
        if self._counter is None or counter is None:
            return 0
        return self._counter.instructions() * _NS_PER_INSTRUCTION * counter.hz // 10**9

    def start_counting(self, invoke: str, operators: tuple[str, ...]) -> None:
        """Count blocks from now on, and let the counter register follow the instructions. Only between `run`s."""
        self.stop_counting()
        self._checks.resume()
        uc = self._uc
        self._counter = BlockCounter(
            self.symbols,
            invoke,
            operators,
            lambda: int(uc.reg_read(arm.UC_ARM_REG_LR)),
            lambda address, size: bytes(uc.mem_read(address, size)),
        )
        self._block_hook = uc.hook_add(unicorn.UC_HOOK_BLOCK, self._counter.hook())
        self._uc.ctl_flush_tb()

    def stop_counting(self) -> BlockCounter | None:
        """What was counted. Only between `run`s."""
        counter, self._counter = self._counter, None
        if self._block_hook is not None:
            self._uc.hook_del(self._block_hook)
            self._block_hook = None
            self._checks.suspend()
            self._uc.ctl_flush_tb()
        return counter
