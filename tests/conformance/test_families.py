"""Random models of one op: the generated C gives TensorFlow Lite Micro's bits, and what the op means.

Full run: EDGEQ_CASES=500 pytest tests/conformance
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conformance.cases import FAMILIES, Case, make_case
from conformance.native import Arrays, Batch, Model
from conformance.oracle import expected
from conformance.settings import CASES, SEED
from numpy.typing import NDArray

from edgeq.errors import InterpreterError, ToolError
from edgeq.model.flatbuffer import parse_tflite
from edgeq.reference import ReferenceWorker

_BATCH = 50

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


# Families with kernels for the DSP extension, and the least share of random models that must get one: the others break
# a condition (a multiplier above 1/2, channels not in fours, broadcasting…).
_DSP = {"conv_2d": 0.5, "depthwise_conv_2d": 0.08, "fully_connected": 0.35, "arithmetic": 0.1}
_VARIANTS = [(family, "portable") for family in FAMILIES] + [(family, "dsp") for family in _DSP]


@pytest.mark.parametrize(("family", "variant"), _VARIANTS)
def test_bits_and_meaning(family: str, variant: str, tflm: ReferenceWorker, gcc: str, tmp_path: Path) -> None:
    failures: list[str] = []
    compared = chosen = 0
    for start in range(0, CASES, _BATCH):
        cases, references = [], []
        for index in range(start, min(start + _BATCH, CASES)):
            case = make_case(family, index, seed=SEED)
            try:
                references.append(tflm.run(case.content, case.inputs))
            except InterpreterError:  # out of the range that TFLM accepts
                continue
            cases.append(case)
        # Every second model has its buffers 1 to 3 bytes off their alignment.
        models = [Model(name=c.name, content=c.content, misalign=c.index % 2 * (1 + c.index % 3)) for c in cases]
        batch = Batch(models, tmp_path / str(start), frozenset({variant}) - {"portable"})
        chosen += sum(call.variant.startswith("dsp") for program in batch.programs for call in program.calls)
        for case, reference, found in zip(cases, references, _run(batch, cases), strict=True):
            failures += _differences(case, reference, found) + _meaning(case, found)
            compared += 1
    assert not failures, f"{len(failures)} failures; the first ones:\n" + "\n".join(failures[:10])
    assert compared >= 0.9 * CASES, f"TFLM refused {CASES - compared} of {CASES} models: the generator is off"
    least = _DSP[family] * compared if variant == "dsp" else 0
    assert chosen >= least, f"{chosen} of {compared} models got a kernel for the DSP extension: too few to prove much"


def _run(batch: Batch, cases: list[Case]) -> list[Arrays]:
    """All outputs; if a sanitizer stops the program, the failure names the case."""
    try:
        return batch.run([(i, case.inputs) for i, case in enumerate(cases)])
    except ToolError:
        for i, case in enumerate(cases):
            try:
                batch.run([(i, case.inputs)])
            except ToolError as exc:
                pytest.fail(f"conformance.cases.{case.name}: {exc}")
        raise


def _differences(case: Case, reference: Arrays, found: Arrays) -> list[str]:
    lines = []
    for number, (ours, flat) in enumerate(zip(found, reference, strict=True)):
        theirs = flat.reshape(ours.shape)
        wrong = ~_equal_bits(theirs, ours)
        if wrong.any():
            at = tuple(int(i) for i in np.argwhere(wrong)[0])
            lines.append(
                f"conformance.cases.{case.name}: {_shown(case)}: output {number} has {int(wrong.sum())} of "
                f"{wrong.size} values wrong; at {at}: {ours[at]}, TFLM {theirs[at]}"
            )
    return lines


def _equal_bits(a: NDArray[np.generic], b: NDArray[np.generic]) -> NDArray[np.bool_]:
    same: NDArray[np.bool_] = a.view(f"u{a.itemsize}") == b.view(f"u{b.itemsize}")
    return same


def _meaning(case: Case, found: Arrays) -> list[str]:
    """The first op's output against the float result (DEQUANTIZE behind a QUANTIZE is covered by the bits)."""
    graph = parse_tflite(case.content)
    if graph.ops[0].outputs[0] not in graph.outputs:
        return []
    lines = []
    for sample, values in enumerate(found[graph.outputs.index(graph.ops[0].outputs[0])]):
        want = expected(graph, [x[sample] for x in case.inputs])
        if want is None:
            continue
        wrong = want.violations(values.reshape(want.value.shape))
        if wrong.any():
            at = tuple(int(i) for i in np.argwhere(wrong)[0])
            lines.append(
                f"conformance.cases.{case.name}: {_shown(case)}: sample {sample}, at {at}: "
                f"{values.reshape(want.value.shape)[at]}, the float result is {want.value[at]:.3f}"
            )
    return lines


def _shown(case: Case) -> str:
    graph = parse_tflite(case.content)
    op = graph.ops[0]
    shapes = [graph.tensors[i].shape for i in (*op.inputs, *op.outputs) if i >= 0]
    return f"{op.name} {dict(op.options)} {shapes}"
