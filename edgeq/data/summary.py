"""What `edgeq data check` prints: records first, a table of them second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edgeq.data.check import named_splits
from edgeq.records import Dataset, Split
from edgeq.terminal import printable

if TYPE_CHECKING:
    from rich.console import RenderableType

_SHOWN_CLASSES = 100
_SHOWN_LABELS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ArraySummary:
    """One array: shape of a sample, dtype, and its values. `name` tells several inputs apart: "left" of x_test_left; ""
    if there is one."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    minimum: float
    maximum: float
    mean: float
    std: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitSummary:
    """One split. `labels` says what y is; `class_counts` has the number of samples per class index."""

    name: str
    samples: int
    arrays: tuple[ArraySummary, ...]
    labels: str
    class_counts: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSummary:
    """A whole data set, and what looks wrong with it."""

    source: str
    sha256: str
    splits: tuple[SplitSummary, ...]
    class_names: tuple[str, ...]
    warnings: tuple[str, ...]


def summarize_dataset(dataset: Dataset, warnings: tuple[str, ...] = ()) -> DataSummary:
    """Sizes, types, ranges and labels of all splits; `warnings` are those of `check_dataset`."""
    return DataSummary(
        source=dataset.source,
        sha256=dataset.sha256,
        splits=tuple(_summarize(name, split) for name, split in named_splits(dataset)),
        class_names=dataset.class_names,
        warnings=warnings,
    )


def render_data_summary(summary: DataSummary) -> RenderableType:
    """The summary as a table for the console."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(summary.source), title_justify="left")
    for column in ("split", "samples", "shape", "type", "range", "mean ± std", "labels"):
        table.add_column(column, justify="right" if column == "samples" else "left")
    for split in summary.splits:
        for i, array in enumerate(split.arrays):
            table.add_row(
                Text(f"{split.name} {array.name}".strip()),
                str(split.samples) if i == 0 else "",
                "×".join(str(size) for size in array.shape) or "scalar",
                array.dtype,
                f"{array.minimum:.4g} to {array.maximum:.4g}",
                f"{array.mean:.4g} ± {array.std:.4g}",
                Text(split.labels if i == 0 else ""),
            )
    lines = [Text(_classes(summary.class_names))] if summary.class_names else []
    lines += [Text(f"Warning: {warning}", style="yellow") for warning in summary.warnings]
    return Group(table, *lines)


def _classes(names: tuple[str, ...]) -> str:
    """Which class has which number: their order is what labels and outputs go by."""
    shown = ", ".join(name if name == str(i) else f"{i} {name}" for i, name in enumerate(names[:_SHOWN_CLASSES]))
    more = f", … ({len(names)} in all)" if len(names) > _SHOWN_CLASSES else ""
    return f"Classes: {printable(shown)}{more}"


def _summarize(name: str, split: Split) -> SplitSummary:
    arrays = tuple(
        ArraySummary(
            name=(split.names[i] if split.names else str(i)) if len(split.x) > 1 else "",
            shape=tuple(int(size) for size in x.shape[1:]),
            dtype=str(x.dtype),
            minimum=float(x.min()),
            maximum=float(x.max()),
            mean=float(x.mean(dtype=np.float64)),
            std=float(x.std(dtype=np.float64)),
        )
        for i, x in enumerate(split.x)
    )
    y = split.y
    counts: tuple[int, ...] = ()
    if y is None:
        labels = "none"
    elif y.ndim == 1 and np.issubdtype(y.dtype, np.integer) and int(y.min()) >= 0 and int(y.max()) < 100_000:
        counts = tuple(int(count) for count in np.bincount(y.astype(np.int64)))
        present = [label for label, count in enumerate(counts) if count]
        each = [counts[label] for label in present]
        labels = f"{len(present)} classes, {min(each)} to {max(each)} samples each"
        if len(present) < len(counts) and len(present) <= _SHOWN_LABELS:
            labels = f"{len(present)} labels ({', '.join(map(str, present))}), {min(each)} to {max(each)} samples each"
        if 2 * len(present) > len(y) and min(counts) == 0:
            labels = f"whole numbers from {int(y.min())} to {int(y.max())}"
    else:
        labels = f"targets of shape {'×'.join(str(size) for size in y.shape[1:]) or 'scalar'}, {y.dtype}"
    return SplitSummary(name=name, samples=len(split), arrays=arrays, labels=labels, class_counts=counts)
