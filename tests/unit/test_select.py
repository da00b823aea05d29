"""Which candidates a call has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from edgeq.lower import select
from edgeq.lower.packing import NotExactError
from edgeq.lower.program import KernelCall

CALL = KernelCall(
    kernel="edgeq_add_int8", source="add.c", params_type=None, params={}, inputs=(), outputs=(), source_ops=(0,),
    label="0 ADD",
)  # fmt: skip


def test_a_proof_that_fails_late_does_not_take_back_those_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def faster(call: KernelCall) -> Iterator[Any]:
        yield select.Candidate(call=call, cycles=5)
        raise NotExactError("the sums are too large")

    def none(call: KernelCall) -> Iterator[Any]:
        raise NotExactError("the sums are too large")
        yield

    monkeypatch.setattr(select, "_FAMILIES", {"dsp": {CALL.kernel: faster}})
    assert [c.cycles for c in select.candidates(CALL, frozenset({"dsp"}))] == [5]
    monkeypatch.setattr(select, "_FAMILIES", {"dsp": {CALL.kernel: none}})
    (only,) = select.candidates(CALL, frozenset({"dsp"}))
    assert only.call.variant is not None and "too large" in only.call.variant
