"""What long stages call to say how far they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """Called by long stages: `start(what, total)` (total None: unknown), `step(n)`.

    The CLI draws bars; notebooks may pass their own functions.
    """

    start: Callable[..., None] = field(default=lambda what, total=None: None)
    step: Callable[..., None] = field(default=lambda n=1: None)
