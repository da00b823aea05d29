"""CONV_2D of one pixel whose bias differs at the borders: each rectangle's pixels are windows of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from edgeq.lower.bands import Bands, bands_of, single_calls
from edgeq.lower.constant_channels import plain_alike
from edgeq.lower.dsp.candidate import Candidate, channels_of, weights_of
from edgeq.lower.mve.matrix import MATRIX_CODE, ROW, SUMS_BYTES, cycles, matrix, starts_of
from edgeq.lower.packing import joined
from edgeq.lower.program import KernelCall

_CODE = {"edgeq_conv_1x1_bands_mve_int8": 330}


def banded_convolutions(call: KernelCall) -> Iterator[Candidate]:
    """The one way to compute the call, whose bias has bands."""
    where = bands_of(call)
    calls = plain_alike(single_calls(call))
    weights = weights_of(calls[0])
    count, depth = len(weights), weights[0].size
    flat = weights.reshape(count, depth)
    each = [channels_of(c, flat) for c in calls]
    fields = matrix(calls[0], flat, channels=joined(each), starts=starts_of(c.bias for c in each))
    made = replace(
        calls[0],
        kernel="edgeq_conv_1x1_bands_mve_int8",
        source="conv_1x1_bands_mve.c",
        support=("matrix_mve.c",),
        params_type="edgeq_conv_1x1_bands_mve_params",
        params={"rows": where.rows, "columns": where.columns, "matrix": fields},
        scratch_bytes=SUMS_BYTES,
        in_place=(0,) if count == depth and count <= ROW else (),
        variant="mve: windows in place, a bias for each side and corner",
    )
    yield Candidate(call=made, cycles=cycles(count, depth, _runs(where)), code={**MATRIX_CODE, **_CODE})


def _runs(where: Bands) -> Iterator[int]:
    """The pixels of each run of windows."""
    for rows, columns in where.sizes:
        if columns in (1, sum(where.columns)):
            yield rows * columns
        else:
            yield from (columns,) * rows
