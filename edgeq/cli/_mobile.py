"""Options of mobile targets, and of builds for them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from edgeq.cli._common import PATH, Fraction
from edgeq.records import VariantKind

if TYPE_CHECKING:
    from edgeq.records import Normalization

F = TypeVar("F", bound=Callable[..., Any])

variant_option = click.option(
    "--variant",
    type=click.Choice([kind.value for kind in VariantKind]),
    callback=lambda _context, _parameter, value: value and VariantKind(value),
    help="Of a mobile build: which variant runs.  [default: the one that the agent at the port holds, else int8]",
)


class NormalizationType(click.ParamType["Normalization"]):
    """MEAN,STD: two numbers, or two rows of numbers per channel with slashes between them."""

    name = "mean,std"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Normalization:
        """The record; fails with a usage error."""
        from edgeq.records import Normalization

        if isinstance(value, Normalization):
            return value
        try:
            mean, std = (tuple(float(number) for number in row.split("/")) for row in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} is not MEAN,STD: 127.5,127.5, or per channel 124/116/104,58/57/57.", param, ctx)
        if not all(map(math.isfinite, (*mean, *std))) or min(std) <= 0:
            self.fail(f"{value!r}: means must be finite, standard deviations above 0.", param, ctx)
        if len(mean) != len(std) and 1 not in (len(mean), len(std)):
            self.fail(f"{value!r} has {len(mean)} means and {len(std)} standard deviations.", param, ctx)
        return Normalization(mean=mean, std=std)


def mobile_options(command: F) -> F:
    """Add the options of mobile targets."""
    for option in reversed(_MOBILE_OPTIONS):
        command = option(command)
    return command


_MOBILE_OPTIONS = (
    click.option(
        "--labels",
        type=PATH,
        help="Mobile targets: text file with the name of one class a line, for the .tflite's metadata.  [default: the "
        "names of an image folder's classes]",
    ),
    click.option(
        "--normalization",
        type=NormalizationType(),
        help="Mobile targets: what an app does to its values before the model, (x − MEAN) / STD, for the metadata: "
        "127.5,127.5 or per channel 124/116/104,58/57/57.  [default: from an image folder, or the model's layer]",
    ),
    click.option(
        "--margin",
        type=Fraction(),
        help="Mobile targets: a loss of accuracy that does not matter (0.01 is one point); in regression a share of "
        "the float32 variant's error.  [default: 0.01, in regression 0.05]",
    ),
    click.option(
        "--max-off-xnnpack",
        type=Fraction(),
        help="Mobile targets: largest share of the recommended variant's multiply-accumulates that passes outside of "
        "XNNPACK, where LiteRT's slower kernels run them.  [default: not checked; more than 0.01 is a remark]",
    ),
    click.option(
        "--threads",
        type=click.IntRange(1, 64),
        default=1,
        show_default=True,
        help="Mobile targets: LiteRT's threads where latency is measured.",
    ),
)
