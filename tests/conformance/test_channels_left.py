"""Channels that nothing reads but that stay to make fours: layers leave them out, wherever they are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from conformance.draw import Rng
from conformance.native import Batch, Model
from conformance.on_core import BOARD, differing
from numpy.typing import NDArray
from tflite_builder import ModelBuilder

from edgeq.lower.dsp.candidate import Candidate
from edgeq.lower.lower import lower
from edgeq.lower.program import Enumerator, KernelCall
from edgeq.model.flatbuffer import parse_tflite
from edgeq.reference import ReferenceWorker

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

# Channels, and how many of them nothing reads.
_CHANNELS = ((8, 0), (8, 1), (8, 2), (8, 3), (7, 1), (7, 2), (12, 5), (12, 6), (4, 4), (5, 3))
# Both, the stride, and whether a weight of -128 makes the whole fours take the wide product.
_CHAINS = (
    *((*both, stride, False) for both in _CHANNELS for stride in (1, 2)),
    *((*both, stride, True) for both in ((12, 6), (8, 2)) for stride in (1, 2)),
)
_INPUTS = ((1, 6, 7, 3), (1, 6, 7, 4))
_SCALE = 0.05


def _model() -> tuple[bytes, list[NDArray[np.int8]]]:
    """Of each chain an output: a convolution, 3x3 depthwise, and 1x1 whose weights are zero for some channels."""
    rng = np.random.default_rng(5)
    model = ModelBuilder()
    xs = [model.tensor(f"x{i}", shape, scale=_SCALE, zero_point=-3) for i, shape in enumerate(_INPUTS)]
    outputs = []
    for i, (channels, unread, stride, wide) in enumerate(_CHAINS):
        which = i // 2 % 2
        window = 3 if stride == 1 else 1
        idle, read = np.split(rng.permutation(channels), [unread])
        at = _layer(
            model, rng, xs[which], (channels, window, window, _INPUTS[which][3]), 1, lowest=read[:1] if wide else ()
        )
        at = _layer(model, rng, at, (1, 3, 3, channels), stride)
        outputs.append(_layer(model, rng, at, (6, 1, 1, channels), 1, idle))
    return model.finish(xs, outputs), [rng.integers(-128, 128, (4, *shape)).astype(np.int8) for shape in _INPUTS]


def _layer(
    model: ModelBuilder,
    rng: Rng,
    x: int,
    form: tuple[int, ...],
    stride: int,
    idle: Sequence[int] = (),
    lowest: Sequence[int] = (),
) -> int:
    depthwise = form[0] == 1
    filters = form[3] if depthwise else form[0]
    weights = rng.integers(-127, 128, form).astype(np.int8)
    weights[..., list(idle)] = 0
    weights[list(lowest), 0, 0, 0] = -128
    count = len(model.graph.tensors)
    scales = [float(s) for s in rng.uniform(0.002, 0.003, filters)]
    w = model.tensor(f"w{count}", form, data=weights, scale=scales, axis=3 if depthwise else 0)
    bias = rng.integers(-9000, 9000, filters).astype(np.int32)
    b = model.tensor(f"b{count}", (filters,), "int32", data=bias, scale=[_SCALE * s for s in scales])
    size = [-(-n // stride) for n in model.graph.tensors[x].shape[1:3]]
    y = model.tensor(f"y{count}", (1, *size, filters), scale=_SCALE, zero_point=-110)
    model.op(
        "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D", [x, w, b], [y], padding="SAME", stride_h=stride,
        stride_w=stride, dilation_h_factor=1, dilation_w_factor=1, fused_activation_function="RELU",
        **({"depth_multiplier": 1} if depthwise else {}),
    )  # fmt: skip
    return y


def _choose(candidates: Sequence[Sequence[Candidate]], *_: object, **__: object) -> list[Candidate]:
    """The fastest, of those that compute half a quad if there are any."""
    return [min(options, key=lambda c: (not _half(c.call), c.cycles)) for options in candidates]


def _half(call: KernelCall) -> str:
    half = call.params.get("half")
    return half.name if isinstance(half, Enumerator) else ""


def test_bits(tflm: ReferenceWorker, gcc: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content, inputs = _model()
    monkeypatch.setattr("edgeq.lower.lower.choose", _choose)
    batch = Batch([Model(name="m", content=content)], tmp_path, frozenset({"dsp"}))
    (found,) = batch.run([(0, inputs)])
    for chain, ours, theirs in zip(_CHAINS, found, tflm.run(content, inputs), strict=True):
        np.testing.assert_array_equal(ours, theirs.reshape(ours.shape), err_msg=str(chain))
    calls = batch.programs[0].calls
    depthwise = [call for call in calls if "DEPTHWISE" in call.label]
    for (channels, unread, _, _), call in zip(_CHAINS, depthwise, strict=True):
        if unread and channels > unread:
            assert call.params["channels_read"] == channels - unread
    assert {"rows3" in _half(call) for call in calls if _half(call)} == {True, False}
    assert any("wide" in str(call.params["run"]) for call in calls if _half(call))


@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
def test_bits_on_the_core(
    toolchain: str, tflm: ReferenceWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, inputs = _model()
    graph = parse_tflite(content)
    monkeypatch.setattr("edgeq.lower.lower.choose", _choose)
    program = lower(graph, features=BOARD.features)
    reference = tflm.run(content, inputs)
    differ = differing(program, graph, content, inputs, reference, toolchain=toolchain, folder=tmp_path)
    assert not any(differ), dict(zip(_CHAINS, differ, strict=True))
