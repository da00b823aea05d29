"""Plain C files with a Makefile."""

from __future__ import annotations

import shlex
from pathlib import Path

from edgeq.export.layout import Layout
from edgeq.export.record import Ecosystem

_LAYOUT = Layout(
    ecosystem="library",
    include="include",
    sources="src",
    templates={"Makefile": "library/Makefile.j2", "examples/main.c": "common/main.c.j2"},
)


def _commands(name: str, out: Path) -> tuple[str, ...]:
    folder = shlex.quote(str(out))
    return (
        f"make -C {folder} selftest",
        f"make -C {folder} clean",
        f'make -C {folder} CROSS=arm-none-eabi- CPU="-mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16"',
    )


def _tflm_commands(name: str, out: Path) -> tuple[str, ...]:
    folder, flags = shlex.quote(str(out)), 'TFLM_FLAGS="-isystem …"'
    return (
        f"make -C {folder} {flags}",
        f"make -C {folder} selftest {flags} TFLM_LIBRARY=…/libtensorflow-microlite.a",
        f"make -C {folder} clean",
    )


ECOSYSTEM = Ecosystem(name="library", files=_LAYOUT.files, commands=_commands, tflm_commands=_tflm_commands)
