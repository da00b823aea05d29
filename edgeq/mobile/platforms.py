"""The systems that a mobile target stands for, and what may be said about each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from edgeq.devices.names import ARM64
from edgeq.options import Target
from edgeq.records import DeviceAgreement, Platform, VariantRow

NEVER_RUN = "generated only, never run in a test"

_SYSTEMS = {
    Target.MOBILE: (Target.ANDROID_ARM64, Target.IOS, Target.LINUX_ARM64),
    Target.ANDROID_ARM64: (Target.ANDROID_ARM64,),
    Target.IOS: (Target.IOS,),
    Target.LINUX_ARM64: (Target.LINUX_ARM64,),
}


def platforms_of(target: Target, rows: Sequence[VariantRow] = ()) -> tuple[Platform, ...]:
    """The systems of a target, and what the rows' devices prove about each."""
    found: dict[tuple[str, str, str | None], list[VariantRow]] = {}
    for row in rows:
        if row.device is not None:
            found.setdefault((row.device.device, row.device.machine, row.device.platform), []).append(row)
    said = {system: "; ".join(_proofs(system, found.values(), len(rows))) for system in _SYSTEMS[target]}
    return tuple(Platform(name=system.value, proof=text or NEVER_RUN) for system, text in said.items())


def _proofs(system: Target, found: Iterable[Sequence[VariantRow]], variants: int) -> Iterator[str]:
    """Of a system, by each device: `found` has the rows that ran on it, of so many variants."""
    for rows in found:
        device = rows[0].device
        proof = _proof(system, device) if device is not None else None
        if device is not None and proof is not None:
            names = "all variants" if len(rows) == variants > 1 else ", ".join(row.kind.value for row in rows)
            yield f"{names}: {proof}, {device.samples:,} samples"


def _proof(system: Target, device: DeviceAgreement) -> str | None:
    """What a run on a device says about a system: something where the agent names that very system and architecture;
    None: nothing."""
    if device.device == ARM64:
        ran = "outputs computed by LiteRT's arm64 build on an emulated Cortex-A76"
        about = {Target.LINUX_ARM64: ran, Target.ANDROID_ARM64: f"{ran}, on Linux; never run on Android"}
        return about.get(system)
    return f"run on {device.machine}, at {device.device}" if device.platform == system.value else None
