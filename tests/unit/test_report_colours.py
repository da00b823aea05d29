"""What is drawn in a report stands out from the page, in light and in dark mode."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

STYLE = Path(__file__).parents[2] / "templates" / "report" / "style.css"
GRAPHICS, TEXT = 3.0, 4.5
"""Least contrast (WCAG 2.1, success criteria 1.4.11 and 1.4.3)."""


def colours(*, dark: bool) -> dict[str, str]:
    """The variables of a mode."""
    light, darkened = re.findall(r":root \{(.*?)\}", STYLE.read_text("utf-8"), re.DOTALL)[:2]
    found = re.findall(r"--([\w-]+): (#[0-9a-f]{6})", light + (darkened if dark else ""))
    return dict(found)


def luminance(colour: str) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.1)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, two: str) -> float:
    dark, light = sorted((luminance(one), luminance(two)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_every_arm_and_conclusion_stands_out(dark: bool) -> None:
    known = colours(dark=dark)
    used = set(re.findall(r"--arm: var\(--(\w+)\)", STYLE.read_text("utf-8"))) | {"bad", "ok", "stack"}
    assert len(used) > 8
    weak = {name: contrast(known[name], known["card"]) for name in used}
    assert not {name: round(value, 2) for name, value in weak.items() if value < GRAPHICS}


@pytest.mark.parametrize("dark", [False, True])
def test_text_can_be_read(dark: bool) -> None:
    known = colours(dark=dark)
    weak = {name: contrast(known[name], known["card"]) for name in ("ink", "soft", "bad", "accent")}
    assert not {name: round(value, 2) for name, value in weak.items() if value < TEXT}
