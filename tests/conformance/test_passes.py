"""The passes, each alone, all but each, all and none: the generated C gives TensorFlow Lite Micro's bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conformance.chains import SCALE, chain
from conformance.native import Batch, Model
from conformance.settings import CASES, SEED
from numpy.typing import NDArray
from tflite_builder import ModelBuilder

from edgeq.lower.lower import lower
from edgeq.lower.names import Pass
from edgeq.model.flatbuffer import parse_tflite
from edgeq.reference import ReferenceWorker

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

_MODELS = 24
# Models for each setting of the passes.
_EACH = max(1, CASES // 50)
_FEATURES = (frozenset({"dsp"}), frozenset({"dsp", "mve"}), frozenset({"dsp"}), frozenset[str]())
_SEEDS = (SEED, 11)


def _settings() -> list[tuple[Pass, ...]]:
    """No pass, each alone, all but each, and all."""
    alone = [(p,) for p in Pass]
    return [(), *alone, *(tuple(q for q in Pass if q is not p) for p in Pass), tuple(Pass)]


def test_bits(tflm: ReferenceWorker, gcc: str, tmp_path: Path) -> None:
    drawn = [chain(*_SEEDS, i) for i in range(_MODELS)]
    wanted = [tflm.run(content, [inputs])[0] for content, inputs in drawn]
    # Models in turn: a setting gets `_EACH` of them, and `pick` another kernel each time.
    settings = [(n, passes) for n, passes in enumerate(_settings()) for _ in range(_EACH)]
    turns = [(i % _MODELS, n, passes) for i, (n, passes) in enumerate(settings)]
    models = [
        Model(
            name=f"m{k}",
            content=drawn[i][0],
            features=_FEATURES[(SEED + k) % len(_FEATURES)],
            pick=n + k,
            passes=passes,
        )
        for k, (i, n, passes) in enumerate(turns)
    ]
    batch = Batch(models, tmp_path)
    found = batch.run([(k, [drawn[i][1]]) for k, (i, _, _) in enumerate(turns)])
    for (i, _, passes), (got,) in zip(turns, found, strict=True):
        differ = (wanted[i].reshape(got.shape) != got).sum()
        assert not differ, f"model {i}, seed {SEED}, passes {[p.value for p in passes]}: {differ} values differ"
    for (_, _, passes), program in zip(turns, batch.programs, strict=True):
        assert {saving.name for saving in program.saved} <= set(passes)


def test_every_pass_finds_something() -> None:
    """In models like those that are drawn above; these are always the same."""
    graphs = [parse_tflite(chain(1, i)[0]) for i in range(_MODELS)]
    named = {saving.name for graph in graphs for saving in lower(graph, features=frozenset({"dsp"})).saved}
    assert named == set(Pass)


def test_what_is_traced_is_the_models() -> None:
    """A tensor that lost channels has no fingerprint, and the report says why."""
    for i in range(_MODELS):
        graph = parse_tflite(chain(*_SEEDS, i)[0])
        program = lower(graph)
        traced = {t for call in program.calls if call.traced for t in call.outputs}
        missing = {v.tensor for v in program.vanished}
        assert not traced & missing
        assert traced | missing == {t for op in graph.ops for t in op.outputs}
        for tensor in traced:
            assert program.placements[tensor].nbytes == graph.tensors[tensor].nbytes


def _two_convolutions(dtype: str) -> tuple[bytes, NDArray[np.generic]]:
    """A convolution with dead channels whose biases are not 0, and one that reads them."""
    rng = np.random.default_rng(7)
    model, wide = ModelBuilder(), dtype == "int16"
    x = model.tensor("x", (1, 5, 5, 3), dtype, scale=SCALE, zero_point=0)
    at, channels = x, 3
    for i, filters in enumerate((8, 5)):
        weights = rng.integers(-127, 128, (filters, 1, 1, channels)).astype(np.int8)
        weights[: filters // 2] = 0
        scales = [0.004 + 0.001 * k for k in range(filters)]
        w = model.tensor(f"w{i}", weights.shape, data=weights, scale=scales, axis=0)
        bias = rng.integers(-9000, 9000, filters).astype(np.int64 if wide else np.int32)
        b = model.tensor(f"b{i}", (filters,), bias.dtype.name, data=bias, scale=[SCALE * s for s in scales])
        y = model.tensor(f"y{i}", (1, 5, 5, filters), dtype, scale=SCALE, zero_point=0)
        model.op(
            "CONV_2D", [at, w, b], [y], padding="VALID", stride_h=1, stride_w=1, dilation_h_factor=1,
            dilation_w_factor=1, fused_activation_function="NONE",
        )  # fmt: skip
        at, channels = y, filters
    limits = np.iinfo(dtype)
    values = rng.integers(limits.min, limits.max, (6, 1, 5, 5, 3), endpoint=True).astype(dtype)
    return model.finish([x], [at]), values


def _shared_dense() -> tuple[bytes, NDArray[np.generic]]:
    """Two branches whose dense layers have the same weights; one branch has dead channels."""
    rng = np.random.default_rng(8)
    model = ModelBuilder()
    x = model.tensor("x", (1, 2, 2, 3), scale=SCALE, zero_point=0)
    dense = model.tensor("wf", (3, 32), data=rng.integers(-127, 128, (3, 32)).astype(np.int8), scale=0.01)
    bias = model.tensor("bf", (3,), "int32", data=np.array([50, -900, 7], np.int32), scale=SCALE * 0.01)
    outputs = []
    for i, dead in enumerate((4, 0)):
        weights = rng.integers(-127, 128, (8, 1, 1, 3)).astype(np.int8)
        weights[:dead] = 0
        w = model.tensor(f"w{i}", weights.shape, data=weights, scale=[0.005] * 8, axis=0)
        b = model.tensor(
            f"b{i}", (8,), "int32", data=rng.integers(-9000, 9000, 8).astype(np.int32), scale=[SCALE * 0.005] * 8
        )
        y = model.tensor(f"y{i}", (1, 2, 2, 8), scale=SCALE, zero_point=0)
        model.op(
            "CONV_2D", [x, w, b], [y], padding="VALID", stride_h=1, stride_w=1, dilation_h_factor=1,
            dilation_w_factor=1, fused_activation_function="NONE",
        )  # fmt: skip
        flat = model.tensor(f"f{i}", (1, 32), scale=SCALE, zero_point=0)
        model.op("RESHAPE", [y], [flat])
        z = model.tensor(f"z{i}", (1, 3), scale=SCALE, zero_point=0)
        model.op("FULLY_CONNECTED", [flat, dense, bias], [z], fused_activation_function="NONE", keep_num_dims=False)
        outputs.append(z)
    return model.finish([x], outputs), rng.integers(-128, 128, (6, 1, 2, 2, 3)).astype(np.int8)


@pytest.mark.parametrize("name", ["int8", "int16", "shared"])
def test_what_the_passes_must_leave_alone(name: str, tflm: ReferenceWorker, gcc: str, tmp_path: Path) -> None:
    """16x8 requantizes with other bits, and a Dense that two branches share is cut for neither."""
    content, values = _shared_dense() if name == "shared" else _two_convolutions(name)
    expected = tflm.run(content, [values])
    (found,) = Batch([Model(name="m", content=content)], tmp_path).run([(0, [values])])
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs.reshape(ours.shape))
