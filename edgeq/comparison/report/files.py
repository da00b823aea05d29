"""compare.json and compare.html on disk."""

from __future__ import annotations

from pathlib import Path

from edgeq.comparison.record import Comparison
from edgeq.comparison.report.document import COMPARISON, from_json, to_json
from edgeq.comparison.report.html import render_html
from edgeq.report.files import read_document, write_document


def write_comparison(comparison: Comparison, folder: Path) -> tuple[Path, Path]:
    """Write compare.json and compare.html into an existing folder; the paths of both.

    Both are made before either is written, and each replaces its old one at once.

    Raises:
        InputError: the folder cannot be written.
    """
    return write_document(COMPARISON, folder, content=to_json(comparison), page=render_html(comparison))


def read_comparison(path: Path) -> Comparison:
    """Read a compare.json, or the one in the folder of a comparison.

    Raises:
        InputError: there is none, it cannot be read, or it is not a comparison of this schema version.
    """
    content, file = read_document(COMPARISON, path)
    return from_json(content, name=str(file))
