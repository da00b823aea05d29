"""FULLY_CONNECTED: eight outputs of one row, or four of two rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from edgeq.lower import packing
from edgeq.lower.dsp import quads
from edgeq.lower.dsp.candidate import (
    Candidate,
    derived,
    limit_cycles,
    limits,
    number,
    weights_of,
)
from edgeq.lower.dsp.convolution import dense_on_rows
from edgeq.lower.packing import QUAD, NotExactError
from edgeq.lower.program import Enumerator, KernelCall

_OCTET = 8
# Unrolled steps in edgeq/quads.h.
_UNROLLED = (2, 4, 8, 16, 32)

# Cycles of the assembly in kernels/fully_connected_dsp.c; bytes of its code.
_TWO_STEPS = 37
_LOOP = 6
_REST = 120
_WIDE_TWO_STEPS = 3  # more
_ROW = 180
_EXPAND = 2.2
_CODE, _STEP_CODE = 290, 68


def dense(call: KernelCall) -> Iterator[Candidate]:
    """Every way to compute a FULLY_CONNECTED.

    Raises:
        NotExactError: a condition fails for these weights.
    """
    weights = weights_of(call)
    if number(call, "weights_offset"):
        raise NotExactError("the weights have a zero point")
    rows = number(call, "batches")
    count, inputs = weights.shape
    octets = -(-count // _OCTET)
    steps = -(-inputs // 2)
    by = quads.requantization(call, weights)
    # (octets, 2, words): start values and the rest of two quads.
    channels = np.zeros((2 * octets, by.words.shape[1]), np.int32)
    channels[: len(by.words)] = by.words
    channels = channels.reshape(octets, 2, -1)
    rest = _REST - 2 * by.cycles
    two_steps = _TWO_STEPS + by.wide * _WIDE_TWO_STEPS
    for unrolled in _UNROLLED:
        run = f"edgeq_octets_{unrolled}{by.suffix}"
        # A multiple of the unrolled steps, and of the two that four values expand to.
        depth = 2 * unrolled * -(-steps // unrolled)
        padded = np.zeros((_OCTET * octets, depth), np.int8)
        padded[:count, :inputs] = weights
        parts = (channels[:, :, :QUAD], packing.octet_weights(padded, wide=by.wide), channels[:, :, QUAD:])
        words = np.concatenate([part.reshape(octets, -1) for part in parts], axis=1)
        passes = depth // 2 // unrolled
        cycles = rows * (_ROW + _EXPAND * inputs + octets * (depth // 4 * two_steps + passes * _LOOP + rest))
        made = replace(
            call,
            kernel="edgeq_fully_connected_dsp_int8",
            source="fully_connected_dsp.c",
            support=(),
            params_type="edgeq_fully_connected_dsp_params",
            params={
                "batches": rows,
                "inputs": inputs,
                "outputs": count,
                "depth": depth,
                **limits(call),
                "octet_words": words.shape[1],
                "step_bytes": 2 * by.step_bytes,
                "run": Enumerator(name=run),
            },
            inputs=(call.inputs[0], derived(call, "packed_weights", words)),
            scratch_bytes=2 * depth,
            in_place=(0,) if rows == 1 else (),
            variant="dsp: 8 outputs",
        )
        code = {"edgeq_fully_connected_dsp_int8": 920, run: _CODE + _STEP_CODE * unrolled}
        yield Candidate(call=made, cycles=round(cycles + limit_cycles(call, rows * count)), code=code)
    yield from dense_on_rows(call)
