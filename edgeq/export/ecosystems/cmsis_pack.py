"""A CMSIS pack: the folder that cpackget adds, or a .pack file when it is zipped."""

from __future__ import annotations

import shlex
from pathlib import Path

from edgeq.export.layout import Layout
from edgeq.export.record import Ecosystem

_LAYOUT = Layout(
    ecosystem="cmsis-pack",
    include="include",
    sources="src",
    templates={
        "edgeq.{name}.pdsc": "cmsis-pack/pack.pdsc.j2",
        "examples/main.c": "common/main.c.j2",
    },
)


def _commands(name: str, out: Path) -> tuple[str, ...]:
    pdsc, folder = shlex.quote(str(out / f"edgeq.{name}.pdsc")), shlex.quote(str(out))
    return (
        f"packchk {pdsc}",
        f"cpackget add {pdsc}",
        f"cd {folder} && zip -r ../edgeq.{name}.pack .",
    )


ECOSYSTEM = Ecosystem(name="cmsis-pack", files=_LAYOUT.files, commands=_commands)
