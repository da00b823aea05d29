"""How long the host waits, on a clock that the test moves."""

from __future__ import annotations

import pytest

from edgeq.link import clock as clock_module
from edgeq.link.clock import Clock, LineHistory


class Time:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    made = Time()
    monkeypatch.setattr(clock_module, "time", made)
    return made


def clock(history: LineHistory, inferences: int = 1, eager: bool = False) -> Clock:
    return Clock(history, timeout=10, run_timeout=120, nbytes=1000, inferences=inferences, eager=eager)


def waits(time: Time, one: Clock, count: int = 1, halfway: bool = False) -> list[float]:
    """Seconds until each of the next repetitions, to a hundredth."""
    found = []
    for _ in range(count):
        begin = time.now
        while not one.wait_is_over(halfway=halfway):
            time.now += 0.01
        found.append(round(time.now - begin, 1))
        one.waited_in_vain()
        one.repeated()
    return found


def test_another_speed_of_the_line_is_learnt_anew() -> None:
    history = LineHistory(byte_time=10 / 921600)
    history.answered(0.001, 1000)
    history.speed_changed(115200)
    assert history.byte_time == 10 / 115200


def test_a_clean_line_is_trusted_and_a_damaged_one_is_not(time: Time) -> None:
    history = LineHistory()
    assert waits(time, clock(history), 3) == pytest.approx([2.1, 2.5, 2.5], abs=0.11)
    assert waits(time, clock(history, eager=True), 2) == pytest.approx([0.35, 0.7], abs=0.11)
    history.damaged()
    assert waits(time, clock(history), 12) == pytest.approx([*[0.35] * 9, 0.7, 1.4, 2.5], abs=0.11)
    for _ in range(64):
        clock(history).finished()
    assert waits(time, clock(history)) == pytest.approx([2.1], abs=0.11)


def test_a_first_run_has_time_and_later_ones_much_longer_than_before(time: Time) -> None:
    history = LineHistory()
    one = clock(history)
    one.running()
    assert waits(time, one) == pytest.approx([30], abs=0.1)
    one = clock(history)
    one.running()
    time.now += 2
    one.finished()
    assert history.longest_run == pytest.approx(2)
    for inferences, wait in ((1, 16), (3, 48)):
        one = clock(history, inferences)
        one.running()
        assert waits(time, one) == pytest.approx([wait], abs=0.1)
    history.damaged()
    one = clock(history)
    one.running()
    assert waits(time, one) == pytest.approx([3], abs=0.1)


def test_repeated_inferences_count_by_the_piece(time: Time) -> None:
    history = LineHistory()
    one = clock(history, inferences=10)
    one.running()
    time.now += 5
    one.finished()
    assert history.longest_run == pytest.approx(0.5)


def test_damage_during_a_run_shortens_its_wait(time: Time) -> None:
    history = LineHistory()
    one = clock(history)
    time.now += 0.2
    one.running()
    history.damaged()
    one.repeated()
    assert waits(time, one) == pytest.approx([0.4], abs=0.11)


def test_waits_follow_the_round_trips_on_a_damaged_line(time: Time) -> None:
    quick, slow = LineHistory(), LineHistory()
    for history, seconds in ((quick, 0.002), (slow, 1.5)):
        for _ in range(40):
            one = clock(history)
            time.now += seconds
            one.finished()
        history.damaged()
    assert quick.byte_time == pytest.approx(2e-6)  # a pseudo-terminal, whatever its baud rate says
    assert waits(time, clock(quick)) == pytest.approx([0.01], abs=0.01)
    assert waits(time, clock(slow)) == pytest.approx([1.5], abs=0.11)
    slow.suspicion = 0
    assert waits(time, clock(slow)) == pytest.approx([2.6], abs=0.11)  # not more than a quarter of the patience


def test_a_repeated_request_says_nothing_about_the_round_trip(time: Time) -> None:
    history = LineHistory()
    one = clock(history)
    time.now += 3
    one.repeated()
    one.finished()
    assert history.round_trip is None


def test_one_long_inference_is_forgotten(time: Time) -> None:
    history = LineHistory()
    for seconds in (5.0, *[0.1] * 100):
        one = clock(history)
        one.running()
        time.now += seconds
        one.finished()
    assert history.longest_run == pytest.approx(0.1, abs=0.02)


def test_half_a_frame_is_waited_for_while_it_goes_on(time: Time) -> None:
    one = clock(LineHistory())
    one.running()
    time.now += 3
    one.got_bytes(20)
    assert not one.wait_is_over(halfway=True)
    assert waits(time, one, halfway=True) == pytest.approx([2.1], abs=0.11)


def test_gives_up(time: Time) -> None:
    one = clock(LineHistory())
    time.now += 10.1
    assert one.is_silent()
    assert one.gave_up()
    one = clock(LineHistory())
    one.running()
    time.now += 119
    assert not one.gave_up()
    time.now += 2
    assert one.gave_up()
