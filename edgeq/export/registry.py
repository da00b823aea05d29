"""The ecosystems that edgeq exports to. A new one is a line here, a module beside the others, and its templates."""

from __future__ import annotations

import importlib
from typing import Any

from edgeq.errors import InputError
from edgeq.export.record import AppPlatform, Ecosystem

TITLES = {
    "library": "C files with a Makefile: to copy into any project",
    "cmake": "a CMake package: add_subdirectory, or install and find_package",
    "arduino": "an Arduino library",
    "platformio": "a PlatformIO library",
    "zephyr": "a Zephyr module, with a sample",
    "esp-idf": "an ESP-IDF component, with an example",
    "cmsis-pack": "the content of a CMSIS pack",
}
"""What `--to` takes of a build for a microcontroller, and what it is, in a line each."""

APPS = {
    "android": "an Android library module: Kotlin, and C++ for the NDK",
    "ios": "a Swift package and pod; generated only, never run in a test",
}
"""What `--to` takes of a build for phones."""


def check_name(name: str) -> None:
    """Nothing, if there is an ecosystem or an app's platform of that name.

    Raises:
        InputError: there is none.
    """
    if name not in {**TITLES, **APPS}:
        known = ", ".join((*TITLES, *APPS))
        raise InputError(f"edgeq cannot export to {name!r}.", hint=f"--to takes one of: {known}.")


def load(name: str) -> Ecosystem:
    """The ecosystem of that name.

    Raises:
        InputError: there is none.
    """
    check_name(name)
    found: Ecosystem = _module(name).ECOSYSTEM
    return found


def load_app(name: str) -> AppPlatform:
    """The app's platform of that name.

    Raises:
        InputError: there is none.
    """
    check_name(name)
    found: AppPlatform = _module(name).PLATFORM
    return found


def _module(name: str) -> Any:
    return importlib.import_module(f"edgeq.export.ecosystems.{name.replace('-', '_')}")
