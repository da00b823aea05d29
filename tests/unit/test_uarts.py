"""The emulated board's UART."""

from __future__ import annotations

from edgeq.devices.uarts import CmsdkUart


def test_a_frame_goes_out_at_its_end() -> None:
    """The host must hear that an inference began before it ends: counted ones take long."""
    out: list[bytes] = []

    def full() -> None:
        out.append(bytes(uart.sent))
        uart.sent.clear()

    uart = CmsdkUart(starved=lambda: None, full=full)
    for value in b"\x03\x11\x22\x00\x02\x33":
        uart.write(0, value)
    assert out == [b"\x03\x11\x22\x00"]
    assert bytes(uart.sent) == b"\x02\x33"


def test_what_has_no_end_goes_out_too() -> None:
    out: list[int] = []

    def full() -> None:
        out.append(len(uart.sent))
        uart.sent.clear()

    uart = CmsdkUart(starved=lambda: None, full=full)
    for _ in range(10_000):
        uart.write(0, 0x55)
    assert sum(out) + len(uart.sent) == 10_000
    assert len(out) >= 2
