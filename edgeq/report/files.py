"""report.json and report.html on disk."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path

from edgeq.errors import InputError
from edgeq.report.html import render_html
from edgeq.report.record import Report, from_json, to_json

JSON_NAME = "report.json"
HTML_NAME = "report.html"


def write_report(report: Report, folder: Path) -> tuple[Path, Path]:
    """Write report.json and report.html into an existing folder; the paths of both.

    Both are made before either is written, and each replaces its old one at once.

    Raises:
        InputError: the folder cannot be written.
    """
    contents = {
        JSON_NAME: json.dumps(to_json(report), indent=2, ensure_ascii=False, allow_nan=False) + "\n",
        HTML_NAME: render_html(report),
    }
    for name, text in contents.items():
        _replace(folder / name, text)
    return folder / JSON_NAME, folder / HTML_NAME


def read_report(path: Path) -> Report:
    """Read a report.json, or the one in a build folder.

    Raises:
        InputError: there is none, it cannot be read, or it is not a report of this schema version.
    """
    file = path / JSON_NAME if path.is_dir() else path
    try:
        content = json.loads(file.read_text("utf-8"))
    except FileNotFoundError as exc:
        raise InputError(f"There is no {file}.", hint="Give a report.json, or the folder of an `edgeq build`.") from exc
    except (OSError, UnicodeDecodeError) as exc:
        raise InputError(f"{file} cannot be read: {exc}.") from exc
    except (json.JSONDecodeError, RecursionError) as exc:
        raise InputError(f"{file} is not JSON: {exc}.", hint="Give the report.json that `edgeq build` wrote.") from exc
    return from_json(content, name=str(file))


def _replace(file: Path, text: str) -> None:
    try:
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    except OSError as exc:
        raise InputError(f"{file.parent} cannot be written: {exc.strerror or exc}.") from exc
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace", newline="\n") as stream:
            stream.write(text)
        mask = os.umask(0)
        os.umask(mask)
        Path(name).chmod(0o666 & ~mask)
        Path(name).replace(file)
    except BaseException as exc:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        if isinstance(exc, OSError):
            raise InputError(f"{file} cannot be written: {exc.strerror or exc}.") from exc
        raise
