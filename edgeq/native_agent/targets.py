"""What the native agent can be compiled for."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass

from edgeq.errors import InputError

HOST = "host"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A kind of device.

    `machine` is what `uname -m` says there. `zig` is zig's name for it, None where only the Android NDK compiles for
    it; `android_abi` is the NDK's, None where it is no Android. `elf_machine` is pyelftools' name of the processor.
    """

    name: str
    machine: str
    elf_machine: str
    zig: str | None = None
    android_abi: str | None = None


# glibc 2.27 is the oldest that LiteRT's wheels run on.
TARGETS = (
    Target(name="linux-arm64", machine="aarch64", elf_machine="EM_AARCH64", zig="aarch64-linux-gnu.2.27"),
    Target(name="linux-x86_64", machine="x86_64", elf_machine="EM_X86_64", zig="x86_64-linux-gnu.2.27"),
    Target(name="android-arm64", machine="aarch64", elf_machine="EM_AARCH64", android_abi="arm64-v8a"),
    Target(name="android-x86_64", machine="x86_64", elf_machine="EM_X86_64", android_abi="x86_64"),
)
NAMES = (*(target.name for target in TARGETS), HOST)


def find_target(name: str) -> Target:
    """The target of a name; "host" is this machine.

    Raises:
        InputError: there is none, or none for this machine.
    """
    if name == HOST:
        return _host()
    for target in TARGETS:
        if target.name == name:
            return target
    raise InputError(f"The native agent cannot be built for {name!r}.", hint=f"Known: {', '.join(NAMES)}.")


def is_host(target: Target) -> bool:
    """Whether programs for it run on this machine."""
    return sys.platform == "linux" and target.zig is not None and target.machine == platform.machine()


def _host() -> Target:
    for target in TARGETS:
        if is_host(target):
            return target
    raise InputError(
        f"The native agent does not run on this machine ({sys.platform}, {platform.machine()}).",
        hint="It runs on Linux and Android; --for names another machine: linux-arm64, android-arm64.",
    )
