"""Several contrasts at once: Holm's correction over the declared family."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Adjusted p-values in the given order (Holm, Scandinavian Journal of Statistics 6, 1979, 65–70).

    Rejecting what is at most `level` keeps the chance of *any* false claim in the family within `level`, whatever the
    dependence between the contrasts; an adjusted value is never below the raw one. The family is what was declared
    before looking: a contrast that could not be measured counts with a p-value of 1, exploratory ones stay outside.

    Raises:
        ValueError: a p-value outside 0 to 1.
    """
    for p in p_values:
        if not 0.0 <= p <= 1.0:
            raise ValueError(f"p-value {p}: expected a number from 0 to 1")
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for step, i in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, (len(p_values) - step) * p_values[i]))
        adjusted[i] = highest
    return tuple(adjusted)


def corrected_level(level: float, contrasts: int) -> float:
    """The level of Holm's first and strictest step, level / contrasts: what a contrast can count on in advance.

    For intervals that hold for the whole family at once (confidence 1 − this) and for `power`.
    """
    if contrasts < 1:
        raise ValueError(f"a family of {contrasts} contrasts")
    return level / contrasts
