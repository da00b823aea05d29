"""A PlatformIO library."""

from __future__ import annotations

import shlex
from pathlib import Path

from edgeq.export.layout import Layout
from edgeq.export.record import Ecosystem

_LAYOUT = Layout(
    ecosystem="platformio",
    include="include",
    sources="src",
    templates={
        "library.json": "platformio/library.json.j2",
        "examples/main.c": "common/main.c.j2",
    },
)


def _commands(name: str, out: Path) -> tuple[str, ...]:
    folder = shlex.quote(str(out))
    return (
        f"pio pkg install --library symlink://{shlex.quote(str(out.absolute()))}",
        "pio run",
        f"pio pkg pack {folder}",
    )


ECOSYSTEM = Ecosystem(name="platformio", files=_LAYOUT.files, commands=_commands)
