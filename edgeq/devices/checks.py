"""Alignment checks that Unicorn leaves out, as hooks at the instructions that need them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import unicorn
from unicorn import arm_const as arm

from edgeq.devices import faults
from edgeq.devices.alignment import AlignedAccess

REGISTERS = [*(getattr(arm, f"UC_ARM_REG_R{i}") for i in range(13)), arm.UC_ARM_REG_SP, arm.UC_ARM_REG_LR]
# A hook costs 2 to 3 µs each time. Those that ran least until the first inference returned stay, as many as together
# ran no more often than this: a millisecond.
_CHEAP = 40


class AlignmentChecks:
    """Hooks at loads and stores that fault on the core if their address is not aligned, and not in Unicorn.

    They are there from the start until the first inference has returned, and again while instructions are counted: the
    engine's addresses do not depend on its data. Those that are cheap stay.
    """

    def __init__(
        self, uc: Any, accesses: Sequence[AlignedAccess], invoke: int | None, faulted: Callable[[faults.Fault], None]
    ) -> None:
        """`invoke` is the address of the engine's invoke function; without it, the checks stay for good. `faulted` is
        called before a misaligned access is executed."""
        self._uc, self._accesses, self._invoke, self._faulted = uc, accesses, invoke, faulted
        self._hooks: dict[int, Any] = {}
        self._first: list[Any] = []
        self._executed = dict.fromkeys((access.pc for access in accesses), 0)
        self._costly: frozenset[int] = frozenset()
        self.settled = False
        self._add()
        if invoke is not None:
            self._first.append(uc.hook_add(unicorn.UC_HOOK_CODE, self._on_invoke, None, begin=invoke, end=invoke))

    def settle(self) -> None:
        """After the first inference (`settled` was set, and the emulation stopped)."""
        self.settled = False
        for hook in self._first:
            self._uc.hook_del(hook)
        self._first.clear()
        cheapest_first = sorted(self._executed, key=lambda pc: self._executed[pc])
        totals = accumulate(self._executed[pc] for pc in cheapest_first)
        self._costly = frozenset(pc for pc, total in zip(cheapest_first, totals, strict=True) if total > _CHEAP)
        self.suspend()
        # The hooks at the invoke function are still in its translated code.
        self._uc.ctl_flush_tb()

    def resume(self) -> None:
        """Add the costly hooks again."""
        if self._add():
            self._uc.ctl_flush_tb()

    def suspend(self) -> None:
        """Remove the costly hooks; before the first inference has returned, none is known."""
        removed = self._costly & self._hooks.keys()
        for pc in removed:
            self._uc.hook_del(self._hooks.pop(pc))
        if removed:
            self._uc.ctl_flush_tb()

    def _add(self) -> int:
        """Add the hooks that are not there; how many these were."""
        missing = [access for access in self._accesses if access.pc not in self._hooks]
        for access in missing:
            self._hooks[access.pc] = self._uc.hook_add(
                unicorn.UC_HOOK_CODE, self._on_access, access, begin=access.pc, end=access.pc
            )
        return len(missing)

    def _on_access(self, uc: Any, _address: int, _size: int, access: AlignedAccess) -> None:
        self._executed[access.pc] += 1
        address = uc.reg_read(REGISTERS[access.base]) + access.offset
        if access.index is not None:
            address += uc.reg_read(REGISTERS[access.index])
        if address % access.alignment:
            self._faulted(faults.unaligned(access.text, address & 0xFFFF_FFFF, access.alignment))
            uc.emu_stop()

    def _on_invoke(self, uc: Any, _address: int, _size: int, _data: Any) -> None:
        if len(self._first) == 1:
            back = uc.reg_read(arm.UC_ARM_REG_LR) & ~1
            self._first.append(uc.hook_add(unicorn.UC_HOOK_CODE, self._on_return, None, begin=back, end=back))

    def _on_return(self, uc: Any, _address: int, _size: int, _data: Any) -> None:
        self.settled = True
        uc.emu_stop()
