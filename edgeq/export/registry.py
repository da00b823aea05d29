"""The ecosystems that edgeq exports to. A new one is a line here, a module beside the others, and its templates."""

from __future__ import annotations

import importlib

from edgeq.errors import InputError
from edgeq.export.record import Ecosystem

TITLES = {
    "library": "C files with a Makefile: to copy into any project",
    "cmake": "a CMake package: add_subdirectory, or install and find_package",
    "arduino": "an Arduino library",
    "platformio": "a PlatformIO library",
    "zephyr": "a Zephyr module, with a sample",
    "esp-idf": "an ESP-IDF component, with an example",
    "cmsis-pack": "the content of a CMSIS pack",
}
"""What `--to` takes, and what it is, in a line each."""


def load(name: str) -> Ecosystem:
    """The ecosystem of that name.

    Raises:
        InputError: there is none.
    """
    if name not in TITLES:
        raise InputError(f"edgeq cannot export to {name!r}.", hint=f"--to takes one of: {', '.join(TITLES)}.")
    module = importlib.import_module(f"edgeq.export.ecosystems.{name.replace('-', '_')}")
    found: Ecosystem = module.ECOSYSTEM
    return found
