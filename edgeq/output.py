"""Output folders: written beside their place and moved there whole; a failed run leaves the old one as it was."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from edgeq.errors import InputError

MARK = "manifest.json"
"""A folder with this file is a build, and may be replaced."""


def check_replaceable(out: Path) -> None:
    """Refuse a place that cannot be written, or that holds something other than an earlier build.

    Raises:
        InputError: says which of the two, and what to do.
    """
    try:
        _check_place(out)
    except OSError as exc:
        raise InputError(
            f"{out} cannot be written: {exc.strerror or exc}.", hint="Give another folder with --out."
        ) from exc


def _check_place(out: Path) -> None:
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise InputError(f"{out} exists and is no folder.", hint="Give another folder with --out.")
    if out.is_dir() and any(out.iterdir()) and not (out / MARK).is_file():
        raise InputError(
            f"{out} has files in it, but is not an earlier build (it has no {MARK}); it is left as it is.",
            hint="Give another folder with --out, or empty this one yourself.",
        )
    parent = out.resolve().parent
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir():
        raise InputError(f"{parent} is no folder.", hint="Give another folder with --out.")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise InputError(f"{parent} cannot be written.", hint="Give another folder with --out.")


@contextlib.contextmanager
def replaced_folder(out: Path) -> Iterator[Path]:
    """An empty folder to write into; it takes the place of `out` when the block ends well, and vanishes otherwise.

    Raises:
        InputError: as `check_replaceable`, or the disk refused.
    """
    check_replaceable(out)
    place = out.resolve()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{place.name}.", dir=place.parent))
    except OSError as exc:
        raise InputError(
            f"{place.parent} cannot be written: {exc.strerror or exc}.", hint="Give another folder with --out."
        ) from exc
    fresh, old = work / "new", work / "old"
    try:
        fresh.mkdir()
        yield fresh
        try:
            if place.exists():
                place.rename(old)
            try:
                fresh.rename(place)
            except OSError:
                if old.exists():
                    old.rename(place)
                raise
        except OSError as exc:
            raise InputError(f"{place} cannot be replaced: {exc.strerror or exc}.") from exc
    finally:
        shutil.rmtree(work, ignore_errors=True)
