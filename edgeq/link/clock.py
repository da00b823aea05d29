"""How long to wait for a reply before a request is repeated, and before the device counts as dead.

A reply that is only late must not be asked for again: emulators and busy computers are slow now and then. What is lost
on a bad line nearly always leaves a trace (a damaged frame, or half of one), and traces are acted upon at once. So the
waits are long on a line that shows none, and short for a while on one that did.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

_CLEAN_WAIT = 2.0  # seconds until the first repetition on a line that shows no damage, besides the bytes' time
_DAMAGED_WAIT = 0.25  # the same on one that does
_LONGEST_WAIT = 4.0  # where these end by doubling
_CLEAN_RUN = 10.0  # seconds that an inference may take on a clean line, however quick the ones before were
_CLEAN_RUNS = 8  # times the longest before: an emulator that begins to count instructions is as much slower
_SUSPICION = 64  # requests without damage until a line counts as clean again
_HURRIED = 16  # repetitions at once, for damage, between two for time: a burst of noise is no reason for more
_LOOK = 0.25  # seconds between looks at the device's health


@dataclass(slots=True)
class LineHistory:
    """What the requests so far have shown.

    `longest_run` is in seconds per inference, 0 before the first. `suspicion` is 0 on a clean line.
    """

    longest_run: float = 0.0
    suspicion: int = 0

    def damaged(self) -> None:
        """Either side noticed damage."""
        self.suspicion = _SUSPICION


class Clock:
    """The deadlines of one request, on the monotonic clock. All times are in seconds."""

    def __init__(
        self,
        history: LineHistory,
        *,
        timeout: float,
        run_timeout: float,
        line_seconds: float,
        inferences: int = 1,
        eager: bool = False,
    ) -> None:
        """Made when the request is sent.

        Args:
            history: of the line; kept up to date.
            timeout: of silence after which the device counts as dead.
            run_timeout: that the request may compute.
            line_seconds: that its bytes, and those of the reply, take on the line.
            inferences: that the request asks for.
            eager: whether to repeat soon even on a clean line: perhaps nobody is there yet to hear it.
        """
        self._history = history
        self._timeout = timeout
        self._run_timeout = run_timeout
        self._line_seconds = line_seconds
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

    def waited_in_vain(self) -> None:
        """It is about to be, because nothing came: the next wait is longer."""
        self._hurried = 0
        self._in_vain += 1

    def got_bytes(self) -> None:
        """Something arrived, whatever it is."""
        self._last_bytes = time.monotonic()

    def heard(self) -> None:
        """A whole frame arrived."""
        self._heard = time.monotonic()
        self.was_heard = True

    def running(self) -> None:
        """The device has begun to compute."""
        self._sent = time.monotonic()
        if self._running_since is None:
            self._running_since = self._sent
            self._in_vain = 0

    def finished(self) -> None:
        """The reply is here."""
        history = self._history
        history.suspicion = max(0, history.suspicion - 1)
        if self._running_since is not None:
            took = (time.monotonic() - self._running_since) / self._inferences
            history.longest_run = max(history.longest_run, took)

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
        """For a reply that takes no time to make."""
        wait = _DAMAGED_WAIT if self._eager or self._history.suspicion else _CLEAN_WAIT
        return min(wait, self._timeout / 4) + self._line_seconds

    def _run_wait(self) -> float:
        """For the result of an inference that has begun."""
        expected = self._expected_run()
        if self._history.suspicion:
            return max(self._reply_wait(), 1.5 * expected)
        return max(_CLEAN_RUN, _CLEAN_RUNS * expected) if expected else self._run_timeout / 4

    def _doubled(self, wait: float) -> float:
        longest = max(wait, min(_LONGEST_WAIT, self._patience() / 4), 2 * self._expected_run())
        return float(min(wait * 2**self._in_vain, longest))
