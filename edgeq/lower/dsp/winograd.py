"""CONV_2D 3x3 by integer Winograd: fewer multiplications, larger weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from edgeq.lower import packing
from edgeq.lower.dsp.candidate import (
    Candidate,
    channels_of,
    clamped,
    derived,
    limit_cycles,
    limits,
    number,
    weights_of,
)
from edgeq.lower.packing import QUAD
from edgeq.lower.program import Enumerator, KernelCall

_TILES = (2, 4)
# Unrolled steps in edgeq/winograd.h, and those that loop.
_UNROLLED = (4, 8, 12, 16, 24, 32)
_LOOPED = (8, 2)
_WINDOW = (
    "batches", "input_height", "input_width", "input_channels", "output_height", "output_width", "output_channels",
    "pad_top", "pad_left",
)  # fmt: skip

# Cycles: a step of the products, the rest of a position; per tile, two input channels and one output channel.
_STEP = 16
_POSITION = 18
_LOOP = (17, 6)
_IN = {2: 180, 4: 455}
_OUT = {2: 88, 4: 400}
_TILE_PAIR = 150
_STEP_CODE = 56


def winograd_convolutions(call: KernelCall) -> Iterator[Candidate]:
    """F(2x2) and F(4x4), where they apply.

    Raises:
        NotExactError: a condition fails for these weights.
    """
    weights = weights_of(call)
    count, height, width, depth = weights.shape
    strides = {number(call, f"{what}_{axis}") for what in ("stride", "dilation") for axis in ("height", "width")}
    plain = (
        number(call, "groups") == 1 and strides == {1} and max(number(call, "pad_top"), number(call, "pad_left")) < 2
    )
    if not plain or (height, width) != (3, 3) or count % QUAD or depth % QUAD:
        return
    for tile in _TILES:
        yield _winograd(call, tile)


def _winograd(call: KernelCall, tile: int) -> Candidate:
    weights = weights_of(call)
    count, _, _, depth = weights.shape
    channels = packing.winograd_channels(channels_of(call, weights.reshape(count, -1)), weights, tile)
    out_height, out_width = number(call, "output_height"), number(call, "output_width")
    pairs = -(-out_width // (2 * tile))
    positions = (tile + 2) ** 2
    # Rows end behind the last tiles, or behind the input, if that is wider.
    width = max(2 * tile * pairs + 2, number(call, "pad_left") + number(call, "input_width"))
    row_words = width * depth // 4
    steps = depth // 2
    each: float
    if steps in _UNROLLED:
        run, code, each = f"edgeq_winograd_{steps}", steps * _STEP_CODE, steps * _STEP + _POSITION
    else:
        unrolled = next(n for n in _LOOPED if steps % n == 0)
        run, code = f"edgeq_winograd_{unrolled}_loop", unrolled * _STEP_CODE
        each = steps * _STEP + _POSITION + _LOOP[0] + _LOOP[1] * steps / unrolled
    batches = number(call, "batches")
    outputs = batches * out_height * out_width * count
    tile_pairs = batches * -(-out_height // tile) * pairs
    cycles = tile_pairs * (2 * steps * _IN[tile] + count / QUAD * (positions * each + 8 * _OUT[tile] + _TILE_PAIR))
    cycles += batches * number(call, "input_height") * number(call, "input_width") * depth * 2
    same = (out_height, out_width, count) == (number(call, "input_height"), number(call, "input_width"), depth)
    made = replace(
        call,
        kernel="edgeq_conv_winograd_dsp_int8",
        source="conv_winograd_dsp.c",
        support=("winograd.c", "winograd_input.c", "winograd_results.c"),
        params_type="edgeq_conv_winograd_dsp_params",
        params={
            **{name: call.params[name] for name in _WINDOW},
            "input_zero_point": -number(call, "input_offset"),
            **limits(call),
            "tile": tile,
            "row_words": row_words,
            "negative": 0 if clamped(call) else packing.winograd_negative(tile),
            "channels": derived(call, "channels", channels),
            "run": Enumerator(name=run),
        },
        inputs=(call.inputs[0], derived(call, "packed_weights", packing.winograd_weights(weights, tile))),
        scratch_bytes=4 * row_words * (tile + 2) + 4 * positions * (depth + 8),
        in_place=(0,) if same and batches == 1 else (),
        variant=f"dsp: Winograd F({tile}x{tile})",
    )
    return Candidate(
        call=made,
        cycles=round(cycles + limit_cycles(call, outputs)),
        code={"edgeq_conv_winograd_dsp_int8": 3000, run: code},
    )
