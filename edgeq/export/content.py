"""What an export is to hold, of either kind of build: for a microcontroller, or for phones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from edgeq.builds import open_build
from edgeq.errors import InputError
from edgeq.export.apps.words import app_prefix
from edgeq.export.record import Package
from edgeq.export.registry import APPS, TITLES, load, load_app
from edgeq.mobile.builds import is_mobile, open_mobile


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """`name` is the prefix of the export's names, `files` makes path -> content, `commands` are what to type next;
    `note` and `variant` as of `Exported`."""

    name: str
    model_sha256: str
    files: Callable[[], Mapping[str, bytes]]
    commands: Callable[[Path], tuple[str, ...]]
    note: str | None = None
    variant: str | None = None


def engine_content(folder: Path, to: str, package: Package) -> Content:
    """Of a build for a microcontroller, for an ecosystem.

    Raises:
        InputError: it is a build for phones, or no build; or an option of these is given.
    """
    if is_mobile(folder):
        raise InputError(
            f"{folder} is a build for phones: it has .tflite variants, and no C for --to {to}.",
            hint=f"--to takes {' or '.join(APPS)} of it. For {to}, build with --target cortex-m.",
        )
    _refuse({"--variant": package.variant, "--name": package.name, "--namespace": package.namespace}, f"--to {to}")
    ecosystem, build = load(to), open_build(folder)
    name, engine = build.project.symbol, package.engine or build.engine
    return Content(
        name=name,
        model_sha256=build.quantized.graph.sha256,
        files=lambda: ecosystem.files(build, package),
        commands=lambda out: ecosystem.commands_for(engine, name, out),
    )


def app_content(folder: Path, to: str, package: Package) -> Content:
    """Of a build for phones, for an app.

    Raises:
        InputError: it is a build for a microcontroller, or no build; or an option of these is given.
    """
    platform = load_app(to)
    if not is_mobile(folder):
        open_build(folder)  # says so if it is none at all
        raise InputError(
            f"{folder} is a build for a microcontroller; --to {to} takes one for phones.",
            hint=f"Build with --target mobile. Of this build --to takes one of: {', '.join(TITLES)}.",
        )
    _refuse({"--engine": package.engine}, f"--to {to}")
    if to != "android":
        _refuse({"--namespace": package.namespace}, f"--to {to}")
    build = open_mobile(folder)
    name = app_prefix(package.name, build.name)
    chosen, _ = build.variant(package.variant or build.info.recommendation.kind)
    return Content(
        name=name,
        model_sha256=chosen.graph.sha256,
        files=lambda: platform.files(build, chosen.kind, package, name),
        commands=lambda out: platform.commands(name, out),
        note=platform.note,
        variant=chosen.kind.value,
    )


def _refuse(options: Mapping[str, object], beside: str) -> None:
    """Nothing, if none of the options has a value.

    Raises:
        InputError: one has.
    """
    for flag, value in options.items():
        if value is not None:
            raise InputError(f"{flag} cannot be given with {beside}.", hint="Leave it out.")
