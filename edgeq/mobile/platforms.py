"""The systems that a mobile target stands for, and what may be said about each."""

from __future__ import annotations

from edgeq.options import Target
from edgeq.records import Platform

NEVER_RUN = "generated only, never run here"

_SYSTEMS = {
    Target.MOBILE: (Target.ANDROID_ARM64, Target.IOS, Target.LINUX_ARM64),
    Target.ANDROID_ARM64: (Target.ANDROID_ARM64,),
    Target.IOS: (Target.IOS,),
    Target.LINUX_ARM64: (Target.LINUX_ARM64,),
}


def platforms_of(target: Target) -> tuple[Platform, ...]:
    """The systems of a target; nothing has run on any of them yet."""
    return tuple(Platform(name=system.value, proof=NEVER_RUN) for system in _SYSTEMS[target])
