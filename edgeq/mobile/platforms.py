"""The systems that a mobile target stands for, and what may be said about each."""

from __future__ import annotations

from collections.abc import Sequence

from edgeq.devices.names import ARM64, LITERT_HOST, is_adb
from edgeq.options import Target
from edgeq.records import DeviceAgreement, Platform, VariantRow

NEVER_RUN = "generated only, never run here"

# Ends of what the agent calls a machine that has no name of its own ("Linux x86_64").
_ARM64, _OTHERS = ("aarch64", "arm64"), ("x86_64", "AMD64", "i686", "armv7l", "armv6l")

_SYSTEMS = {
    Target.MOBILE: (Target.ANDROID_ARM64, Target.IOS, Target.LINUX_ARM64),
    Target.ANDROID_ARM64: (Target.ANDROID_ARM64,),
    Target.IOS: (Target.IOS,),
    Target.LINUX_ARM64: (Target.LINUX_ARM64,),
}


def platforms_of(target: Target, rows: Sequence[VariantRow] = ()) -> tuple[Platform, ...]:
    """The systems of a target, and what the rows' devices prove about each."""
    ran: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row.device is not None:
            ran.setdefault((row.device.device, row.device.machine), []).append(row.kind.value)
    found = {row.device.device: row.device for row in rows if row.device is not None}
    return tuple(_platform(system, ran, found) for system in _SYSTEMS[target])


def _platform(system: Target, ran: dict[tuple[str, str], list[str]], found: dict[str, DeviceAgreement]) -> Platform:
    said = []
    for (device, machine), kinds in ran.items():
        names = "all variants" if len(kinds) > 4 else ", ".join(kinds)
        proof = _proof(system, device, machine)
        if proof is not None:
            said.append(f"{names}: {proof}, {found[device].samples:,} samples")
    return Platform(name=system.value, proof="; ".join(said) or NEVER_RUN)


def _proof(system: Target, device: str, machine: str) -> str | None:
    """What a run on a device says about a system; None: nothing."""
    if system is Target.IOS:
        return None
    if device == ARM64:
        ran = "outputs computed by LiteRT's arm64 build on an emulated Cortex-A76"
        return ran if system is Target.LINUX_ARM64 else f"{ran}, on Linux; never run on Android"
    if machine.endswith(_OTHERS) or (device == LITERT_HOST and not machine.endswith(_ARM64)):
        return None
    is_android = is_adb(device) or "Android" in machine
    if is_android != (system is Target.ANDROID_ARM64):
        return None
    return f"run on {machine}, at {device}"
