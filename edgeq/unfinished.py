"""Hidden folders beside an output's place, in which it is made: gone when it is done, failed, or was interrupted.

What a killed process left (kill -9, a power cut) is removed when the same output is made again. A lock tells it from
what another process is still at: the operating system drops it however the process ends.
"""

from __future__ import annotations

import contextlib
import glob
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from edgeq.interruption import held

_LOCK = "lock"
_RANDOM = re.compile("[a-z0-9_]{8}")  # what `tempfile` puts after a prefix

OLD = "old"
"""In a hidden folder: what was in the output's place before, while the two change places."""


@contextlib.contextmanager
def hidden_folder(place: Path) -> Iterator[Path]:
    """A folder beside `place`, on the same file system. Parents of `place` are made, and removed if nothing came there.

    Raises:
        OSError: the parent cannot be written.
    """
    with contextlib.ExitStack() as stack:
        for parent in reversed(_missing_parents(place)):
            stack.callback(_remove_empty, parent)
        place.parent.mkdir(parents=True, exist_ok=True)
        with held():
            folder = Path(tempfile.mkdtemp(prefix=_prefix(place), dir=place.parent))
            stack.enter_context(_locked(folder))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
        yield folder


def clear_remains(place: Path) -> None:
    """Remove the hidden folders of processes that were killed while they made `place`.

    One that was killed while two builds changed places may have the only copy of the old one: it is put back.
    """
    for folder in place.parent.glob(f"{glob.escape(_prefix(place))}*"):
        made_here = _RANDOM.fullmatch(folder.name.removeprefix(_prefix(place)))
        if not made_here or folder.is_symlink() or not _is_left(folder / _LOCK):
            continue
        with contextlib.suppress(OSError):  # it is another user's, say: it stays, and harms nobody
            if (folder / OLD).exists() and not place.exists():
                (folder / OLD).rename(place)
            shutil.rmtree(folder)


def _prefix(place: Path) -> str:
    return f".{place.name}."


def _missing_parents(place: Path) -> list[Path]:
    """Innermost first."""
    return [parent for parent in place.parents if not parent.exists()]


def _remove_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):  # it holds something, or is not there
        folder.rmdir()


if sys.platform == "win32":

    @contextlib.contextmanager
    def _locked(folder: Path) -> Iterator[None]:
        yield

    def _is_left(lock: Path) -> bool:
        return False

else:
    import fcntl

    @contextlib.contextmanager
    def _locked(folder: Path) -> Iterator[None]:
        new = folder / f"new-{_LOCK}"
        with new.open("w") as file:
            with contextlib.suppress(OSError):  # a file system without locks: remains on it stay
                fcntl.flock(file, fcntl.LOCK_EX)
                new.rename(folder / _LOCK)  # whoever sees it sees it locked
            yield

    def _is_left(lock: Path) -> bool:
        """Whether the process that locked it is gone."""
        try:
            with lock.open("r+") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
