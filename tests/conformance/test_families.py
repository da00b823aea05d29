"""Random models of one op: the generated C gives TensorFlow Lite Micro's bits, and what the op means.

Full run: EDGEQ_CASES=500 pytest tests/conformance
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from conformance.cases import FAMILIES, Case, make_case
from conformance.native import Arrays, Batch, Model
from conformance.oracle import meanings
from conformance.oracle_states import Memory
from conformance.settings import CASES, SEED
from numpy.typing import NDArray

from edgeq.errors import InterpreterError, ToolError
from edgeq.model.flatbuffer import parse_tflite
from edgeq.reference import ReferenceWorker

_BATCH = 50

# The share of outputs that must be compared with the float result, where its accumulators fit an int32: below 1 only
# where a family draws multipliers so far above 1, on purpose, that they do not; or a state that wraps or drifts.
_MEANT = {
    "conv_2d": 0.8,
    "depthwise_conv_2d": 0.8,
    "fully_connected": 0.8,
    "mul": 0.8,
    "svdf": 0.6,
    "lstm": 0.6,
    "variables": 0.8,
}
_MEANT_ELSEWHERE = 0.9

# Models that TFLM may refuse for one that it takes, on average.
_REDRAWN = 0.5

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


# Families with kernels for an extension, and the least share of random models that must get one: the others break a
# condition (a multiplier above 1/2, channels not in fours, broadcasting…).
_PROVEN = {
    "dsp": {
        "conv_2d": 0.6, "depthwise_conv_2d": 0.3, "fully_connected": 0.4, "add": 0.1, "sub": 0.1,
        "average_pool_2d": 0.9, "max_pool_2d": 1.0, "mul": 0.3, "mean": 0.1,
        "hard_swish": 0.9, "transpose_conv": 0.6,
    },
    "mve": {
        "conv_2d": 0.6, "depthwise_conv_2d": 0.3, "fully_connected": 0.35, "add": 0.1, "sub": 0.1,
        "average_pool_2d": 0.9, "max_pool_2d": 1.0,
    },
}  # fmt: skip
_VARIANTS = [
    *((family, "portable") for family in FAMILIES),
    *((family, extension) for extension, families in _PROVEN.items() for family in families),
]


@pytest.mark.parametrize(("family", "variant"), _VARIANTS)
def test_bits_and_meaning(
    family: str,
    variant: str,
    tflm: ReferenceWorker,
    gcc: str,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    failures: list[str] = []
    compared = redrawn = meant = answers = chosen = 0
    for start in range(0, CASES, _BATCH):
        cases, references = [], []
        for index in range(start, min(start + _BATCH, CASES)):
            case, reference = _accepted(tflm, family, index)
            cases.append(case)
            references.append(reference)
            redrawn += case.draw
        # Every second model has its buffers 1 to 3 bytes off their alignment.
        models = [Model(name=c.name, content=c.content, misalign=c.index % 2 * (1 + c.index % 3)) for c in cases]
        batch = Batch(models, tmp_path / str(start), frozenset({variant}) - {"portable"}, pick=True)
        chosen += sum(call.variant.startswith(variant) for program in batch.programs for call in program.calls)
        for case, reference, found in zip(cases, references, _run(batch, cases), strict=True):
            wrong, checked = _meaning(case, found)
            failures += _differences(case, reference, found) + wrong
            compared += 1
            meant += checked
            answers += len(found) * len(found[0])
    share = meant / answers
    record_property("conformance", [compared, redrawn, len(failures), share])
    assert not failures, f"{len(failures)} failures; the first ones:\n" + "\n".join(failures[:10])
    assert compared == CASES
    assert redrawn <= _REDRAWN * CASES, f"TFLM refused {redrawn} models for {CASES} cases: the generator is off"
    least = _MEANT.get(family.removesuffix("_16x8"), _MEANT_ELSEWHERE)
    assert share >= least, f"only {share:.0%} of the outputs were compared with the float result, not {least:.0%}"
    proven = _PROVEN[variant][family] * compared if variant in _PROVEN else 0
    assert chosen >= proven, f"{chosen} of {compared} models got a kernel for {variant}: too few to prove much"


def _accepted(tflm: ReferenceWorker, family: str, index: int) -> tuple[Case, Arrays]:
    """A case that TFLM runs, and its outputs: draws another model where TFLM refuses one."""
    for draw in count():
        case = make_case(family, index, draw, seed=SEED)
        try:
            return case, tflm.run(case.content, case.inputs)
        except InterpreterError as exc:
            # A refusal is a range that TFLM states; a crash is an entry of docs/exceptions.md, none of which is drawn.
            assert "crashed" not in str(exc), f"conformance.cases.{case.name}: {exc}"
            assert draw < 20, f"conformance.cases.{case.name}: TFLM refused 20 models in a row: {exc}"
    raise AssertionError


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


def _meaning(case: Case, found: Arrays) -> tuple[list[str], int]:
    """Outputs against the float result, and how many of them (per sample) could be compared."""
    graph = parse_tflite(case.content)
    lines, checked = [], 0
    memory: Memory = {}
    for sample in range(len(case.inputs[0])):
        wants = meanings(graph, [x[sample] for x in case.inputs], memory)
        for number, tensor in enumerate(graph.outputs):
            want = wants.get(tensor)
            if want is None:
                continue
            checked += 1
            values = found[number][sample].reshape(want.value.shape)
            wrong = want.violations(values)
            if wrong.any():
                at = tuple(int(i) for i in np.argwhere(wrong)[0])
                lines.append(
                    f"conformance.cases.{case.name}: {_shown(case)}: output {number}, sample {sample}, at {at}: "
                    f"{values[at]}, the float result is {want.value[at]:.3f}"
                )
    return lines, checked


def _shown(case: Case) -> str:
    graph = parse_tflite(case.content)
    op = graph.ops[0]
    shapes = [graph.tensors[i].shape for i in (*op.inputs, *op.outputs) if i >= 0]
    return f"{op.name} {dict(op.options)} {shapes}"
