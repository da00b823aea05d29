"""How long to wait for a reply before a request is repeated, and before the device counts as dead.

A reply that is only late must not be asked for again: emulators and busy computers are slow now and then. What is lost
on a bad line nearly always leaves a trace (a damaged frame, or half of one), and traces are acted upon at once. So the
waits are long on a line that shows none, and short for a while on one that did: as short as its round trips are.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from edgeq.link.codes import BAUD

BITS = 10
"""Of a byte on the line: 8N1."""

_CLEAN_WAIT = 2.0  # seconds until the first repetition on a line that shows no damage, besides the bytes' time
_DAMAGED_WAIT = 0.25  # the same on one that does, until round trips were measured
_IMPATIENT = 8  # waits in vain on a line that shows damage until they double: chance is no reason to slow down
_SHORTEST_WAIT = 0.01  # however quick they are: the computer's own delays
_LONGEST_WAIT = 4.0  # where these end by doubling
_CLEAN_RUN = 10.0  # seconds that an inference may take on a clean line, however quick the ones before were
_CLEAN_RUNS = 8  # times the longest before: an emulator that begins to count instructions is as much slower
_SUSPICION = 64  # requests without damage until a line counts as clean again
_HURRIED = 16  # repetitions at once, for damage, between two for time: a burst of noise is no reason for more
_REPLY_BYTES = 64  # that most answers have
_LOOK = 0.25  # seconds between looks at the device's health


@dataclass(slots=True)
class LineHistory:
    """What the requests so far have shown. Times in seconds.

    `byte_time` is what a byte takes on the line at most. `longest_run` is of one inference, 0 before the first; a long
    one is forgotten little by little. `round_trip` and `variation` are of requests that were answered at once, without
    their bytes' time; None before the first. `suspicion` is 0 on a clean line.
    """

    byte_time: float = BITS / BAUD
    longest_run: float = 0.0
    round_trip: float | None = None
    variation: float = 0.0
    suspicion: int = 0

    def speed_changed(self, baud: int) -> None:
        """The line has another speed: what bytes took before tells nothing."""
        self.byte_time = BITS / baud

    def damaged(self) -> None:
        """Either side noticed damage."""
        self.suspicion = _SUSPICION

    def answered(self, seconds: float, nbytes: int) -> None:
        """A request that was sent once had its first answer after `seconds`; `nbytes` travelled in both directions.

        The smoothed mean and deviation of RFC 6298, 2.
        """
        self.byte_time = min(self.byte_time, seconds / nbytes)  # a pseudo-terminal is quicker than it says
        took = seconds - nbytes * self.byte_time
        if self.round_trip is None:
            self.round_trip, self.variation = took, took / 2
        else:
            self.variation += (abs(took - self.round_trip) - self.variation) / 4
            self.round_trip += (took - self.round_trip) / 8

    def computed(self, seconds: float) -> None:
        """An inference took so long."""
        self.longest_run = max(seconds, self.longest_run + (seconds - self.longest_run) / 16)

    def timeout(self) -> float | None:
        """How long an answer may take, besides its bytes' time (RFC 6298, 2.3); None if nothing is known."""
        return None if self.round_trip is None else self.round_trip + 4 * self.variation


