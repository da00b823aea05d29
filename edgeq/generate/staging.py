"""Writes a project's files so that a failure leaves the old project as it was."""

from __future__ import annotations

import errno
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from edgeq.errors import InputError

# Lists the files that edgeq made, so that a later run replaces those and no others.
MARKER = "edgeq-project.json"


def write_files(root: Path, files: Mapping[str, bytes], *, facts: Mapping[str, str]) -> tuple[str, ...]:
    """Write a project.

    Everything is written beside `root` first. A folder that is not there yet appears in one step; in an earlier
    project each file is replaced in one step, files of it that are no longer needed go, and others (a user's own,
    .git) stay.

    Args:
        root: the project's folder.
        files: path in it -> content.
        facts: what the marker file says beside the list of files.

    Returns:
        All paths, sorted, the marker included.

    Raises:
        InputError: the folder holds something else, or cannot be written.
    """
    root = root.absolute()
    names = tuple(sorted({*files, MARKER}))
    marker = json.dumps({**facts, "files": names}, indent=2, ensure_ascii=False) + "\n"
    old = _earlier_files(root)
    staged = None
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=f".{root.name}-", dir=root.parent))
        staged.chmod(0o755)
        for name, content in {**files, MARKER: marker.encode()}.items():
            path = staged / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if not root.exists():
            staged.rename(root)
            return names
        for name in names:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (staged / name).replace(root / name)
        for name in old - set(names):
            (root / name).unlink(missing_ok=True)
    except OSError as exc:
        full = exc.errno in (errno.ENOSPC, errno.EDQUOT)
        raise InputError(
            f"The C project cannot be written: {exc.strerror or exc}.",
            hint=f"{'Free some space, or give' if full else 'Give'} another folder with --out.",
        ) from exc
    finally:
        if staged is not None:
            shutil.rmtree(staged, ignore_errors=True)
    return names


def _earlier_files(root: Path) -> set[str]:
    """The files that an earlier run made in `root`.

    Raises:
        InputError: it is there and is no project of edgeq's.
    """
    if not root.exists():
        return set()
    if root.is_dir() and not any(root.iterdir()):
        return set()
    try:
        listed = json.loads((root / MARKER).read_text(encoding="utf-8"))["files"]
        inside = [p for p in listed if isinstance(p, str) and not Path(p).is_absolute() and ".." not in Path(p).parts]
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise InputError(
            f"{root} is there already and is not a C project made by edgeq (no readable {MARKER} in it).",
            hint="Give another folder, or remove this one.",
        ) from exc
    return set(inside)
