"""Wall time per stage."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from edgeq.interruption import not_swallowed
from edgeq.records import Timing


class Stopwatch:
    """Adds up the wall time of named stages, in the order in which they first appear."""

    def __init__(self) -> None:
        """Nothing timed yet."""
        self._seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Time a block, which an interruption ends even if code in it swallows that."""
        begin = time.monotonic()
        try:
            with not_swallowed():
                yield
        finally:
            self._seconds[stage] = self._seconds.get(stage, 0.0) + time.monotonic() - begin

    @property
    def timings(self) -> tuple[Timing, ...]:
        """What was timed so far."""
        return tuple(Timing(stage=stage, seconds=seconds) for stage, seconds in self._seconds.items())
