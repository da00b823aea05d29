"""`edgeq export`: a build's package is made in memory, then written whole; an earlier export's own files go."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path, PurePosixPath

from edgeq.errors import InputError
from edgeq.export.content import app_content, engine_content
from edgeq.export.record import Exported, Package
from edgeq.export.registry import APPS, check_name
from edgeq.output import OutputKind, check_replaceable, replaced_folder
from edgeq.version import version

MARK = "edgeq-export.json"
"""Lists the files of an export with their SHA-256."""

_HINT = "Give another folder with --out, or empty this one yourself."


def export(folder: Path, to: str, out: Path | None, package: Package) -> Exported:
    """Write a build as a package of an ecosystem.

    Args:
        folder: the build.
        to: a name of `registry.TITLES`, or of `registry.APPS` for a build for phones.
        out: the package's folder: new, empty, or an earlier export, of which edgeq's own files are replaced. None:
            export/<to>/<the model's C prefix>.
        package: what the manifest says beside the content.

    Raises:
        InputError: no such ecosystem or build; a build, or an option, of the other kind; `out` holds something else; or
            a file of the user's is in the way.
        UnsupportedError: TensorFlow Lite Micro is to run the model, and computes it wrongly; or the app's sources
            cannot have its inputs or outputs.
    """
    check_name(to)
    package.check()
    content = app_content(folder, to, package) if to in APPS else engine_content(folder, to, package)
    name, out = content.name, out or Path("export", to, content.name)
    if out.resolve() == folder.resolve():
        raise InputError(f"{out} is the build itself.", hint="Give another folder with --out.")
    check_replaceable(out, _EXPORT)
    files = dict(content.files())
    digests = {path: hashlib.sha256(data).hexdigest() for path, data in sorted(files.items())}
    of = {} if content.variant is None else {"variant": content.variant}
    facts = {"edgeq": version(), "to": to, "name": name, **of, "model_sha256": content.model_sha256, "files": digests}
    files[MARK] = (json.dumps(facts, indent=2) + "\n").encode()
    with replaced_folder(out, _EXPORT) as fresh:
        for path, data in files.items():
            (fresh / path).parent.mkdir(parents=True, exist_ok=True)
            (fresh / path).write_bytes(data)
    return Exported(
        to=to, name=name, out=out, files=tuple(sorted(files)), commands=content.commands(out), note=content.note,
        variant=content.variant,
    )  # fmt: skip


def _own_files(out: Path) -> set[str]:
    """The files of an earlier export that are still as edgeq wrote them; one that was changed is the user's.

    Raises:
        InputError: it is no export.
    """
    try:
        listed = json.loads((out / MARK).read_text(encoding="utf-8"))["files"]
        digests = {str(path): str(digest) for path, digest in listed.items()}
    except FileNotFoundError as exc:
        raise InputError(
            f"{out} has files in it, but is not an earlier export (it has no {MARK}); it is left as it is.", hint=_HINT
        ) from exc
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
        raise InputError(
            f"{out} has files in it, and its {MARK} does not say which of them are an earlier export's; it is left as "
            "it is.",
            hint=_HINT,
        ) from exc
    return {MARK, *(path for path, digest in digests.items() if _is_unchanged(out, path, digest))}


def _is_unchanged(out: Path, path: str, digest: str) -> bool:
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or (out / pure).is_symlink():
        return False
    try:
        return hashlib.sha256((out / pure).read_bytes()).hexdigest() == digest
    except OSError:
        return False


_EXPORT = OutputKind(noun="export", own_files=_own_files)
