"""edgeq's own version, installed or in a checkout."""

from __future__ import annotations

import importlib.metadata
import tomllib
from functools import cache
from pathlib import Path


@cache
def version() -> str:
    """The version as pyproject.toml has it. A checkout's own goes before that of whatever is installed."""
    project = Path(__file__).resolve().parent.parent / "pyproject.toml"
    if project.is_file():
        table = tomllib.loads(project.read_text(encoding="utf-8")).get("project", {})
        if table.get("name") == "edgeq":
            return str(table["version"])
    return importlib.metadata.version("edgeq")
