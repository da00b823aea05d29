"""Output folders: written beside their place and moved there whole; a failed run leaves the old one as it was.

A rebuild replaces the files that edgeq wrote, and no others: what a user has put into the folder (notes, .gitignore,
.git, files in project/) is in the new one too. What a folder is, a build or an export, its `OutputKind` says.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from edgeq.errors import InputError
from edgeq.generate.manifest import NAME as MARK
from edgeq.generate.manifest import read_manifest
from edgeq.interruption import held
from edgeq.unfinished import OLD, clear_remains, hidden_folder

_REPORTS = frozenset({"report.json", "report.html"})


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputKind:
    """A kind of output folder: `noun` for messages ("build"), and which files in an earlier one are edgeq's.

    `own_files` gives them relative to the folder, in POSIX form, and raises InputError for a folder that is none of
    this kind. `derived` are folders in it that tools make out of those files: never the user's, stale afterwards.
    """

    noun: str
    own_files: Callable[[Path], set[str]]
    derived: tuple[Path, ...] = ()


def check_replaceable(out: Path, kind: OutputKind | None = None) -> None:
    """Refuse a place that cannot be written, or that holds something other than an earlier output of the same kind.

    Args:
        out: the folder.
        kind: of what is to be written; None: a build.

    Raises:
        InputError: says which of the two, and what to do.
    """
    try:
        _check_place(out, kind or BUILD)
    except OSError as exc:
        raise InputError(
            f"{out} cannot be written: {exc.strerror or exc}.", hint="Give another folder with --out."
        ) from exc


def _check_place(out: Path, kind: OutputKind) -> None:
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise InputError(f"{out} exists and is no folder.", hint="Give another folder with --out.")
    if out.is_dir() and any(out.iterdir()):
        kind.own_files(out)
    check_takes_files(out.resolve().parent)


def check_takes_files(folder: Path) -> None:
    """Refuse a folder in which no file can be made; where there is none yet, the one that it would be made in.

    Raises:
        InputError: says which, and why.
    """
    hint = "Give another folder with --out."
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder.", hint=hint)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as exc:
        raise InputError(f"{folder} cannot be written: {_reason(exc)}.", hint=hint) from exc


def _reason(exc: OSError) -> str:
    # Folders of the kernel's (/proc) say of a new file that it is not there.
    return "it takes no files" if exc.errno == errno.ENOENT else exc.strerror or str(exc)


def _own_files(out: Path) -> set[str]:
    """The files that an earlier build wrote into `out`, in POSIX form.

    Raises:
        InputError: it is no earlier build, or nobody can tell any more which files are the build's.
    """
    hint = "Give another folder with --out, or empty this one yourself."
    if not (out / MARK).is_file():
        raise InputError(
            f"{out} has files in it, but is not an earlier build (it has no {MARK}); it is left as it is.", hint=hint
        )
    try:
        manifest = read_manifest(out, verify=False)
    except InputError as exc:
        raise InputError(
            f"{out} has files in it, and its {MARK} does not say which of them are an earlier build's; it is left as "
            "it is.",
            hint=hint,
        ) from exc
    return {MARK, *_REPORTS, *(file.path for file in manifest.files.values())}


BUILD = OutputKind(
    noun="build",
    own_files=_own_files,
    derived=(Path("project", "build"),),  # what `make` in project/ makes
)


def _keep_others(old: Path, new: Path, kind: OutputKind) -> None:
    """Copy what is in an earlier output, but not of it, to the same places of the new one.

    Raises:
        InputError: such a place is taken by a file of the new one.
        OSError: something cannot be read or written.
    """
    own = kind.own_files(old)
    for path in _leaves(old, kind.derived):
        name, target = path.relative_to(old), new / path.relative_to(old)
        if name.as_posix() in own:
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir() and not path.is_symlink():
            target.mkdir(exist_ok=True)
        elif os.path.lexists(target):
            raise InputError(
                f"{path} is a file of yours, and the new {kind.noun} has a file of the same name.",
                hint="Rename yours, or give another folder with --out.",
            )
        else:
            shutil.copy2(path, target, follow_symlinks=False)


def _leaves(root: Path, derived: tuple[Path, ...]) -> Iterator[Path]:
    """All files, links and empty folders (.git needs some) below `root`, but what is in the folders `derived`.

    Raises:
        OSError: a folder cannot be read.
    """

    def refuse(exc: OSError) -> None:
        raise exc

    for folder, folders, files in os.walk(root, onerror=refuse):
        here = Path(folder)
        if here.relative_to(root) in derived:
            folders.clear()
            continue
        if not folders and not files:
            yield here
        yield from (here / name for name in (*files, *folders) if name in files or (here / name).is_symlink())


@contextlib.contextmanager
def replaced_folder(out: Path, kind: OutputKind | None = None) -> Iterator[Path]:
    """An empty folder to write into; it takes the place of `out` when the block ends well, and vanishes otherwise.

    Files of an earlier output of the same kind (None: of a build) in `out` are replaced; other files in it are kept.
    What a killed process left of its own attempt is removed.

    Raises:
        InputError: as `check_replaceable`, or the disk refused.
    """
    place = out.resolve()
    clear_remains(place)
    check_replaceable(out, kind)
    with contextlib.ExitStack() as stack:
        try:
            work = stack.enter_context(hidden_folder(place))
            fresh, old = work / "new", work / OLD
            fresh.mkdir()
        except OSError as exc:
            raise InputError(
                f"{place.parent} cannot be written: {_reason(exc)}.", hint="Give another folder with --out."
            ) from exc
        yield fresh
        try:
            if place.is_dir() and any(place.iterdir()):
                _keep_others(place, fresh, kind or BUILD)
            with held():
                _exchange(place, fresh, old)
        except OSError as exc:
            raise InputError(f"{place} cannot be replaced: {exc.strerror or exc}.") from exc


def _exchange(place: Path, fresh: Path, old: Path) -> None:
    if place.exists():
        place.rename(old)
    try:
        fresh.rename(place)
    except OSError:
        if old.exists():
            old.rename(place)
        raise
