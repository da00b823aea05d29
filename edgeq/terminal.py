"""Tables that fit the terminal (fewer columns where it is narrow), and texts that do not steer it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

_UNLIMITED = 10_000  # columns: wider than any table


def printable(text: str) -> str:
    """Text without control codes: names come from files."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


@dataclass(frozen=True, slots=True)
class FirstThatFits:
    """The first of several forms of a thing that needs no more width than there is; the last one if none fits.

    `wrapped` says that texts may wrap, so that only their longest words have to fit.
    """

    forms: tuple[RenderableType, ...]
    wrapped: bool = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Chooses."""
        from rich.measure import Measurement

        unlimited = options.update_width(_UNLIMITED)
        for form in self.forms[:-1]:
            need = Measurement.get(console, unlimited, form)
            if (need.minimum if self.wrapped else need.maximum) <= options.max_width:
                yield form
                return
        yield self.forms[-1]
