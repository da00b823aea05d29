"""An Arduino library in the recursive layout: everything below src/, an example as a sketch."""

from __future__ import annotations

import shlex
from pathlib import Path

from edgeq.export.layout import Layout
from edgeq.export.record import Ecosystem

_LAYOUT = Layout(
    ecosystem="arduino",
    include="src",
    sources="src/{name}",
    templates={
        "library.properties": "arduino/library.properties.j2",
        "keywords.txt": "arduino/keywords.txt.j2",
        "examples/{name}_example/{name}_example.ino": "arduino/example.ino.j2",
    },
    asks_for_speed=True,
)


def _commands(name: str, out: Path) -> tuple[str, ...]:
    folder, sketch = shlex.quote(str(out)), shlex.quote(str(out / "examples" / f"{name}_example"))
    board = "--fqbn arduino:mbed_nano:nano33ble"
    return (
        f"arduino-cli compile {board} --library {folder} {sketch}",
        f"arduino-cli upload {board} -p /dev/ttyACM0 {sketch}",
        "arduino-cli monitor -p /dev/ttyACM0",
    )


ECOSYSTEM = Ecosystem(name="arduino", files=_LAYOUT.files, commands=_commands)
