"""Products of quads of channels and two columns: which unrolled form, the weights for it, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeq.lower import packing
from edgeq.lower.dsp.candidate import channels_of, derived, number
from edgeq.lower.packing import QUAD, Int32s, NotExactError
from edgeq.lower.program import Constant, Enumerator, KernelCall, Param
from edgeq.lower.straight import straight_quads

# The numbers of steps in edgeq/quads.h.
UNROLLED = (2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32)
_ONE_ROW = (9, *range(13, 32, 2), *range(34, 65, 2))
_THREE_ROWS = (2, 3, 5, 6, 12, 24)

SOURCES = ("quads.c", "quads_expand.c")

# Cycles of the assembly in kernels/quads.c: two loads and two more in one run, eight SMLAD, two SXTB16.
_STEP = 15
CALL = 62
_QUAD = 77
_STRAIGHT = 24  # less
_WIDE_STEP = 1  # more
_ROWS = 4  # more per quad, and per row:
_ROW = 12
_ROW_LOADED = 2
_LOOP_ROW = 5
_LOOP = 6

# Bytes of its code.
_CODE = 300
_STEP_CODE = 56


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """An unrolled product: `run` is its function, of `code_bytes`; a row of the weights has `steps` steps, zeros
    included. `quad_cycles` are those of one quad of channels; a form that `loops` takes one pair of columns. `half` is
    part of the name of half a quad's product (`edgeq.lower.dsp.halves`) for the same columns, if there is one."""

    run: Enumerator
    steps: int
    quad_cycles: int
    code_bytes: int
    loops: bool
    half: str | None

    @property
    def code(self) -> dict[str, int]:
        """Its function, and the bytes of that."""
        return {self.run.name: self.code_bytes}

    def cycles(self, quads: int) -> int:
        """Cycles of one call."""
        return CALL + quads * self.quad_cycles


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Requantization:
    """`words` (quads, 16 or 12) are start values and the rest of quads.h, a group's first quad after the last one's;
    `suffix` names the products that read them, which take `cycles` less. A `wide` product has a halfword for each
    weight."""

    words: Int32s
    suffix: str
    cycles: int
    wide: bool = False

    @property
    def step_bytes(self) -> int:
        """Of a step of one quad's weights."""
        return 16 if self.wide else 8

    def around(self, weights: Int32s) -> Int32s:
        """(quads, words): start values, weights (quads, ...) and the rest of each quad."""
        starts, rest = self.words[:, :QUAD], self.words[:, QUAD:]
        return np.concatenate([starts, weights.reshape(len(weights), -1), rest], axis=1)


def requantization(
    call: KernelCall, weights: NDArray[np.int8], *, groups: int = 1, channels: packing.Channels | None = None
) -> Requantization:
    """How sums become results: by a common shift, where that is exact; where two channels' weights or sums do not fit
    one word, each by itself.

    Args:
        call: the portable call.
        weights: (channels, ...).
        groups: the channels are this many groups, each padded to quads of its own.
        channels: biases and bounds, if they are not the call's.

    Raises:
        NotExactError: no form is exact for these weights.
    """
    channels = channels or channels_of(call, weights.reshape(len(weights), -1))
    each = len(weights) // groups
    parts = [packing.chosen(channels, range(g * each, (g + 1) * each)) for g in range(groups)]
    if weights.min(initial=0) == -128:
        return _wide(parts)
    low, high = number(call, "activation_min"), number(call, "activation_max")
    with suppress(NotExactError):
        lines = [straight_quads(part, activation_min=low, activation_max=high) for part in parts]
        if len({shift for shift, _ in lines}) == 1:
            words = np.concatenate([block for _, block in lines])
            return Requantization(words=words, suffix=f"_shift{lines[0][0]}", cycles=_STRAIGHT)
    with suppress(NotExactError):
        return Requantization(words=np.concatenate([packing.quad_channels(p) for p in parts]), suffix="", cycles=0)
    return _wide(parts)


def _wide(parts: Sequence[packing.Channels]) -> Requantization:
    words = np.concatenate([packing.wide_quad_channels(part) for part in parts])
    return Requantization(words=words, suffix="_wide", cycles=0, wide=True)


