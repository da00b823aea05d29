"""report.json and report.html on disk, and what other pairs of a JSON file and its page have in common with them."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from edgeq.errors import InputError
from edgeq.report.document import Document
from edgeq.report.html import render_html
from edgeq.report.record import REPORT, Report, from_json, to_json


def write_report(report: Report, folder: Path) -> tuple[Path, Path]:
    """Write report.json and report.html into an existing folder; the paths of both.

    Both are made before either is written, and each replaces its old one at once.

    Raises:
        InputError: the folder cannot be written.
    """
    return write_document(REPORT, folder, content=to_json(report), page=render_html(report))


def read_report(path: Path) -> Report:
    """Read a report.json, or the one in a build folder.

    Raises:
        InputError: there is none, it cannot be read, or it is not a report of this schema version.
    """
    content, file = read_document(REPORT, path)
    return from_json(content, name=str(file))


def write_document(document: Document, folder: Path, *, content: dict[str, Any], page: str) -> tuple[Path, Path]:
    """Write a JSON file and its HTML page into an existing folder; each replaces its old one at once.

    Raises:
        InputError: the folder cannot be written.
    """
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    files = (folder / document.json_name, folder / document.html_name)
    for file, written in zip(files, (text, page), strict=True):
        _replace(file, written)
    return files


def read_document(document: Document, path: Path) -> tuple[Any, Path]:
    """Parse a JSON file, or the one in a folder: the values, and the file that was read.

    Raises:
        InputError: there is none, it cannot be read, or it is not JSON.
    """
    file = path / document.json_name if path.is_dir() else path
    try:
        return json.loads(file.read_text("utf-8")), file
    except FileNotFoundError as exc:
        hint = f"Give a {document.json_name}, or the folder of an `{document.command}`."
        raise InputError(f"There is no {file}.", hint=hint) from exc
    except OSError as exc:
        raise InputError(f"{file} cannot be read: {exc.strerror or exc}.") from exc
    except UnicodeDecodeError as exc:
        hint = f"Give a {document.json_name}, or the folder of an `{document.command}`."
        raise InputError(f"{file} cannot be read: it is not text.", hint=hint) from exc
    except (json.JSONDecodeError, RecursionError) as exc:
        raise InputError(f"{file} is not JSON: {exc}.", hint=document.hint) from exc


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
