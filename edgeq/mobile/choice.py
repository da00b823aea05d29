"""Which variant of a build runs: the one that the user names, or that the agent at a port holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from edgeq.devices.names import is_serial
from edgeq.errors import DeviceError
from edgeq.link.session import Session
from edgeq.mobile.builds import MobileBuild
from edgeq.mobile.measure import file_of
from edgeq.records import VariantKind


def choose_variant(build: MobileBuild, devices: Sequence[str], asked: VariantKind | None, *, baud: int) -> VariantKind:
    """The variant to run: the one that was asked for, else that of the agents that are running already, else int8, or
    where there is none the recommended one.

    An agent serves one file, and HELLO has its SHA-256. Devices that edgeq starts itself run whatever it is.

    Args:
        build: whose variants.
        devices: names that the user gave.
        asked: by the user.
        baud: of a serial port.

    Raises:
        DeviceError: an agent holds a variant that was not asked for, or that another agent does not hold, or a model
            that is none of the build's; the message names it.
        DeviceError, LinkError: it does not answer.
    """
    wanted = asked
    for device in dict.fromkeys(d for d in devices if is_serial(d)):
        held = _held(build, device, baud)
        if wanted is not None and held is not wanted:
            _refuse(build, device, held, wanted, asked)
        wanted = held
    return wanted or default_variant(build)


def default_variant(build: MobileBuild) -> VariantKind:
    """The one that runs where nobody names one."""
    kinds = [variant.kind for variant in build.variants]
    return VariantKind.INT8 if VariantKind.INT8 in kinds else build.info.recommendation.kind


def _held(build: MobileBuild, device: str, baud: int) -> VariantKind:
    with Session.connect(device, baud=baud) as session:
        hello = session.hello
    for variant in build.variants:
        if variant.graph.sha256 == hello.sha256:
            return variant.kind
    raise DeviceError(
        f"The device at {device} runs another model ({hello.model}, SHA-256 {hello.sha256[:12]}…), none of the "
        f"variants of {build.folder}.",
        hint=f"Copy a file of {build.folder / 'variants'} to the device, and start the agent with it: edgeq agent "
        f"{file_of(default_variant(build))}",
    )


def _refuse(
    build: MobileBuild, device: str, held: VariantKind, wanted: VariantKind, asked: VariantKind | None
) -> NoReturn:
    file = file_of(wanted)
    if asked is None:
        why, hint = f"another agent has {wanted.value}", f"Start the agent with {file}."
    else:
        why, hint = f"--variant is {wanted.value}", f"Leave out --variant, or start the agent with {file}."
    raise DeviceError(f"The agent at {device} has the {held.value} variant of {build.folder}; {why}.", hint=hint)
