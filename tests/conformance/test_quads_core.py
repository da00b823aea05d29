"""The products of quads that are unrolled further than their loops, on a Cortex-M4: every kind of each, by both
compilers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from conformance.cases import samples
from conformance.draw import Rng
from conformance.on_core import BOARD, differing
from numpy.typing import NDArray
from tflite_builder import ModelBuilder

from edgeq.lower.dsp.candidate import Candidate
from edgeq.lower.lower import lower
from edgeq.lower.program import Enumerator
from edgeq.model.flatbuffer import parse_tflite
from edgeq.reference import ReferenceWorker

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

_SAMPLES = 4
_SHAPES = ((1, 9, 8, 3), (1, 8, 9, 4))
# Windows of the inputs, by rows of three, or as one row of many steps.
_WINDOWS = (((3, 2), (3, 3), (7, 4)), ((3, 1), (3, 3), (8, 4)))
_FURTHER = re.compile(r"edgeq_quads_(\d+_rows3|3[4-9]|[4-6]\d)(_shift[46]|_wide|)")


@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
def test_bits(toolchain: str, tflm: ReferenceWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content, inputs = _model(np.random.default_rng(21))
    graph = parse_tflite(content)
    monkeypatch.setattr("edgeq.lower.lower.choose", _choose)
    program = lower(graph, features=BOARD.features)
    found = [_FURTHER.fullmatch(_product(call.params.get("run"))) for call in program.calls]
    kinds = {("rows3" in match[1], match[2]) for match in found if match}
    assert len(kinds) >= 6, kinds
    reference = tflm.run(content, inputs)
    differ = differing(program, graph, content, inputs, reference, toolchain=toolchain, folder=tmp_path)
    for call, count in zip(program.calls, differ, strict=True):
        assert not count, f"{call.label}, {_product(call.params.get('run'))}: {count} differ"


def _product(run: object) -> str:
    return run.name if isinstance(run, Enumerator) else ""


def _choose(candidates: Sequence[Sequence[Candidate]], *_: object, **__: object) -> list[Candidate]:
    """Of each call one with such a product, if there is one."""
    chosen = []
    for options in candidates:
        further = [c for c in options if _FURTHER.fullmatch(_product(c.call.params.get("run")))]
        chosen.append((further or list(options))[0])
    return chosen


def _model(rng: Rng) -> tuple[bytes, list[NDArray[np.int8]]]:
    """Two inputs, and convolutions of one of them: without activation, clamped at the zero point by two kinds of
    scales, and with a weight of -128."""
    model = ModelBuilder()
    xs = [model.tensor(f"x{i}", shape, scale=0.05, zero_point=-3) for i, shape in enumerate(_SHAPES)]
    outputs = []
    for i, windows in enumerate(_WINDOWS):
        for height, width in windows:
            for kind in range(4):
                outputs.append(_convolution(model, rng, xs[i], _SHAPES[i], (height, width), kind))
    return model.finish(xs, outputs), [samples(rng, shape)[:_SAMPLES] for shape in _SHAPES]


def _convolution(
    model: ModelBuilder, rng: Rng, x: int, shape: tuple[int, ...], window: tuple[int, int], kind: int
) -> int:
    height, width = window
    filters = int(rng.integers(1, 10))
    count = len(model.graph.tensors)
    weights = rng.integers(-127, 128, (filters, height, width, shape[3])).astype(np.int8)
    if kind == 3:
        weights[0, 0, 0, 0] = -128
    spread = (0.004, 0.0045) if kind < 2 else (0.0001, 0.02)
    scales = [float(s) for s in rng.uniform(*spread, filters)]
    taps = height * width * shape[3]
    w = model.tensor(f"w{count}", weights.shape, data=weights, scale=scales, axis=0)
    bias = rng.integers(-500 * taps, 500 * taps + 1, filters).astype(np.int32)
    b = model.tensor(f"b{count}", (filters,), "int32", data=bias, scale=[0.05 * s for s in scales], axis=0)
    stride = 1 if min(height, width) < 4 else 2
    size = [-(-n // stride) for n in shape[1:3]]
    y = model.tensor(f"y{count}", (1, *size, filters), scale=0.0008 * taps**0.5 * 3, zero_point=-128 + 20 * kind)
    model.op(
        "CONV_2D", [x, w, b], [y], padding="SAME", stride_h=stride, stride_w=stride, dilation_h_factor=1,
        dilation_w_factor=1, fused_activation_function="RELU" if kind in {1, 2} else "NONE",
    )  # fmt: skip
    return y
