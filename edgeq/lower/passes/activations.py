"""An activation of its own that only clamps is one with the op before it, which clamps anyway."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np

from edgeq.lower.fixedpoint import INT8_MIN
from edgeq.lower.passes.record import Stepped, Steps, counted
from edgeq.lower.passes.tables import TABLE, table_of
from edgeq.lower.program import KernelCall


def fuse_activations(steps: Steps) -> Stepped:
    """RELU, RELU6 and whatever else is a table that clamps, as other limits of what they follow."""
    found, gone = steps.merged_pairs(_clamped)
    words = f"{counted(gone, 'activation')} made limits of the op before" if gone else ""
    return Stepped(steps=found, count=gone, saved=words)


def _clamped(first: KernelCall, second: KernelCall) -> KernelCall | None:
    """Of the values that `first` can give, the table must leave those between two limits, and take the others to the
    nearer one: it is applied after the sum is rounded, as the limits are, so nothing is rounded twice."""
    if second.kernel != TABLE or not first.kernel.endswith("_int8") or "activation_min" not in first.params:
        return None
    low, high = (cast(int, first.params[name]) for name in ("activation_min", "activation_max"))
    # From int8's smallest value on.
    values = np.roll(table_of(second).data, 128)[low - INT8_MIN : high - INT8_MIN + 1].astype(np.int64)
    if not (len(values) and (np.clip(np.arange(low, high + 1), values[0], values[-1]) == values).all()):
        return None
    return replace(
        first,
        params={**first.params, "activation_min": int(values[0]), "activation_max": int(values[-1])},
        outputs=second.outputs,
        source_ops=(*first.source_ops, *second.source_ops),
    )
