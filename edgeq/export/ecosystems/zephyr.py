"""A Zephyr module with a Kconfig switch, and a sample that twister can run."""

from __future__ import annotations

import shlex
from pathlib import Path

from edgeq.export.layout import Layout
from edgeq.export.record import Ecosystem

_LAYOUT = Layout(
    ecosystem="zephyr",
    include="include",
    sources="src",
    templates={
        "zephyr/module.yml": "zephyr/module.yml.j2",
        "zephyr/CMakeLists.txt": "zephyr/CMakeLists.txt.j2",
        "zephyr/Kconfig": "zephyr/Kconfig.j2",
        "samples/{name}/CMakeLists.txt": "zephyr/sample.cmake.j2",
        "samples/{name}/prj.conf": "zephyr/prj.conf.j2",
        "samples/{name}/sample.yaml": "zephyr/sample.yaml.j2",
        "samples/{name}/src/main.c": "common/main.c.j2",
    },
)


def _commands(name: str, out: Path) -> tuple[str, ...]:
    sample = shlex.quote(str(out / "samples" / name))
    return (
        f"west build -b qemu_cortex_m3 {sample}",
        "west build -t run",
        f"west twister -T {sample} -p qemu_cortex_m3",
    )


ECOSYSTEM = Ecosystem(name="zephyr", files=_LAYOUT.files, commands=_commands)
