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
_UNROLLED = (2, 4, 8, 12, 16, 24, 32)
_LOOPED = (8, 2)
_WINDOW = (
    "batches", "input_height", "input_width", "input_channels", "output_height", "output_width", "output_channels",
    "pad_top", "pad_left",
)  # fmt: skip

# Cycles: a step of the products, the rest of a position; of two tiles, two input channels, of one tile one output
# channel; four of those and two tiles besides, two tiles, a pixel of fewer than four; a pixel of the input, a value of
# it.
_STEP = 16
_POSITION = 18
_LOOP = (17, 6)
_IN = {2: 225, 4: 800}
_OUT = {2: 79, 4: 352}
_NOT_CLAMPED = {2: 8, 4: 36}
_QUAD = 80
_PAIR = 600
_CUT = 30
_PIXEL = 10
_VALUE = 2
# Bytes of the functions.
_STEP_CODE = 56
_IN_CODE = {2: 800, 4: 1100}
_OUT_CODE = {2: 340, 4: 1200}


def winograd_convolutions(call: KernelCall) -> Iterator[Candidate]:
    """F(2x2) and F(4x4), where they apply.

    Raises:
        NotExactError: a condition fails for these weights.
    """
    weights = weights_of(call)
    _, height, width, _ = weights.shape
    strides = {number(call, f"{what}_{axis}") for what in ("stride", "dilation") for axis in ("height", "width")}
    plain = (
        number(call, "groups") == 1 and strides == {1} and max(number(call, "pad_top"), number(call, "pad_left")) < 2
    )
    if not plain or (height, width) != (3, 3):
        return
    for tile in _TILES:
        yield _winograd(call, tile)


def _winograd(call: KernelCall, tile: int) -> Candidate:
    weights = weights_of(call)
    count, depth = len(weights), -(-weights.shape[3] // QUAD) * QUAD
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
    out = _OUT[tile] + (0 if clamped(call) else _NOT_CLAMPED[tile])
    cycles = tile_pairs * (steps * _IN[tile] + -(-count // QUAD) * (positions * each + 8 * out + _QUAD) + _PAIR)
    cycles += tile_pairs * 2 * tile**2 * _CUT if count % QUAD else 0
    pixels = batches * number(call, "input_height") * number(call, "input_width")
    cycles += pixels * (_VALUE * depth if depth == weights.shape[3] else _PIXEL * depth / QUAD)
    same = (out_height, out_width, count) == tuple(
        number(call, f"input_{what}") for what in ("height", "width", "channels")
    )
    functions = {
        "in": f"edgeq_winograd_in_{tile}",
        "run": run,
        "out": f"edgeq_winograd_out_{tile}" + ("_clamped" if clamped(call) else ""),
    }
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
            "depth": depth,
            "row_words": row_words,
            "channels": derived(call, "channels", channels),
            **{name: Enumerator(name=function) for name, function in functions.items()},
        },
        inputs=(call.inputs[0], derived(call, "packed_weights", packing.winograd_weights(weights, tile))),
        scratch_bytes=4 * row_words * (tile + 2) + 4 * positions * (depth + 8),
        in_place=(0,) if same and batches == 1 else (),
        variant=f"dsp: Winograd F({tile}x{tile})",
    )
    return Candidate(
        call=made,
        cycles=round(cycles + limit_cycles(call, outputs)),
        code={
            "edgeq_conv_winograd_dsp_int8": 1330,
            functions["in"]: _IN_CODE[tile],
            run: code,
            functions["out"]: _OUT_CODE[tile],
        },
    )
