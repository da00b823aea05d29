"""The names of the classes for a model's metadata: from a file, or from the data."""

from __future__ import annotations

from pathlib import Path

from edgeq.errors import InputError
from edgeq.model.graph import Graph

_MOST_BYTES = 4 << 20


def read_labels(path: Path) -> tuple[str, ...]:
    """The lines of a UTF-8 text file; empty lines at its end do not count.

    Raises:
        InputError: it cannot be read, is no text, is empty, or has an empty line in it.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputError(f"{path} has {path.stat().st_size:,} bytes: too many for a file of labels.", hint=_HINT)
        text = path.read_text("utf-8-sig")
    except OSError as exc:
        raise InputError(f"{path} cannot be read: {exc.strerror or exc}.", hint=_HINT) from exc
    except UnicodeDecodeError as exc:
        raise InputError(f"{path} is not UTF-8 text: {exc.reason} at byte {exc.start}.", hint=_HINT) from exc
    labels = tuple(line.strip() for line in text.rstrip().splitlines())
    if not any(labels):
        raise InputError(f"{path} is empty.", hint=_HINT)
    if "" in labels:
        raise InputError(f"{path}: line {labels.index('') + 1} is empty.", hint=_HINT)
    return labels


def labelled_output(labels: tuple[str, ...], graph: Graph, *, where: str) -> int | None:
    """Which output the labels name the entries of: the first whose last axis has as many.

    Args:
        labels: () gives None.
        graph: the model.
        where: the labels' file for messages; "" where they are the data's, which then go unused.

    Raises:
        InputError: no output has that many entries, and the user gave the labels.
    """
    sizes = [tensor.shape[-1] if tensor.shape else 1 for tensor in graph.output_tensors]
    if not labels or len(labels) in sizes or not where:
        return sizes.index(len(labels)) if labels and len(labels) in sizes else None
    raise InputError(
        f"{where} has {len(labels)} labels; the model's outputs have {' and '.join(map(str, sizes))} entries.",
        hint="Give one label a line, in the order of the output's entries.",
    )


_HINT = "--labels takes a text file with the name of one class a line."
