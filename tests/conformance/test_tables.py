"""The tables of unary ops equal TensorFlow Lite Micro's kernels on all 256 inputs, for many random scales."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from conformance.cases import UNARY, unary_case
from conformance.draw import Rng
from conformance.settings import CASES, SEED

from edgeq.errors import InterpreterError, UnsupportedError
from edgeq.lower.ops import LOWER
from edgeq.lower.program import Constant, KernelCall
from edgeq.model.flatbuffer import parse_tflite
from edgeq.reference import ReferenceWorker


@pytest.mark.parametrize("name", UNARY)
def test_table_equals_tflm(name: str, tflm: ReferenceWorker) -> None:
    compared = 0
    for index in range(CASES):
        rng = Rng(SEED, zlib.crc32(name.encode()), index)
        content, values = unary_case(rng, name)
        graph = parse_tflite(content)
        try:
            call = LOWER[name](graph, graph.ops[0])
        except UnsupportedError:
            with pytest.raises(InterpreterError):  # what edgeq refuses, TFLM does not run either
                tflm.run(content, [values[None]])
            continue
        assert isinstance(call, KernelCall)
        table = call.params["table"]
        assert isinstance(table, Constant)
        (reference,) = tflm.run(content, [values[None]])
        ours = table.data[values.view(np.uint8)]
        assert (ours.reshape(-1) == reference.reshape(-1)).all(), f"{name}, case {index}, EDGEQ_SEED={SEED}"
        compared += 1
    assert compared > 0.7 * CASES
