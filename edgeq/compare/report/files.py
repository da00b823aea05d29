"""compare.json and compare.html on disk."""

from __future__ import annotations

from pathlib import Path

from edgeq.compare.record import Comparison
from edgeq.compare.report.document import COMPARISON, from_json
from edgeq.report.files import read_document


def read_comparison(path: Path) -> Comparison:
    """Read a compare.json, or the one in the folder of a comparison.

    Raises:
        InputError: there is none, it cannot be read, or it is not a comparison of this schema version.
    """
    content, file = read_document(COMPARISON, path)
    return from_json(content, name=str(file))
