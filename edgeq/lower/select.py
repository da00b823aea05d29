"""Which kernel computes a call: candidates that are exact on this core, for these weights.

Lowering makes calls of the portable kernels. On cores with the DSP or the vector extension some have others that
compute the same bits; each is proven from the call's own constants (`packing`), and refused otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from edgeq.lower.bands import KERNEL
from edgeq.lower.constant_channels import plain
from edgeq.lower.dsp.add import additions
from edgeq.lower.dsp.bands import banded_convolutions
from edgeq.lower.dsp.candidate import Candidate
from edgeq.lower.dsp.convolution import convolutions
from edgeq.lower.dsp.dense import dense
from edgeq.lower.dsp.depthwise import depthwise_convolutions
from edgeq.lower.dsp.pool import averages, maxima
from edgeq.lower.dsp.transpose_conv import transposed_convolutions
from edgeq.lower.dsp.values import means, products, tables
from edgeq.lower.mve.families import FAMILIES as MVE_FAMILIES
from edgeq.lower.packing import NotExactError
from edgeq.lower.program import KernelCall

PORTABLE = "portable"
DSP = "dsp"
MVE = "mve"

# Of a portable kernel's cycles per multiply-accumulate, only the order of magnitude matters: it is the last resort.
_PORTABLE_CYCLES = 10
# Bytes of those that a pass brings besides others.
_PORTABLE_CODE = {KERNEL: 240}


def candidates(call: KernelCall, features: frozenset[str]) -> tuple[Candidate, ...]:
    """Calls with the same outputs, at least one; `variant` says which kernel, and why no faster one.

    Args:
        call: a portable kernel's call.
        features: the core's, as in board.toml.
    """
    reason = PORTABLE
    for feature, families in _FAMILIES.items():
        faster = families.get(call.kernel) if feature in features else None
        if faster is not None:
            found: list[Candidate] = []
            try:
                found.extend(faster(plain(call)))  # keeps what comes before an error
            except NotExactError as exc:
                reason = f"{PORTABLE}: {exc}"
            if found and feature == MVE:  # its candidates count instructions
                return tuple(found)
            if found:
                return tuple(replace(c, call=replace(c.call, expected_cycles=c.cycles)) for c in found)
    return (portable(call, reason),)


def portable(call: KernelCall, reason: str = PORTABLE) -> Candidate:
    """The call as it is; `reason` says why there is no faster one."""
    code = {name: size for name, size in _PORTABLE_CODE.items() if name == call.kernel}
    return Candidate(call=replace(call, variant=reason), cycles=_PORTABLE_CYCLES * call.macs, code=code)


_Families = Mapping[str, Callable[[KernelCall], Iterator[Candidate]]]

# The fastest extension first: of one that has candidates, no other's are asked for.
_FAMILIES: Mapping[str, _Families] = {
    MVE: MVE_FAMILIES,
    DSP: {
        "edgeq_add_int8": additions,
        "edgeq_average_pool_2d_int8": averages,
        "edgeq_conv_1x1_bands_int8": banded_convolutions,
        "edgeq_conv_2d_int8": convolutions,
        "edgeq_depthwise_conv_2d_int8": depthwise_convolutions,
        "edgeq_fully_connected_int8": dense,
        "edgeq_max_pool_2d_int8": maxima,
        "edgeq_mean_int8": means,
        "edgeq_mul_int8": products,
        "edgeq_table_int8": tables,
        "edgeq_sub_int8": additions,
        "edgeq_transpose_conv_int8": transposed_convolutions,
    },
}
