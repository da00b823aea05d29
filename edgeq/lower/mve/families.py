"""Portable kernels, and what makes calls of the vector extension's of theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from edgeq.lower.dsp.candidate import Candidate
from edgeq.lower.mve.add import additions
from edgeq.lower.mve.bands import banded_convolutions
from edgeq.lower.mve.convolution import convolutions, dense
from edgeq.lower.mve.depthwise import depthwise_convolutions
from edgeq.lower.mve.pool import averages, maxima
from edgeq.lower.program import KernelCall

FAMILIES: Mapping[str, Callable[[KernelCall], Iterator[Candidate]]] = {
    "edgeq_add_int8": additions,
    "edgeq_average_pool_2d_int8": averages,
    "edgeq_conv_1x1_bands_int8": banded_convolutions,
    "edgeq_conv_2d_int8": convolutions,
    "edgeq_depthwise_conv_2d_int8": depthwise_convolutions,
    "edgeq_fully_connected_int8": dense,
    "edgeq_max_pool_2d_int8": maxima,
    "edgeq_sub_int8": additions,
}
