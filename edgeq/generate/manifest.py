"""manifest.json: what belongs to a build, each file with its SHA-256, so that a build knows its own data.

Arrays are kept as .npz without pickles; the same arrays give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from edgeq.errors import DataError, InputError
from edgeq.version import version

NAME = "manifest.json"
SCHEMA_VERSION = 1

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

_REBUILD = "Build again: edgeq build …"


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestFile:
    """A file of the build: `path` relative to the build's folder, in POSIX form."""

    path: str
    sha256: str
    nbytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """All of manifest.json.

    `files` maps a role ("model", "samples", "image", …; for files of the C project "project/model/kws.c" and so on) to
    a file. `facts` are the options, and the digests of what is not kept in the build (the user's data).
    """

    edgeq: str
    files: Mapping[str, ManifestFile]
    facts: Mapping[str, Json] = field(default_factory=lambda: MappingProxyType({}))

    def path(self, root: Path, role: str) -> Path:
        """Where the file of a role is.

        Raises:
            InputError: the build has no such file.
        """
        if role not in self.files:
            raise InputError(f"The build in {root} has no {role}.", hint=_REBUILD)
        return root / self.files[role].path


def write_manifest(root: Path, *, files: Mapping[str, Path | str], facts: Mapping[str, Json]) -> Manifest:
    """Hash files of a build and write its manifest.

    Args:
        root: the build's folder.
        files: role -> file, inside `root`, absolute or relative to it.
        facts: JSON values to keep with them: options, versions, digests.

    Raises:
        InputError: a file is missing or outside the folder.
    """
    entries = {}
    for role, file in sorted(files.items()):
        path = root / file
        try:
            relative = path.resolve().relative_to(root.resolve()).as_posix()
            content = path.read_bytes()
        except (OSError, ValueError) as exc:
            raise InputError(f"The build's {role}, {path}, cannot be read: {exc}.", hint=_REBUILD) from exc
        entries[role] = ManifestFile(path=relative, sha256=hashlib.sha256(content).hexdigest(), nbytes=len(content))
    manifest = Manifest(edgeq=version(), files=entries, facts=dict(facts))
    text = json.dumps(
        {
            "schema_version": SCHEMA_VERSION,
            "edgeq": manifest.edgeq,
            "facts": manifest.facts,
            "files": {r: {"path": f.path, "sha256": f.sha256, "bytes": f.nbytes} for r, f in entries.items()},
        },
        indent=2,
        sort_keys=True,
        ensure_ascii=False,
    )
    unfinished = root / f"{NAME}.tmp"
    unfinished.write_text(text + "\n", encoding="utf-8")
    unfinished.replace(root / NAME)
    return manifest


def read_manifest(root: Path, *, verify: bool = True) -> Manifest:
    """The manifest of a build.

    Args:
        root: the build's folder.
        verify: compare every file with its digest.

    Raises:
        InputError: no build, a damaged manifest, or a file that is missing or was changed since.
    """
    path = root / NAME
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as exc:
        found = f"is no build: it has no {NAME}" if root.is_dir() else "is no folder" if root.exists() else "is missing"
        raise InputError(f"{root} {found}.", hint="Give the folder that `edgeq build … --out` wrote.") from exc
    except (OSError, ValueError) as exc:
        raise InputError(f"{path} cannot be read: {exc}.", hint=_REBUILD) from exc
    try:
        if values["schema_version"] != SCHEMA_VERSION:
            raise InputError(f"{path} is of another version of edgeq ({values.get('edgeq')}).", hint=_REBUILD)
        manifest = Manifest(
            edgeq=str(values["edgeq"]),
            facts=dict(values["facts"]),
            files={
                str(role): ManifestFile(path=_inside(f["path"]), sha256=str(f["sha256"]), nbytes=int(f["bytes"]))
                for role, f in values["files"].items()
            },
        )
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise InputError(f"{path} is damaged: {exc!r}.", hint=_REBUILD) from exc
    if verify:
        for role in manifest.files:
            verify_file(root, manifest, role)
    return manifest


def verify_file(root: Path, manifest: Manifest, role: str) -> Path:
    """The path of a file whose content is still the one that was built.

    Raises:
        InputError: it is not in the manifest, is missing, or was changed.
    """
    path = manifest.path(root, role)
    entry = manifest.files[role]
    try:
        content = path.read_bytes()
    except OSError as exc:
        raise InputError(f"The build's {role}, {path}, cannot be read: {exc.strerror or exc}.", hint=_REBUILD) from exc
    if len(content) != entry.nbytes or hashlib.sha256(content).hexdigest() != entry.sha256:
        raise InputError(
            f"{path} was changed after the build ({len(content)} bytes now, {entry.nbytes} then; the SHA-256 differs).",
            hint=_REBUILD,
        )
    return path


def save_arrays(path: Path, arrays: Mapping[str, NDArray[np.generic]]) -> None:
    """Write arrays to an .npz; the same arrays give the same bytes.

    Raises:
        DataError: an array of objects, which only a pickle could hold.
    """
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise DataError(f"The array {name} holds Python objects; only numbers and texts can be saved.")
    with path.open("wb") as file:
        np.savez_compressed(file, **{name: np.ascontiguousarray(a) for name, a in sorted(arrays.items())})  # type: ignore[arg-type]


def load_arrays(path: Path) -> dict[str, NDArray[np.generic]]:
    """The arrays of an .npz, without unpickling anything.

    Raises:
        InputError: missing, damaged, or with pickled objects in it.
    """
    try:
        with np.load(path, allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as exc:
        raise InputError(f"{path} cannot be read: {exc}.", hint=_REBUILD) from exc


def _inside(path: str) -> str:
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts:
        raise ValueError(f"{path} is outside the build")
    return path
