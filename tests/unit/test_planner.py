"""The memory planner: never wrong, and close to the best there is."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.lower.planner import BUFFER_ALIGN, Buffer, Plan, liveness_bound, plan


@st.composite
def problems(draw: st.DrawFn, largest: int = 25) -> list[Buffer]:
    n = draw(st.integers(0, largest))
    firsts = draw(st.lists(st.integers(-1, 20), min_size=n, max_size=n))
    lengths = draw(st.lists(st.integers(0, 8), min_size=n, max_size=n))
    sizes = draw(st.lists(st.integers(0, 600), min_size=n, max_size=n))
    return [Buffer(nbytes=s, first=f, last=f + d) for s, f, d in zip(sizes, firsts, lengths, strict=True)]


def check(buffers: list[Buffer], result: Plan, align: int) -> None:
    assert len(result.offsets) == len(buffers)
    assert all(o % align == 0 and o >= 0 for o in result.offsets)
    placed = list(zip(buffers, result.offsets, strict=True))
    for (a, at), (b, bt) in itertools.combinations(placed, 2):
        together = a.first <= b.last and b.first <= a.last
        overlap = at < bt + b.nbytes and bt < at + a.nbytes and a.nbytes and b.nbytes
        assert not (together and overlap), f"{a} at {at} and {b} at {bt}"
    assert result.size == max((o + b.nbytes for b, o in placed if b.nbytes), default=0)
    assert result.bound == liveness_bound(buffers) <= result.size


@given(problems(), st.sampled_from([1, 4, 8, 16]))
@settings(max_examples=150, deadline=None)
def test_buffers_alive_together_do_not_overlap(buffers: list[Buffer], align: int) -> None:
    check(buffers, plan(buffers, align=align), align)


@given(problems())
@settings(max_examples=60, deadline=None)
def test_the_bound_is_the_largest_sum_over_the_steps(buffers: list[Buffer]) -> None:
    steps = range(-2, 32)
    assert liveness_bound(buffers) == max(sum(b.nbytes for b in buffers if b.first <= s <= b.last) for s in steps)


@given(problems())
@settings(max_examples=20, deadline=None)
def test_same_problem_same_plan(buffers: list[Buffer]) -> None:
    assert plan(buffers) == plan(list(buffers))


@given(problems(largest=6))
@settings(max_examples=60, deadline=None)
def test_as_good_as_every_order_of_a_few_buffers(buffers: list[Buffer]) -> None:
    """Greedy placement in the best of all orders is optimal for so few buffers, up to rare ties of no interest."""
    assert plan(buffers, align=1).size <= best_of_all_orders(buffers)


def best_of_all_orders(buffers: list[Buffer]) -> int:
    best = sum(b.nbytes for b in buffers)
    for order in itertools.permutations([b for b in buffers if b.nbytes]):
        placed: list[tuple[Buffer, int]] = []
        for b in order:
            at = 0
            for other, offset in sorted(placed, key=lambda p: p[1]):
                together = b.first <= other.last and other.first <= b.last
                if together and at + b.nbytes > offset and at < offset + other.nbytes:
                    at = offset + other.nbytes
            placed.append((b, at))
        best = min(best, max((o + b.nbytes for b, o in placed), default=0))
    return best


def chain(sizes: list[int], skips: list[tuple[int, int]] = ()) -> list[Buffer]:  # type: ignore[assignment]
    """A network: tensor i is made by call i − 1 and read by call i; a skip (i, j) keeps tensor i until call j."""
    last = {i: i for i in range(len(sizes))}
    for i, j in skips:
        last[i] = j
    return [Buffer(nbytes=n, first=i - 1, last=last[i]) for i, n in enumerate(sizes)]


@pytest.mark.parametrize(
    ("buffers", "size"),
    [
        pytest.param(chain([490, 8000, 8000, 8000, 8000, 64, 12]), 16000, id="a chain needs its largest pair"),
        pytest.param(chain([3072, *[16384] * 3, *[8192] * 4], [(1, 3), (4, 6)]), 49152, id="a residual network"),
        pytest.param(chain([1, 1, 1]), 8 + 1, id="alignment counts for all but the topmost"),
    ],
)
def test_networks_reach_the_optimum(buffers: list[Buffer], size: int) -> None:
    result = plan(buffers)
    check(buffers, result, BUFFER_ALIGN)
    assert result.size == size


@pytest.mark.parametrize("seed", range(6))
def test_large_problems_stay_within_three_percent_of_the_bound(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 (a test's problem)
    buffers = []
    for i in range(80):
        first = rng.randrange(80)
        buffers.append(
            Buffer(nbytes=16 * rng.randrange(1, 500), first=first, last=first + rng.choice([1, 1, 1, 3, i % 20]))
        )
    result = plan(buffers)
    check(buffers, result, BUFFER_ALIGN)
    assert result.size <= 1.03 * result.bound


@pytest.mark.parametrize("wrong", [Buffer(nbytes=-1, first=0, last=1), Buffer(nbytes=1, first=2, last=1)])
def test_impossible_buffers_are_refused(wrong: Buffer) -> None:
    with pytest.raises(ValueError, match="impossible"):
        plan([wrong])
