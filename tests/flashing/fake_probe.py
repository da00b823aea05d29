"""A pyOCD debug probe without hardware: its DP and AHB-AP lead to the emulated STM32F4 of stm32f4_chip.py."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pyocd.core import exceptions
from pyocd.probe.debug_probe import DebugProbe

CSW, TAR, DRW, BASE, IDR = 0x00, 0x04, 0x0C, 0xF8, 0xFC
DPIDR, CTRL_STAT = 0x0, 0x4
POWER_UP = 0x5000_0000


class FakeProbe(DebugProbe):  # type: ignore[misc]
    """After `unplugged_after` accesses to memory it is gone."""

    vendor_name, product_name = "edgeq", "Fake"
    unique_id, description = "FAKE0001", "edgeq Fake probe"
    wire_protocol = DebugProbe.Protocol.SWD
    supported_wire_protocols = (DebugProbe.Protocol.DEFAULT, DebugProbe.Protocol.SWD)
    capabilities = frozenset(
        {
            DebugProbe.Capability.MANAGED_AP_SELECTION,
            DebugProbe.Capability.MANAGED_DPBANKSEL,
            DebugProbe.Capability.BANKED_DP_REGISTERS,
        }
    )

    def __init__(
        self,
        *,
        cpuid: int = 0x410F_C241,
        idcode: int = 0x1007_6413,
        locked: bool = False,
        worn: int | None = None,
        unplugged_after: int | None = None,
    ) -> None:
        super().__init__()
        chip = Path(__file__).with_name("stm32f4_chip.py")
        given = json.dumps({"cpuid": cpuid, "idcode": idcode, "locked": locked, "worn": worn})
        self._child = subprocess.Popen(
            [sys.executable, str(chip), given], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._left = unplugged_after
        self._open, self._csw, self._tar, self._power = False, 0x2300_0042, 0, 0

    def chip(self, *request: Any) -> Any:
        """Call a method of the chip."""
        assert self._child.stdin is not None and self._child.stdout is not None
        self._child.stdin.write(json.dumps(request) + "\n")
        self._child.stdin.flush()
        return json.loads(self._child.stdout.readline())

    def end(self) -> None:
        assert self._child.stdin is not None and self._child.stdout is not None
        self._child.stdin.close()
        self._child.wait(10)
        self._child.stdout.close()

    @property
    def is_open(self) -> bool:
        return self._open

    def open(self) -> None:
        self._open = True

    def close(self) -> None:
        self._open = False

    def connect(self, protocol: Any = None) -> None: ...

    def disconnect(self) -> None: ...

    def set_clock(self, frequency: float) -> None: ...

    def flush(self) -> None: ...

    def reset(self) -> None:
        self.chip("reset")

    def assert_reset(self, asserted: bool) -> None:
        if not asserted:
            self.chip("reset")

    def is_reset_asserted(self) -> bool:
        return False

    def read_dp(self, address: int, now: bool = True) -> Any:
        known = {DPIDR: 0x2BA0_1477, CTRL_STAT: self._power & POWER_UP | (self._power & POWER_UP) << 1}
        return _when(known.get(address & 0xF, 0), now)

    def write_dp(self, address: int, data: int) -> None:
        if address & 0xF == CTRL_STAT:
            self._power = data

    def read_ap(self, address: int, now: bool = True) -> Any:
        register = address & 0xFF
        if address >> 24:
            return _when(0, now)  # no second access port
        if register == DRW:
            return _when(self._read(), now)
        known = {CSW: self._csw | 0x40, TAR: self._tar, BASE: 0xE00F_F003, IDR: 0x2477_0011}
        return _when(known.get(register, 0), now)

    def write_ap(self, address: int, data: int) -> None:
        register = address & 0xFF
        if address >> 24:
            return
        if register == CSW:
            self._csw = data
        elif register == TAR:
            self._tar = data
        elif register == DRW:
            self._write(data)

    def read_ap_multiple(self, address: int, count: int = 1, now: bool = True) -> Any:
        if self._size == 4 and self._steps:
            self._count_access()
            values = self.chip("read_words", self._tar, count)
            if None in values:
                raise exceptions.TransferFaultError(fault_address=self._tar + 4 * values.index(None))
            self._tar += 4 * count
        else:
            values = [self._read() for _ in range(count)]
        return _when(values, now)

    def write_ap_multiple(self, address: int, values: Sequence[int]) -> None:
        if self._size == 4 and self._steps:
            self._count_access()
            if not self.chip("write_words", self._tar, list(values)):
                raise exceptions.TransferFaultError(fault_address=self._tar)
            self._tar += 4 * len(values)
        else:
            for value in values:
                self._write(value)

    @property
    def _size(self) -> int:
        return 1 << (self._csw & 7)

    @property
    def _steps(self) -> bool:
        """Whether the address grows with every access."""
        return bool(self._csw >> 4 & 3)

    def _count_access(self) -> None:
        if self._left is not None:
            self._left -= 1
            if self._left < 0:
                raise exceptions.ProbeDisconnected("the probe does not answer on USB")

    def _read(self) -> int:
        self._count_access()
        value = self.chip("read", self._tar, self._size)
        if value is None:
            raise exceptions.TransferFaultError(fault_address=self._tar)
        lane = 8 * (self._tar & 3) if self._size < 4 else 0  # narrow data are in their byte lanes
        self._tar += self._size if self._steps else 0
        return int(value) << lane & 0xFFFF_FFFF

    def _write(self, value: int) -> None:
        self._count_access()
        if self._size < 4:
            value = value >> 8 * (self._tar & 3) & (1 << 8 * self._size) - 1
        if not self.chip("write", self._tar, self._size, value):
            raise exceptions.TransferFaultError(fault_address=self._tar)
        self._tar += self._size if self._steps else 0


def _when(value: Any, now: bool) -> Any:
    """The value, or a function that will give it."""
    later: Callable[[], Any] = lambda: value  # noqa: E731
    return value if now else later
