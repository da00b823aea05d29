"""What edgeq writes of the metadata schema."""

from __future__ import annotations

from dataclasses import dataclass

from edgeq.records import Normalization


@dataclass(frozen=True, slots=True, kw_only=True)
class InputMetadata:
    """One input. `image` is its width and height if it is an RGB or grayscale image, `channels` then 3 or 1.

    `normalization` is None where nobody knows it.
    """

    name: str
    normalization: Normalization | None = None
    image: tuple[int, int] | None = None
    channels: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputMetadata:
    """One output; `labelled` says that the labels name the entries of its last axis."""

    name: str
    labelled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelMetadata:
    """A model's inputs and outputs in its own order; `labels` are the lines of its label file, () without one."""

    name: str
    description: str
    inputs: tuple[InputMetadata, ...]
    outputs: tuple[OutputMetadata, ...]
    labels: tuple[str, ...] = ()
