"""Jinja as generated C, and what goes with it, wants it: undefined names are errors, values by cformat's filters."""

from __future__ import annotations

from functools import cache
from typing import Any

from edgeq import resources
from edgeq.generate.cformat import FILTERS


@cache
def environment(folder: str) -> Any:
    """The templates of a folder below templates/, for C."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(resources.templates() / folder),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 (C, not HTML: the filters escape)
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update(FILTERS)
    return made
