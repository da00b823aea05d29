"""Reads attributes of an .h5 file without loading the model, and looks for data that lie in other files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edgeq.errors import ModelError
from edgeq.model.json_text import parse_json


def read_attribute(path: Path, name: str) -> Any:
    """A JSON attribute of the file's root, parsed; None if there is none.

    Raises:
        ModelError: damaged file, or no JSON.
    """
    text = read_text(path, name)
    return None if text is None else parse_json(text, f"{name} in {path}")


def read_text(path: Path, name: str) -> str | None:
    """A text attribute of the file's root; None if there is none.

    Raises:
        ModelError: damaged file, or no text.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            if name not in file.attrs:
                return None
            value = file.attrs[name]
    except (OSError, RuntimeError, ValueError, TypeError, KeyError) as exc:
        raise ModelError(f"{path} is damaged or cut off: {exc}", hint="Save or copy it again.") from exc
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, str):
        return value
    raise ModelError(f"{name} in {path} is no text.", hint="Save the model again.")


def foreign_links(path: Path) -> Iterator[tuple[str, str]]:
    """Names and reasons of everything whose data lie in another file.

    Raises:
        ModelError: damaged file.
    """
    import h5py

    found: list[tuple[str, str]] = []

    def visit(group: Any) -> None:
        pending = [group]
        while pending:
            here = pending.pop()
            for name in here:
                link = here.get(name, getlink=True)
                full = f"{here.name}/{name}".replace("//", "/")
                if isinstance(link, h5py.ExternalLink):
                    found.append((full, f"it is a link into the file {link.filename!r}"))
                    continue
                if isinstance(link, h5py.SoftLink):
                    found.append((full, "it is a link; Keras writes none"))
                    continue
                item = here[name]
                if isinstance(item, h5py.Group):
                    if item.id in seen:
                        continue
                    seen.add(item.id)
                    pending.append(item)
                elif isinstance(item, h5py.Dataset) and (item.external or item.is_virtual):
                    found.append((full, "its values lie in another file"))

    try:
        with h5py.File(path, "r") as file:
            seen = {file["/"].id}
            visit(file)
    except (OSError, RuntimeError, ValueError, TypeError, KeyError) as exc:
        raise ModelError(f"{path} is damaged or cut off: {exc}", hint="Save or copy it again.") from exc
    yield from found
