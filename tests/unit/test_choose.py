"""The choice between candidates: cycles against flash, within RAM."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest

from edgeq.lower.choose import Limits, choose, flash_of
from edgeq.lower.dsp.candidate import Candidate
from edgeq.lower.program import Constant, KernelCall
from edgeq.records import Optimize


def _candidate(
    variant: str, cycles: int, flash: int, *, scratch: int = 0, code: Mapping[str, int] | None = None
) -> Candidate:
    call = KernelCall(
        kernel="k", source="k.c", params_type=None, params={},
        inputs=(0, Constant(name=variant, data=np.zeros(flash, np.int8))), outputs=(1,), source_ops=(0,), label="l",
        scratch_bytes=scratch, variant=variant,
    )  # fmt: skip
    return Candidate(call=call, cycles=cycles, code=code or {})


def _chosen(options: list[list[Candidate]], optimize: Optimize, limits: Limits | None = None) -> list[str]:
    found = choose(
        options, [[1000] * len(c) for c in options], tensors=1000, optimize=optimize, limits=limits or Limits()
    )
    return [c.call.variant for c in found]


@pytest.mark.parametrize(
    ("optimize", "variant"), [(Optimize.SIZE, "small"), (Optimize.BALANCED, "middle"), (Optimize.SPEED, "fast")]
)
def test_flash_has_a_price(optimize: Optimize, variant: str) -> None:
    # Against "small", "middle" saves 40 % of the cycles for 50 % of the flash; "fast" 10 % more for all of it.
    options = [[_candidate("small", 1000, 1000), _candidate("middle", 600, 1500), _candidate("fast", 500, 2500)]]
    assert _chosen(options, optimize) == [variant]


def test_shared_code_is_paid_for_once() -> None:
    code = {"unrolled": 900}
    one = [_candidate("loop", 1000, 1000), _candidate("unrolled", 900, 1000, code=code)]
    assert _chosen([one], Optimize.BALANCED) == ["loop"]
    assert _chosen([one] * 4, Optimize.BALANCED) == ["unrolled"] * 4
    assert flash_of([one[1]] * 4) == 4 * 1000 + 900


@pytest.mark.parametrize("optimize", Optimize)
def test_ram_is_a_limit(optimize: Optimize) -> None:
    options = [[_candidate("fast", 100, 10, scratch=5000), _candidate("slow", 900, 10, scratch=100)]]
    assert _chosen(options, optimize) == ["slow"]


@pytest.mark.parametrize(("flash", "variant"), [(800, "more ram"), (950, "less ram")])
def test_size_is_the_sum_of_flash_and_ram(flash: int, variant: str) -> None:
    options = [[_candidate("less ram", 900, 1000), _candidate("more ram", 100, flash, scratch=150)]]
    assert _chosen(options, Optimize.SIZE) == [variant]


@pytest.mark.parametrize(("cycles", "variant"), [(500, "more ram"), (900, "less ram")])
def test_more_ram_has_a_price(cycles: int, variant: str) -> None:
    options = [[_candidate("less ram", 1000, 10, scratch=100), _candidate("more ram", cycles, 10, scratch=1500)]]
    assert _chosen(options, Optimize.BALANCED) == [variant]


def test_the_flash_limit_is_kept() -> None:
    options = [[_candidate("small", 1000, 1000), _candidate("fast", 300, 1600)]]
    assert _chosen(options, Optimize.SPEED) == ["fast"]
    assert _chosen(options, Optimize.SPEED, Limits(flash=1500)) == ["small"]
    assert _chosen(options, Optimize.SPEED, Limits(flash=500)) == ["small"]  # as far as any candidate keeps it


def test_a_limit_that_no_single_exchange_reaches() -> None:
    """Two calls share the faster kernel's code: one slower kernel alone makes both larger."""
    options = [[_candidate("fast", 100, 100, code={"unrolled": 500}), _candidate("slow", 900, 300)]] * 2
    assert _chosen(options, Optimize.SPEED) == ["fast"] * 2
    assert _chosen(options, Optimize.SPEED, Limits(flash=650)) == ["slow"] * 2