def forms(rows: int, steps: int, *, by: Requantization, even: bool = False) -> list[Form]:
    """Products of `rows` rows of `steps` steps each: the fastest, and those that take less code.

    Args:
        rows: of the columns.
        steps: of a row; the form's may be more.
        by: how sums become results.
        even: the form's steps must be even.
    """
    found = [form(rows, steps, n, by) for n in UNROLLED]
    if rows == 1:
        found += [form(rows, steps, n, by) for n in _ONE_ROW if n >= steps]
    if rows == 3:
        found += [form(rows, steps, n, by, together=3) for n in _THREE_ROWS if n >= steps]
    found = [f for f in found if not (even and f.steps % 2)]
    return [f for f in found if not any(g.quad_cycles <= f.quad_cycles and g.code_bytes < f.code_bytes for g in found)]


def form(
    rows: int, steps: int, unrolled: int, by: Requantization, *, together: int = 1, any_number: bool = False
) -> Form:
    """The product of `unrolled` steps of each of `together` rows; with `any_number` the one that takes any number of
    rows and any multiple of these steps, even if one of each would do."""
    passes = -(-steps // unrolled)
    if together > 1:
        name, extra = f"_rows{together}", _ROW_LOADED * together
    elif passes > 1 or any_number:
        name, extra = "_loop", _ROWS + rows * (_ROW + _LOOP_ROW + _LOOP * passes)
    elif rows > 1:
        name, extra = "_rows", _ROWS + rows * _ROW
    else:
        name, extra = "", 0
    padded = passes * unrolled
    return Form(
        run=Enumerator(name=f"edgeq_quads_{unrolled}{name}{by.suffix}"),
        steps=padded,
        quad_cycles=_QUAD - by.cycles + extra + rows * padded * (_STEP + by.wide * _WIDE_STEP),
        code_bytes=_CODE + _STEP_CODE * unrolled * together,
        loops=passes > 1 or any_number,
        half=f"{unrolled}{name}" if name in ("", f"_rows{together}") else None,
    )


def used_steps(weights: NDArray[np.int8]) -> int:
    """Steps over weights (..., depth), in the order of expanded values, without those at the end that have zeros."""
    depth = weights.shape[-1]
    flat = in_steps(weights.reshape(-1, depth), 2 * -(-depth // QUAD))
    used = np.flatnonzero(flat.any(axis=0))
    return int(used[-1]) // 2 + 1 if len(used) else 1


def in_steps(weights: NDArray[np.int8], steps: int, *, in_fours: bool = True) -> NDArray[np.int8]:
    """Weights (..., depth) as (..., 2 * steps), in the order of columns (`packed` says which), zeros behind them."""
    used, depth = 2 * steps, weights.shape[-1]
    padded = np.zeros((*weights.shape[:-1], -(-max(depth, used) // QUAD) * QUAD), np.int8)
    padded[..., :depth] = weights
    return (packing.in_fours(padded) if in_fours else padded)[..., :used]


def packed(
    call: KernelCall,
    weights: NDArray[np.int8],
    chosen: Form,
    by: Requantization,
    *,
    groups: int = 1,
    in_fours: bool = True,
) -> tuple[dict[str, Param], Constant]:
    """Parameters `quads`, `quad_words` and `run`, and the weights.

    Args:
        call: the portable call.
        weights: (channels, rows, depth of a row).
        chosen: the product's form, wide enough for a row's weights that are not zero.
        by: how sums become results.
        groups: as `requantization` had them.
        in_fours: the columns' values are expanded four at a time, as quads.h orders them.

    Raises:
        NotExactError: a condition fails for these weights.
    """
    count = len(weights)
    each = count // groups
    flat = in_steps(weights, chosen.steps, in_fours=in_fours).reshape(groups, each, -1)
    arranged = packing.wide_quad_weights if by.wide else packing.quad_weights
    words = by.around(np.concatenate([arranged(part, in_fours=False) for part in flat]))
    params: dict[str, Param] = {
        "quads": -(-each // QUAD),
        "quad_words": words.shape[1],
        "step_bytes": by.step_bytes,
        "run": chosen.run,
    }
    return params, derived(call, "packed_weights", words)