class Clock:
    """The deadlines of one request, on the monotonic clock. All times are in seconds."""

    def __init__(
        self,
        history: LineHistory,
        *,
        timeout: float,
        run_timeout: float,
        nbytes: int,
        inferences: int = 1,
        eager: bool = False,
    ) -> None:
        """Made when the request is sent.

        Args:
            history: of the line; kept up to date.
            timeout: of silence after which the device counts as dead.
            run_timeout: that the request may compute.
            nbytes: that are sent.
            inferences: that the request asks for.
            eager: whether to repeat soon even on a clean line: perhaps nobody is there yet to hear it.
        """
        self._history = history
        self._timeout = timeout
        self._run_timeout = run_timeout
        self._nbytes = nbytes
        self._repeated = False
        self._inferences = inferences
        self._eager = eager
        self._begin = self._heard = self._sent = self._last_bytes = time.monotonic()
        self._running_since: float | None = None
        self._in_vain = 0
        self._hurried = 0
        self.was_heard = False

    @property
    def is_running(self) -> bool:
        """Whether the device said that it computes."""
        return self._running_since is not None

    def next_look(self, *, halfway: bool) -> float:
        """Time until there is something to decide."""
        return min(max(self._repeat_at(halfway) - time.monotonic(), 0.0), _LOOK)

    def wait_is_over(self, *, halfway: bool) -> bool:
        """Whether to repeat the request because nothing came; `halfway` if a frame has begun to arrive."""
        return time.monotonic() >= self._repeat_at(halfway)

    def may_hurry(self) -> bool:
        """Whether to repeat at once because something was damaged; takes one off the budget."""
        self._hurried += 1
        return self._hurried <= _HURRIED

    def repeated(self) -> None:
        """The request was sent again."""
        self._sent = time.monotonic()
        self._repeated = True

    def waited_in_vain(self) -> None:
        """It is about to be, because nothing came: the next wait is longer."""
        self._hurried = 0
        self._in_vain += 1

    def got_bytes(self, count: int) -> None:
        """So many bytes arrived, whatever they are."""
        self._last_bytes = time.monotonic()
        self._nbytes += count

    def heard(self) -> None:
        """A whole frame arrived."""
        self._heard = time.monotonic()
        self.was_heard = True

    def running(self) -> None:
        """The device has begun to compute."""
        self._sent = time.monotonic()
        if self._running_since is None:
            self._measure()
            self._running_since = self._sent
            self._in_vain = 0

    def finished(self) -> None:
        """The reply is here."""
        self._history.suspicion = max(0, self._history.suspicion - 1)
        if self._running_since is None:
            self._measure()
        elif self._sent == self._running_since:  # else the result was lost, and waited for in vain
            self._history.computed((time.monotonic() - self._running_since) / self._inferences)

    def _measure(self) -> None:
        """A repeated request tells nothing: which of the two was answered? (Karn's algorithm, RFC 6298, 3.)"""
        if not self._repeated:
            self._history.answered(time.monotonic() - self._begin, self._nbytes)

    def waited(self) -> float:
        """Time since the request was sent first."""
        return time.monotonic() - self._begin

    def is_silent(self) -> bool:
        """Whether no whole frame has arrived for too long."""
        return time.monotonic() > self._heard + self._patience()

    def gave_up(self) -> bool:
        """Whether to end with an error."""
        if self._running_since is not None:
            return time.monotonic() > self._running_since + self._run_timeout
        return self.is_silent() or self.waited() > 3 * self._patience()

    def _expected_run(self) -> float:
        return self._inferences * self._history.longest_run

    def _patience(self) -> float:
        """A RUNNING may get lost: then a long inference looks like silence."""
        return max(self._timeout, 4 * self._expected_run())

    def _repeat_at(self, halfway: bool) -> float:
        if halfway:  # a frame that does not go on has lost its end
            return max(self._sent, self._last_bytes) + self._doubled(self._reply_wait())
        if self.is_running:
            return self._sent + self._doubled(self._run_wait())
        return self._sent + self._doubled(self._reply_wait())

    def _reply_wait(self) -> float:
        """For a reply that takes no time to make, besides its bytes' time."""
        known = self._history.timeout()
        if not self._eager and not self._history.suspicion:
            wait = max(_CLEAN_WAIT, 2 * (known or 0.0))
        elif known is None:
            wait = _DAMAGED_WAIT
        else:
            wait = max(_SHORTEST_WAIT, known)
        return min(wait, self._timeout / 4) + (self._nbytes + _REPLY_BYTES) * self._history.byte_time

    def _run_wait(self) -> float:
        """For the result of an inference that has begun."""
        expected = self._expected_run()
        if self._history.suspicion:
            return max(self._reply_wait(), 1.5 * expected)
        return max(_CLEAN_RUN, _CLEAN_RUNS * expected) if expected else self._run_timeout / 4

    def _doubled(self, wait: float) -> float:
        doublings = self._in_vain - (_IMPATIENT if self._history.suspicion else 0)
        longest = max(wait, min(_LONGEST_WAIT, self._patience() / 4), 2 * self._expected_run())
        return float(min(wait * 2 ** min(max(0, doublings), 16), longest))
