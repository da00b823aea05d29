"""Random models of several ops, as planned: the generated C gives TensorFlow Lite Micro's bits on every output."""

from __future__ import annotations

from pathlib import Path

import pytest
from conformance.graphs import make_graph
from conformance.native import Batch, Model
from conformance.settings import CASES, SEED

from edgeq.reference import ReferenceWorker

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

_BATCH = 25


def test_random_graphs(tflm: ReferenceWorker, gcc: str, tmp_path: Path) -> None:
    failures = []
    for start in range(0, CASES, _BATCH):
        indices = range(start, min(start + _BATCH, CASES))
        cases = [make_graph(index, seed=SEED) for index in indices]
        # Mostly the planner's own layout, with values side by side, reused and in place.
        models = [
            Model(name=f"g{index}", content=content, misalign=1 if index % 4 == 3 else 0)
            for index, (content, _) in zip(indices, cases, strict=True)
        ]
        batch = Batch(models, tmp_path / str(start))
        found = batch.run([(i, inputs) for i, (_, inputs) in enumerate(cases)])
        for index, (content, inputs), ours in zip(indices, cases, found, strict=True):
            theirs = tflm.run(content, inputs)
            wrong = [int((a != b.reshape(a.shape)).sum()) for a, b in zip(ours, theirs, strict=True)]
            if any(wrong):
                failures.append(
                    f"conformance.graphs.make_graph({index}, seed={SEED}): wrong values per output: {wrong}"
                )
    assert not failures, "\n".join(failures[:10])
