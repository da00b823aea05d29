"""Bands: where what is added to a layer's sums differs from position to position, as it does at the image's borders.

Rows lie in up to three bands, and columns likewise, so that up to nine rectangles have a bias each: the middle, the
sides and the corners of a layer behind a padded window of 3x3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from edgeq.lower.program import Constant, KernelCall

KERNEL = "edgeq_conv_1x1_bands_int8"
"""The portable kernel that has a bias for each rectangle."""

Three = tuple[int, int, int]

_LIKE_CONV_2D = (
    "input_channels", "output_channels", "input_offset", "output_offset", "activation_min", "activation_max",
    "multipliers", "shifts", "channel_step",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Bands:
    """How many rows are in each band, and how many columns; the middle one is the longest or between the others, the
    others may be empty. The rectangles are counted row by row, without the empty ones."""

    rows: Three
    columns: Three

    @classmethod
    def of(cls, values: NDArray[Any]) -> Self | None:
        """The bands of values (height, width, ...) that are the same all over a rectangle; None: there are more."""
        rows, columns = _lengths(values), _lengths(values.swapaxes(0, 1))
        return None if rows is None or columns is None else cls(rows=rows, columns=columns)

    @property
    def count(self) -> int:
        """Of rectangles."""
        return sum(n > 0 for n in self.rows) * sum(n > 0 for n in self.columns)

    @property
    def middle(self) -> int:
        """Which one is the middle rectangle."""
        across = sum(n > 0 for n in self.columns)
        return (self.rows[0] > 0) * across + (self.columns[0] > 0)

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """Rows and columns of each rectangle."""
        return [(row, column) for row in self.rows if row for column in self.columns if column]

    def firsts(self, values: NDArray[Any]) -> NDArray[Any]:
        """(rectangles, ...): what values (height, width, ...) are in each."""
        down, across = ([sum(lengths[:i]) for i, n in enumerate(lengths) if n] for lengths in (self.rows, self.columns))
        return values[np.ix_(down, across)].reshape(-1, *values.shape[2:])

    def spread(self, values: Sequence[Any] | NDArray[Any]) -> NDArray[Any]:
        """(height, width, ...): the values (rectangles, ...) all over their rectangles."""
        down, across = ([n for n in lengths if n] for lengths in (self.rows, self.columns))
        given = np.asarray(values)
        grid = given.reshape(len(down), len(across), *given.shape[1:])
        return grid.repeat(down, axis=0).repeat(across, axis=1)


def _lengths(values: NDArray[Any]) -> Three | None:
    """Of runs of equal values along the first axis."""
    flat = values.reshape(len(values), -1)
    ends = [*(np.flatnonzero((flat[1:] != flat[:-1]).any(axis=1)) + 1), len(flat)]
    lengths = [int(n) for n in np.diff([0, *ends])]
    if len(lengths) == 1:
        return 0, lengths[0], 0
    if len(lengths) == 2:
        first, last = lengths
        return (0, first, last) if first >= last else (first, last, 0)
    return (lengths[0], lengths[1], lengths[2]) if len(lengths) == 3 else None


def bands_of(call: KernelCall) -> Bands:
    """The bands of a call of `KERNEL`."""
    return Bands(rows=cast(Three, call.params["rows"]), columns=cast(Three, call.params["columns"]))


def single_calls(call: KernelCall, *, height: int = 1, width: int = 1) -> list[KernelCall]:
    """For each rectangle, the CONV_2D that has its bias, on an image of that size.

    Args:
        call: of `KERNEL`.
        height: of the image.
        width: of the image.
    """
    biases = cast(Constant, call.params["biases"])
    single = replace(
        call,
        kernel="edgeq_conv_2d_int8",
        source="conv_2d.c",
        params_type="edgeq_conv_2d_params",
        support=(),
        params={
            **dict.fromkeys(
                (
                    "batches", "filter_height", "filter_width", "groups", "stride_height", "stride_width",
                    "dilation_height", "dilation_width",
                ),
                1,
            ),
            **{name: call.params[name] for name in _LIKE_CONV_2D},
            "filter_channels": call.params["input_channels"],
            "input_height": height,
            "input_width": width,
            "output_height": height,
            "output_width": width,
            "pad_top": 0,
            "pad_left": 0,
        },
    )  # fmt: skip
    each = [Constant(name=f"{biases.name}_{i}", data=bias) for i, bias in enumerate(biases.data)]
    return [replace(single, params={**single.params, "bias": bias}) for bias in each]
