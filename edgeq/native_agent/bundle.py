"""The native agent and LiteRT's library in one folder: what a device needs to run models."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from edgeq import resources
from edgeq.caches import cache_folder
from edgeq.errors import InputError, ToolError
from edgeq.native_agent.build import PROGRAM, build_agent, recipe, sources
from edgeq.native_agent.runtime import LIBRARY, litert_library, wheel_version
from edgeq.native_agent.targets import Target
from edgeq.progress import Progress

_STAMP = "made-of.sha256"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A folder with the program and the library for a target."""

    target: Target
    folder: Path

    @property
    def program(self) -> Path:
        """The agent."""
        return self.folder / PROGRAM

    @property
    def library(self) -> Path:
        """LiteRT's library, beside it."""
        return self.folder / LIBRARY


def default_folder(target: Target) -> Path:
    """Where `--device adb` looks for the agent of a target."""
    return cache_folder("native-agent") / target.name


def make_bundle(
    target: Target, *, litert: Path | None = None, out: Path | None = None, progress: Progress | None = None
) -> Bundle:
    """Build the agent, and put LiteRT's library beside it.

    Args:
        target: for what.
        litert: as of `litert_library`.
        out: the folder; None: where `--device adb` looks for it. An agent that is there is replaced.
        progress: hears of the stages.

    Raises:
        InputError: `litert` is no such library, or `out` cannot be written.
        ToolError: as `build_agent` and `litert_library`.
    """
    folder = out or default_folder(target)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            (progress or Progress()).start(f"Getting LiteRT's library for {target.name}")
            library = litert_library(target, litert, Path(scratch) / "package")
            program = build_agent(target, Path(scratch) / "build", progress=progress)
            copied = Path(scratch) / LIBRARY
            shutil.copyfile(library, copied)
            (folder / _STAMP).unlink(missing_ok=True)
            copied.replace(folder / LIBRARY)
            program.replace(folder / PROGRAM)
            (folder / _STAMP).write_text(_digest(target) + "\n")
    except OSError as exc:
        raise InputError(
            f"{folder} cannot be written: {exc.strerror or exc}.", hint="Give another with --out."
        ) from exc
    return Bundle(target=target, folder=folder)


def ready_bundle(target: Target) -> Bundle:
    """The agent of a target, built before from the same sources, in the same way, with the library of the same LiteRT;
    built now where nothing but edgeq is needed.

    Raises:
        ToolError: it must be built by hand first; the hint says how.
    """
    folder = default_folder(target)
    stamp = folder / _STAMP
    if stamp.is_file() and stamp.read_text("utf-8").strip() == _digest(target):
        return Bundle(target=target, folder=folder)
    if target.android_abi is None:
        return make_bundle(target)
    what = "was built by another version of edgeq" if stamp.is_file() else "has not been built yet"
    raise ToolError(
        f"The native agent for {target.name} {what}.",
        hint=f"edgeq native-agent --for {target.name} --litert litert.aar (it needs the Android NDK)",
    )


def _digest(target: Target) -> str:
    digest = hashlib.sha256(recipe(target).encode())
    if target.android_abi is None:  # on Android the library is the user's
        digest.update(f"\nLiteRT {wheel_version()}\n".encode())
    headers = (resources.firmware() / place for place in ("agent/src", "include/edgeq"))
    for file in (*sources(), *(header for place in headers for header in sorted(place.glob("*.h")))):
        digest.update(file.read_bytes())
    return digest.hexdigest()
