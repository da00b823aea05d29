"""JSON that stands in model files."""

from __future__ import annotations

import json
from typing import Any

from edgeq.errors import ModelError


def parse_json(content: bytes | str, where: str) -> Any:
    """Parsed JSON.

    Args:
        content: the text, or its bytes in UTF-8.
        where: which part of which file it is, for the message.

    Raises:
        ModelError: it is no JSON, or nests deeper than Python recurses.
    """
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as exc:
        raise ModelError(f"{where} is no valid JSON: {exc}", hint="Save the model again.") from exc
