"""Passes that take flash for cycles stay only where the program is the better for it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from tflite_builder import ModelBuilder

from edgeq.lower.choose import Limits
from edgeq.lower.lower import lower
from edgeq.lower.names import Pass
from edgeq.lower.program import Program
from edgeq.lower.savings import with_savings
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.graph import Graph
from edgeq.records import Optimize

_SCALE = 0.05
_DSP = frozenset({"dsp"})
_WITHOUT = frozenset(Pass) - {Pass.BORDER_BIASES}


class _Net:
    """A 1x1 convolution, a padded depthwise one and a 1x1 one; half of the channels between them are constant."""

    def __init__(self, side: int, channels: int, outputs: int, stride: int = 1) -> None:
        self.rng, self.model = np.random.default_rng(1), ModelBuilder()
        x = self.at = self.model.tensor("x", (1, side, side, 8), scale=_SCALE, zero_point=-3)
        weights = self.weights(channels, 1, 1, 8)
        weights[: channels // 2] = 0
        self.then("CONV_2D", weights, 1)
        self.then("DEPTHWISE_CONV_2D", self.weights(1, 3, 3, channels), stride, depth_multiplier=1)
        self.then("CONV_2D", self.weights(outputs, 1, 1, channels), 1)
        self.content = self.model.finish([x], [self.at])

    def weights(self, *shape: int) -> NDArray[np.int8]:
        return self.rng.integers(-127, 128, shape).astype(np.int8)

    def then(self, op: str, weights: NDArray[np.int8], stride: int, **options: int) -> None:
        axis = 3 if options else 0
        filters, count = weights.shape[axis], len(self.model.graph.tensors)
        bias, scales = np.full(filters, 9000, np.int32), [0.0025] * filters
        w = self.model.tensor(f"w{count}", weights.shape, data=weights, scale=scales, axis=axis)
        b = self.model.tensor(f"b{count}", (filters,), "int32", data=bias, scale=[_SCALE * s for s in scales])
        size = [-(-n // stride) for n in self.model.graph.tensors[self.at].shape[1:3]]
        y = self.model.tensor(f"y{count}", (1, *size, filters), scale=_SCALE, zero_point=-110)
        self.model.op(
            op, [self.at, w, b], [y], padding="SAME", stride_h=stride, stride_w=stride, dilation_h_factor=1,
            dilation_w_factor=1, fused_activation_function="RELU", **options,
        )  # fmt: skip
        self.at = y


def _graph(side: int, channels: int, outputs: int, stride: int = 1) -> Graph:
    return parse_tflite(_Net(side, channels, outputs, stride).content)


def _has_bands(program: Program) -> bool:
    return any("bands" in call.kernel for call in program.calls)


@pytest.mark.parametrize(("side", "outputs", "stride"), [(24, 512, 1), (12, 256, 1), (12, 256, 2)])
@pytest.mark.parametrize("features", [frozenset(), _DSP, {"mve"}])
def test_size_has_no_larger_image(side: int, outputs: int, stride: int, features: frozenset[str]) -> None:
    graph = _graph(side, 16, outputs, stride)
    program = lower(graph, features=features, optimize=Optimize.SIZE)
    without = lower(graph, features=features, optimize=Optimize.SIZE, passes=_WITHOUT)
    assert not _has_bands(program) and program.flash_bytes == without.flash_bytes


@pytest.mark.parametrize("optimize", Optimize)
def test_nothing_that_is_slower_and_larger(optimize: Optimize) -> None:
    graph = _graph(12, 16, 256, 2)
    program = lower(graph, features=_DSP, optimize=optimize)
    without = lower(graph, features=_DSP, optimize=optimize, passes=_WITHOUT)
    assert (program.cycles, program.flash_bytes) == (without.cycles, without.flash_bytes)


def test_the_report_says_what_was_left_out() -> None:
    graph = _graph(12, 16, 256, 2)
    program = lower(graph, features=_DSP)
    told = with_savings(program, lambda name: lower(graph, features=_DSP, passes=frozenset(Pass) - {name}))
    assert (
        [s.name for s in told.saved]
        == [s.name for s in program.saved]
        == sorted((s.name for s in program.saved), key=[*Pass].index)
    )
    (saving,) = (s for s in told.saved if s.name is Pass.BORDER_BIASES)
    assert saving.count == 0 and saving.flash_bytes is None
    assert saving.words.startswith("left out, as it does not pay: +") and saving.words.endswith(" cycles")


def test_a_limit_of_flash_leaves_it_out() -> None:
    graph = _graph(12, 16, 256)
    free = lower(graph, features=_DSP)
    assert _has_bands(free)
    small = lower(graph, features=_DSP, passes=_WITHOUT)
    limits = Limits(flash=small.flash_bytes)
    limited = lower(graph, features=_DSP, limits=limits)
    assert not _has_bands(limited) and limited.flash_bytes <= small.flash_bytes < free.flash_bytes


def test_a_limit_of_ram_leaves_it_out() -> None:
    """Without the pass, the last layer takes its input's place."""
    graph = _graph(16, 64, 64)
    free = lower(graph, features=_DSP)
    small = lower(graph, features=_DSP, passes=_WITHOUT)
    assert _has_bands(free) and small.arena_bytes < free.arena_bytes
    limited = lower(graph, features=_DSP, limits=Limits(ram=small.arena_bytes))
    assert not _has_bands(limited) and limited.arena_bytes <= small.arena_bytes


@pytest.mark.parametrize("optimize", Optimize)
def test_it_stays_where_it_pays(optimize: Optimize) -> None:
    graph = _graph(8, 96, 128)
    program = lower(graph, features=_DSP, optimize=optimize)
    without = lower(graph, features=_DSP, optimize=optimize, passes=_WITHOUT)
    assert _has_bands(program) and program.cycles is not None and without.cycles is not None
    assert program.cycles < 0.75 * without.cycles and program.flash_bytes < without.flash_bytes
