"""Objects that an image with tracing shares with the one without: those whose text never asks for EDGEQ_TRACE."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

TRACE = "EDGEQ_TRACE"

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', re.MULTILINE)
_ASKS = re.compile(rf"^[ \t]*#.*\b{TRACE}\b", re.MULTILINE)


def asks_for_tracing(source: Path, include_dirs: Sequence[Path]) -> bool:
    """Whether a source, or a header of the project that it includes, has EDGEQ_TRACE in a preprocessor line.

    Args:
        source: of the project.
        include_dirs: where its headers are searched after its own folder; what is in none of them is the compiler's.
    """
    seen: set[Path] = set()
    pending = [source]
    while pending:
        file = pending.pop()
        if file in seen:
            continue
        seen.add(file)
        text = file.read_text(encoding="utf-8", errors="replace")  # a vendor's comment may be of any encoding
        if _ASKS.search(text):
            return True
        for name in _INCLUDE.findall(text):
            pending += [found for folder in (file.parent, *include_dirs) if (found := folder / name).is_file()][:1]
    return False
