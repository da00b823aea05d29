"""A kernel call that could take another's place, and what helps to make one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

import numpy as np
from numpy.typing import NDArray

from edgeq.lower import packing
from edgeq.lower.packing import QUAD, NotExactError
from edgeq.lower.program import Constant, KernelCall, Param, constants_of


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidate:
    """`call` computes what the portable call does, in about `cycles` on a Cortex-M4 without wait states.

    `code` has the bytes of the functions that it needs, by name, as far as candidates differ in them.
    """

    call: KernelCall
    cycles: int
    code: Mapping[str, int] = field(default_factory=dict)

    @property
    def constant_bytes(self) -> int:
        """Bytes of the constants that the call reads."""
        return sum(c.data.nbytes for c in constants_of(self.call))

    @property
    def flash(self) -> int:
        """Bytes of constants and code."""
        return self.constant_bytes + sum(self.code.values())


def number(call: KernelCall, field: str) -> int:
    """A parameter that is a number."""
    return cast(int, call.params[field])


def data(value: Param) -> NDArray[np.generic]:
    """A constant's values."""
    return cast(Constant, value).data


def weights_of(call: KernelCall) -> NDArray[np.int8]:
    """The second operand, which must be a constant.

    Raises:
        NotExactError: it is a tensor.
    """
    weights = call.inputs[1]
    if not isinstance(weights, Constant):
        raise NotExactError("the weights are computed at run time")
    return weights.data.astype(np.int8)


def channels_of(call: KernelCall, weights: NDArray[np.int8]) -> packing.Channels:
    """The call's channels; `weights` are (channels, depth)."""
    bias = call.params["bias"]
    return packing.channels(
        weights,
        None if bias is None else data(bias),
        data(call.params["multipliers"]),
        data(call.params["shifts"]),
        input_zero_point=-number(call, "input_offset"),
        output_zero_point=number(call, "output_offset"),
    )


def clamped(call: KernelCall) -> bool:
    """Whether the activation starts at the output's zero point, so that what lies below need not be rounded exactly."""
    return number(call, "activation_min") >= number(call, "output_offset")


def limits(call: KernelCall) -> dict[str, Param]:
    """The activation's parameters."""
    return {field: call.params[field] for field in ("activation_min", "activation_max")}


def limit_cycles(call: KernelCall, outputs: int) -> int:
    """What limiting results to the activation costs, where saturation to int8 is not all of it."""
    full = number(call, "activation_min") <= -128 and number(call, "activation_max") >= 127
    return 0 if full else 3 * outputs


def derived(call: KernelCall, what: str, values: NDArray[np.generic]) -> Constant:
    """A constant made for this call alone."""
    return Constant(name=f"op_{call.source_ops[0]}_{what}", data=values)


def read_channels(call: KernelCall, count: int) -> list[int]:
    """Those of `count` output channels that something reads, in order."""
    read = call.channels_read
    if read is None or read >= count:
        return list(range(count))
    apart = read % QUAD == 2 and read + 2 == count
    return [*range(read - 1), read if apart else read - 1]


def inside(call: KernelCall, axis: str) -> int:
    """Positions of the window along an axis that lie inside the input."""
    reach = (number(call, f"filter_{axis}") - 1) * number(call, f"dilation_{axis}")
    stride, pad = number(call, f"stride_{axis}"), number(call, "pad_top" if axis == "height" else "pad_left")
    starts = (i * stride - pad for i in range(number(call, f"output_{axis}")))
    return sum(0 <= start < number(call, f"input_{axis}") - reach for start in starts)
