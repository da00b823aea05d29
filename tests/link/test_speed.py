"""The line's speed: raised, lowered again when the line does not carry it, and found again by everybody."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from faulty import Faults as NoFaults
from faulty import FaultyDevice
from link_firmware import NATIVE_INPUT_BYTES, expected
from test_session import samples

from edgeq.devices.native import native_device
from edgeq.link.faulty import Faults, Proxy
from edgeq.link.session import Session

INPUTS = samples(4, NATIVE_INPUT_BYTES)


@pytest.fixture
def url(native_program: Path) -> Iterator[str]:
    with native_device(native_program) as device:
        yield device.url


def run_all(session: Session) -> None:
    for one in INPUTS:
        sums, echo = session.run(one).outputs
        assert (sums[:12], echo) == (expected(one, 0)[0][:12], expected(one, 0)[1])


def test_the_fastest_speed_that_the_line_carries(url: str) -> None:
    with Proxy(url, Faults(clean_baud=921600)) as proxy:
        with Session.connect(proxy.url) as session:
            assert session.speed_up() == 921600
            # While the speed changes, a busy device may hear the first PING in pieces.
            changed = session.counters.retries, session.counters.bad_frames
            run_all(session)
            assert (session.counters.retries, session.counters.bad_frames) == changed
        with Session.connect(proxy.url) as session:  # the first one has gone back to the first speed
            run_all(session)
            assert session.speed_up(300_000) == 230400
        assert proxy.to_device.injected.garbled == 0


def test_a_speed_that_the_line_does_not_carry_is_given_up(url: str) -> None:
    with Proxy(url, Faults(clean_baud=460800)) as proxy, Session.connect(proxy.url) as session:
        assert session.speed_up() == 460800
        run_all(session)


def test_errors_at_a_raised_speed_bring_it_down(url: str) -> None:
    with Proxy(url, Faults(clean_baud=921600)) as proxy, Session.connect(proxy.url, timeout=3) as session:
        assert session.speed_up() == 921600
        run_all(session)
        for line in (proxy.to_device, proxy.to_host):
            line._faults = replace(line._faults, clean_baud=115200)
        run_all(session)
        assert session._exchange.transport.baud == 115200


def test_a_device_that_was_left_at_another_speed_is_woken_up(url: str) -> None:
    with Proxy(url, Faults(clean_baud=921600)) as proxy:
        session = Session.connect(proxy.url)
        assert session.speed_up() == 921600
        session._exchange.transport.close()  # the host dies
        with Session.connect(proxy.url) as session:
            run_all(session)


def test_a_reset_at_a_raised_speed(url: str) -> None:
    with Proxy(url, Faults(clean_baud=921600)) as proxy, Session.connect(proxy.url, timeout=1) as session:
        session.speed_up()
        run_all(session)
        proxy.reset()
        time.sleep(0.2)
        run_all(session)
        assert session.counters.resets == 1


def test_reset_at_a_raised_speed_is_at_the_first_one(url: str) -> None:
    with Proxy(url, Faults(clean_baud=921600)) as proxy, Session.connect(proxy.url) as session:
        assert session.speed_up() > 115200
        session.reset()
        assert session._exchange.transport.baud == 115200
        run_all(session)


def test_a_port_behind_the_proxy_gets_the_hosts_speed(url: str) -> None:
    """Two proxies: the second one's port is a pseudo-terminal that says nothing of its speed, as a real port."""
    with Proxy(url, Faults()) as proxy:
        end = proxy._device
        end.speed = lambda: None  # type: ignore[method-assign]
        with Session.connect(proxy.url) as session:
            assert session.speed_up() == 921600
            assert end._transport.baud == 921600
            run_all(session)
        deadline = time.monotonic() + 10
        while end._transport.baud != 115200 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert end._transport.baud == 115200


def test_a_device_without_speeds_stays_as_it_is() -> None:
    with FaultyDevice(NoFaults(), input_bytes=20) as device, Session.connect(device.url) as session:
        assert session.speed_up() == 115200
