"""Convolutions by rows that are expanded once: in blocks of columns, with taps apart, and as ones of another shape."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conformance.cases import samples
from conformance.draw import Rng, zero_of
from conformance.native import Batch, Model
from conformance.on_core import BOARD, differing
from conformance.settings import SEED
from conformance.weighted import window_count
from numpy.typing import NDArray
from tflite_builder import ModelBuilder

from edgeq.lower.dsp.candidate import Candidate
from edgeq.lower.lower import lower
from edgeq.model.flatbuffer import parse_tflite
from edgeq.reference import ReferenceWorker

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

_SAMPLES = 2
# Input, window, filters, strides and dilation.
_SHAPES = (
    ((1, 1, 40, 16), (1, 3), 8), ((1, 1, 41, 16), (1, 5), 6, (1, 2)), ((1, 1, 33, 20), (1, 3), 4, (1, 1), (1, 4)),
    ((1, 1, 30, 9), (1, 4), 8, (1, 1), (1, 2)), ((2, 1, 37, 18), (1, 3), 5), ((1, 43, 1, 12), (5, 1), 8, (2, 1)),
    ((1, 40, 1, 10), (3, 1), 4, (1, 1), (3, 1)), ((1, 12, 14, 16), (3, 3), 8, (1, 1), (2, 2)),
    ((2, 9, 16, 8), (3, 2), 4, (1, 1), (3, 1)), ((1, 10, 17, 24), (3, 3), 12, (2, 2)), ((1, 8, 15, 20), (2, 3), 4),
    ((1, 6, 8, 8), (3, 3), 1), ((1, 7, 8, 5), (5, 3), 2, (2, 1)), ((2, 6, 12, 3), (2, 2), 1, (1, 2)),
    ((1, 8, 9, 8), (1, 1), 2), ((1, 4, 6, 10), (1, 1), 1), ((1, 6, 8, 7), (1, 5), 6), ((1, 25, 1, 6), (3, 1), 2),
)  # fmt: skip
_TURNS = 3
_KINDS = ("columns at a time", "sideways", "downwards", "as channels", "as rows", "gathered")


def _convolution(model: ModelBuilder, rng: Rng, i: int, form: tuple[Any, ...]) -> tuple[int, int]:
    shape, window, filters, *rest = form
    strides, dilation = (*rest, (1, 1), (1, 1))[:2] if rest else ((1, 1), (1, 1))
    reach = [(k - 1) * d + 1 for k, d in zip(window, dilation, strict=True)]
    padding = "SAME" if rng.integers(3) or min(np.subtract(shape[1:3], reach)) < 0 else "VALID"
    out = [window_count(padding, *axis) for axis in zip(shape[1:3], window, strides, dilation, strict=True)]
    x = model.tensor(f"x{i}", shape, scale=0.05, zero_point=zero_of(rng))
    # -128 has no room beside another weight.
    weights = rng.integers(-128 if i % 5 == 4 else -127, 128, (filters, *window, shape[3])).astype(np.int8)
    scales = [float(s) for s in rng.uniform(0.004, 0.0045 if i % 2 else 0.02, filters)]
    w = model.tensor(f"w{i}", weights.shape, data=weights, scale=scales, axis=0)
    bias = rng.integers(-20000, 20001, filters).astype(np.int32)
    b = model.tensor(f"b{i}", (filters,), "int32", data=bias, scale=[0.05 * s for s in scales], axis=0)
    y_scale = 0.05 * 0.01 * 100 * weights[0].size ** 0.5
    y = model.tensor(f"y{i}", (shape[0], *out, filters), scale=y_scale, zero_point=-128 if i % 2 else zero_of(rng))
    model.op(
        "CONV_2D", [x, w, b], [y], padding=padding, stride_h=strides[0], stride_w=strides[1],
        dilation_h_factor=dilation[0], dilation_w_factor=dilation[1],
        fused_activation_function=("NONE", "RELU", "RELU6")[i % 3],
    )  # fmt: skip
    return x, y


def _model(shapes: Sequence[tuple[Any, ...]] = _SHAPES) -> tuple[bytes, list[NDArray[np.int8]]]:
    model, rng = ModelBuilder(), np.random.default_rng([SEED, 31])
    pairs = [_convolution(model, rng, i, form) for i, form in enumerate(shapes)]
    content = model.finish([x for x, _ in pairs], [y for _, y in pairs])
    return content, [samples(rng, shape)[:_SAMPLES] for shape, *_ in shapes]


class _Turns:
    """Takes the place of `choose`: of each call's candidates of one of the kinds, other ones each time."""

    def __init__(self) -> None:
        self.taken: list[list[str]] = []

    def __call__(self, candidates: Sequence[Sequence[Candidate]], *_: object, **__: object) -> list[Candidate]:
        chosen, turn = [], len(self.taken)
        for i, options in enumerate(candidates):
            rare = [c for c in options if _KINDS[(turn + i) % len(_KINDS)] in c.call.variant] or list(options)
            chosen.append(rare[(7 * turn + i) % len(rare)])
        self.taken.append([c.call.variant for c in chosen])
        return chosen


def test_bits(tflm: ReferenceWorker, gcc: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content, inputs = _model()
    reference = tflm.run(content, inputs)
    turns = _Turns()
    monkeypatch.setattr("edgeq.lower.lower.choose", turns)
    models = [Model(name=f"{n}", content=content, misalign=n % 4) for n in range(_TURNS)]
    batch = Batch(models, tmp_path, frozenset({"dsp"}))
    for taken, outputs in zip(turns.taken, batch.run([(n, inputs) for n in range(len(models))]), strict=True):
        for shape, variant, got, want in zip(_SHAPES, taken, outputs, reference, strict=True):
            said = f"{shape}, {variant}, seed {SEED}"
            np.testing.assert_array_equal(got, want.reshape(got.shape), err_msg=said)
    assert all(any(kind in variant for taken in turns.taken for variant in taken) for kind in _KINDS)


@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
def test_bits_on_the_core(
    toolchain: str, tflm: ReferenceWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, inputs = _model(_SHAPES[::2])
    graph = parse_tflite(content)
    monkeypatch.setattr("edgeq.lower.lower.choose", _Turns())
    program = lower(graph, features=BOARD.features)
    differ = differing(program, graph, content, inputs, tflm.run(content, inputs), toolchain=toolchain, folder=tmp_path)
    for call, count in zip(program.calls, differ, strict=True):
        assert not count, f"{call.label}, {call.variant}: {count} differ"
