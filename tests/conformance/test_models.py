"""The whole models of the zoo, compiled for the host under the sanitizers: no output differs from TFLM's."""

from __future__ import annotations

import types
from pathlib import Path

import numpy as np
import pytest
from conformance.native import Batch, Model
from numpy.typing import NDArray

from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.graph import Tensor
from edgeq.reference import ReferenceWorker

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

_SAMPLES = 100
# Multiply-accumulates that one model may take in all: large models get fewer samples.
_MACS = 400_000_000
_FEWEST = 20


@pytest.mark.parametrize("features", [(), ("dsp",)], ids=["portable", "dsp"])
def test_no_output_differs(
    features: tuple[str, ...], zoo: types.ModuleType, tflm: ReferenceWorker, gcc: str, tmp_path: Path
) -> None:
    models = [Model(name=name, content=zoo.zoo_tflite(name)) for name in zoo.ZOO]
    batch = Batch(models, tmp_path, frozenset(features))
    runs = []
    for i, model in enumerate(models):
        graph = parse_tflite(model.content)
        count = max(_FEWEST, min(_SAMPLES, _MACS // max(1, batch.programs[i].macs)))
        real = zoo.zoo_inputs(model.name, count)
        runs.append((i, [_inputs(t, x, i) for t, x in zip(graph.input_tensors, real, strict=True)]))
    found = batch.run(runs)
    for (i, inputs), ours in zip(runs, found, strict=True):
        theirs = tflm.run(models[i].content, inputs)
        wrong = [int((a != b.reshape(a.shape)).sum()) for a, b in zip(ours, theirs, strict=True)]
        assert not any(wrong), f"{models[i].name}: {wrong} of {[a.size for a in ours]} output values differ"
        assert all(len(np.unique(a)) > 1 for a in ours), f"{models[i].name}: constant outputs prove nothing"


def _inputs(tensor: Tensor, real: NDArray[np.float32], seed: int) -> NDArray[np.int8]:
    """Real samples, quantized; the first four are all −128, all 127, and uniformly random."""
    assert tensor.quantization is not None
    steps = np.round(real / tensor.quantization.scale) + tensor.quantization.zero_point
    values = np.clip(steps, -128, 127).astype(np.int8).reshape(len(real), *tensor.shape)
    values[0], values[1] = -128, 127
    values[2:4] = np.random.default_rng(seed).integers(-128, 128, values[2:4].shape)
    return values
