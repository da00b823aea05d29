"""Products of quads of channels and two columns: which unrolled form, the weights for it, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeq.lower import packing
from edgeq.lower.dsp.candidate import channels_of, derived
from edgeq.lower.packing import QUAD, Channels
from edgeq.lower.program import Constant, Enumerator, KernelCall, Param

# EDGEQ_QUADS_DECLARE in edgeq/quads.h.
UNROLLED = (2, 4, 5, 6, 8, 12, 16, 20, 24, 32)

SOURCE = "quads.c"

# Cycles of the assembly in kernels/quads.c: two loads and two more in one run, eight SMLAD, two SXTB16.
_STEP = 15
CALL = 62
_QUAD = 92
_CLAMPED = 12  # less
_ROWS = 4  # more per quad, and per row:
_ROW = 10
_LOOP_ROW = 5
_LOOP = 6

# Bytes of its code.
_CODE = 300
_STEP_CODE = 56


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """An unrolled product: `run` is its function, of `code_bytes`; a row of the weights has `steps` steps, zeros
    included. `quad_cycles` are those of one quad of channels; a form that `loops` takes one pair of columns."""

    run: Enumerator
    steps: int
    quad_cycles: int
    code_bytes: int
    loops: bool

    @property
    def code(self) -> dict[str, int]:
        """Its function, and the bytes of that."""
        return {self.run.name: self.code_bytes}

    def cycles(self, quads: int) -> int:
        """Cycles of one call."""
        return CALL + quads * self.quad_cycles


def forms(rows: int, steps: int, *, clamps: bool, even: bool = False) -> list[Form]:
    """Products of `rows` rows of `steps` steps each: the fastest, and those that take less code.

    Args:
        rows: of the columns.
        steps: of a row; the form's may be more.
        clamps: the activation starts at the output's zero point.
        even: the form's steps must be even.
    """
    suffix = "_clamped" if clamps else ""
    fixed = _QUAD - (_CLAMPED if clamps else 0)
    found = []
    for unrolled in UNROLLED:
        passes = -(-steps // unrolled)
        padded = passes * unrolled
        if even and padded % 2:
            continue
        if passes > 1:
            name, extra = "_loop", _ROWS + rows * (_ROW + _LOOP_ROW + _LOOP * passes)
        elif rows > 1:
            name, extra = "_rows", _ROWS + rows * _ROW
        else:
            name, extra = "", 0
        found.append(
            Form(
                run=Enumerator(name=f"edgeq_quads_{unrolled}{name}{suffix}"),
                steps=padded,
                quad_cycles=fixed + extra + rows * padded * _STEP,
                code_bytes=_CODE + _STEP_CODE * unrolled,
                loops=passes > 1,
            )
        )
    return [f for f in found if not any(g.quad_cycles <= f.quad_cycles and g.code_bytes < f.code_bytes for g in found)]


def _grouped(channels: Channels, at: slice) -> Channels:
    return Channels(
        bias=channels.bias[at],
        low=channels.low[at],
        high=channels.high[at],
        values=channels.values[at],
        shifts=channels.shifts[at],
        zero_point=channels.zero_point,
    )


def packed(
    call: KernelCall, weights: NDArray[np.int8], chosen: Form, *, groups: int = 1, in_fours: bool = True
) -> tuple[dict[str, Param], Constant]:
    """Parameters `quads`, `channels` and `run`, and the weights.

    Args:
        call: the portable call.
        weights: (channels, rows, depth of a row).
        chosen: the product's form, wide enough for a row.
        groups: the channels are this many groups, each padded to quads of its own.
        in_fours: the columns' values are expanded four at a time, as quads.h orders them.

    Raises:
        NotExactError: a condition fails for these weights.
    """
    count, rows, depth = weights.shape
    padded = np.zeros((count, rows, 2 * chosen.steps), np.int8)
    padded[:, :, :depth] = weights
    channels = channels_of(call, weights.reshape(count, -1))
    each = count // groups
    parts = [slice(g * each, (g + 1) * each) for g in range(groups)]
    flat = padded.reshape(count, -1)
    blocks = np.concatenate([packing.quad_channels(_grouped(channels, part)) for part in parts])
    words = np.concatenate([packing.quad_weights(flat[part], in_fours=in_fours) for part in parts])
    params: dict[str, Param] = {
        "quads": -(-each // QUAD),
        "channels": derived(call, "channels", blocks),
        "run": chosen.run,
    }
    return params, derived(call, "packed_weights", words)
