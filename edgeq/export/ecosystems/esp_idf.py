"""An ESP-IDF component, with an example project."""

from __future__ import annotations

import shlex
from pathlib import Path

from edgeq.export.layout import Layout
from edgeq.export.record import Ecosystem

_LAYOUT = Layout(
    ecosystem="esp-idf",
    include="include",
    sources="src",
    templates={
        "CMakeLists.txt": "esp-idf/CMakeLists.txt.j2",
        "Kconfig": "esp-idf/Kconfig.j2",
        "idf_component.yml": "esp-idf/idf_component.yml.j2",
        "examples/{name}_example/CMakeLists.txt": "esp-idf/example.cmake.j2",
        "examples/{name}_example/main/CMakeLists.txt": "esp-idf/main.cmake.j2",
        "examples/{name}_example/main/idf_component.yml": "esp-idf/main.yml.j2",
        "examples/{name}_example/main/main.c": "esp-idf/main.c.j2",
    },
)


def _commands(name: str, out: Path) -> tuple[str, ...]:
    example = shlex.quote(str(out / "examples" / f"{name}_example"))
    return (
        f"idf.py -C {example} set-target esp32s3",
        f"idf.py -C {example} build",
        f"idf.py -C {example} flash monitor",
    )


ECOSYSTEM = Ecosystem(name="esp-idf", files=_LAYOUT.files, commands=_commands)
