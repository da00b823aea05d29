"""One self-contained HTML page: no network, no framework, everything from the model escaped."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeq.report import format as fmt
from edgeq.report.record import portable_flag
from edgeq.report.verdict import drift_cell

if TYPE_CHECKING:
    from jinja2 import Environment


def render_page(template: str, context: Mapping[str, Any]) -> str:
    """A page from a template that extends templates/report/page.html.j2.

    It carries a Content-Security-Policy that allows its own inline script and style, by their hashes, and nothing
    else. The same context gives the same bytes.
    """
    from markupsafe import Markup

    from edgeq.resources import templates

    folder = templates()
    style = (folder / "report" / "style.css").read_text("utf-8")
    script = (folder / "report" / "page.js").read_text("utf-8")
    page = _environment(folder).get_template(template)
    return page.render(
        **context,
        style=Markup(style),  # noqa: S704 (our own file, named in the policy by its hash)
        script=Markup(script),  # noqa: S704
        policy=f"default-src 'none'; style-src '{_source(style)}'; script-src '{_source(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'",
    )


@cache
def _environment(folder: Path) -> Environment:
    """The templates, compiled once in a process: that takes longer than a page."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update(
        count=fmt.count, short=fmt.short, size=fmt.size, percent=fmt.percent, real=fmt.real, ms=fmt.milliseconds,
        accuracy=fmt.accuracy, interval=fmt.interval, difference=fmt.difference, drift_cell=drift_cell,
        figure=fmt.figure, span=fmt.span, step=fmt.step, step_span=fmt.step_span, p=fmt.p_value,
        xy=lambda value: f"{value:.2f}".rstrip("0").rstrip("."), flag=portable_flag,
        middle=fmt.middle,
    )  # fmt: skip
    return made


def _source(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
