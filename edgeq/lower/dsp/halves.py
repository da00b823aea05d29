"""Products of half a quad of channels: the first and the third of the last four, where the others are not read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from edgeq.lower import packing
from edgeq.lower.dsp import quads
from edgeq.lower.dsp.candidate import channels_of, derived, number
from edgeq.lower.packing import QUAD, Int32s, NotExactError
from edgeq.lower.program import Constant, Enumerator, KernelCall, Param
from edgeq.lower.straight import straight_quads

SOURCE = "halves.c"

# Cycles of the assembly in kernels/halves.c: three loads, four SMLAD, one SXTB16; of three rows more; of a call.
_STEP = 9
_HALF = 35
_ROWS = 12
_CALL = 70

# Bytes of its code.
_CODE = 170
_STEP_CODE = 32


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Half:
    """A product: the function `run`, its weights, cycles of one pair of columns and of one call."""

    run: Enumerator
    words: Int32s
    cycles: int
    code: Mapping[str, int]
    call_cycles: int = _CALL

    @classmethod
    def of(cls, call: KernelCall, weights: NDArray[np.int8], form: quads.Form, *, in_fours: bool = True) -> Self | None:
        """That of the last four channels, if two or less of them are read, and there is one like `form`.

        Args:
            call: the portable call.
            weights: (channels, rows, depth of a row).
            form: of the other channels' product.
            in_fours: as `quads.packed` has it.
        """
        count, read = len(weights), call.channels_read
        if read is None or count % QUAD or count <= QUAD or count - read not in (2, 3) or form.half is None:
            return None
        two = [count - QUAD, count - QUAD + 2]
        flat = weights.reshape(count, -1)
        low, high = number(call, "activation_min"), number(call, "activation_max")
        with suppress(NotExactError):
            channels = packing.chosen(channels_of(call, flat), two)
            shift, around = straight_quads(channels, activation_min=low, activation_max=high)
            ordered = quads.in_steps(weights[two], form.steps, in_fours=in_fours).reshape(2, -1)
            steps = packing.quad_weights(ordered, in_fours=False)[0, :, 0]
            name = f"edgeq_halves_{form.half}_shift{shift}"
            rows = weights.shape[1] if "rows" in form.half else 1
            return cls(
                run=Enumerator(name=name),
                words=np.concatenate([around[0, :2], steps, around[0, QUAD : QUAD + 4]]),
                cycles=_HALF + (_ROWS if rows > 1 else 0) + _STEP * len(steps),
                code={name: _CODE + _STEP_CODE * len(steps)},
            )
        return None

    def behind(
        self, call: KernelCall, params: Mapping[str, Param], packed: Constant
    ) -> tuple[dict[str, Param], Constant]:
        """Parameters and weights of `quads.packed`, with the half in the place of the last quad."""
        words = np.concatenate([packed.data[:-1].reshape(-1), self.words]).astype(np.int32)
        with_half = {**params, "quads": len(packed.data) - 1, "half": self.run}
        return with_half, derived(call, "packed_weights", words)


def with_halves(
    call: KernelCall, weights: NDArray[np.int8], forms: Iterable[quads.Form], *, in_fours: bool = True
) -> Iterator[tuple[quads.Form, Half | None]]:
    """Each form alone, and with half a quad's where there is one; arguments as `Half.of` has them."""
    for form in forms:
        yield form, None
        half = Half.of(call, weights, form, in_fours=in_fours)
        if half is not None:
            yield form, half
