"""Unary ops one after another are one table: the second's values at the first's."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np

from edgeq.lower.passes.record import Stepped, Steps, counted
from edgeq.lower.program import Constant, KernelCall

TABLE = "edgeq_table_int8"


def table_of(call: KernelCall) -> Constant:
    """The constant that a call of TABLE looks up: 256 int8 values, entry (x & 255) that of x."""
    return cast(Constant, call.params["table"])


def merge_tables(steps: Steps) -> Stepped:
    """Chains of tables, where nothing else reads what is between them, as one."""
    found, gone = steps.merged_pairs(_composed)
    words = f"{counted(gone, 'table')} joined to the one before" if gone else ""
    return Stepped(steps=found, count=gone, saved=words)


def _composed(first: KernelCall, second: KernelCall) -> KernelCall | None:
    if first.kernel != TABLE or second.kernel != TABLE:
        return None
    name, values = table_of(second).name, table_of(second).data[table_of(first).data.view(np.uint8)]
    return replace(
        second,
        params={**second.params, "table": Constant(name=name, data=values)},
        inputs=first.inputs,
        source_ops=(*second.source_ops, *first.source_ops),
    )
