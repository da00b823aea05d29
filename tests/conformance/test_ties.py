"""Scales whose ratios are short fractions: many products then lie just beside a rounding tie, where the last bit of a
multiplier shows. Random scales hardly ever get there."""

from __future__ import annotations

import math
import random
from pathlib import Path

import numpy as np
from conformance.cases import unary_model
from conformance.native import Batch, Model
from conformance.settings import SEED
from tflite_builder import ModelBuilder

from edgeq.errors import UnsupportedError
from edgeq.lower.lower import lower
from edgeq.model.flatbuffer import parse_tflite
from edgeq.records import Reference
from edgeq.reference import ReferenceWorker

MODELS = 25
EVERY = np.arange(-128, 128, dtype=np.int8)


def _ratio(rng: random.Random) -> float:
    return rng.randrange(1, 24, 2) / rng.choice([2, 4, 8, 16])


def _unary(rng: random.Random, op: str, **options: float) -> bytes:
    made = rng.uniform(0.001, 0.2)
    given = (made * _ratio(rng), rng.randint(-128, 127))
    return unary_model(op, given, (made, rng.randint(-128, 127)), **options)


def _rsqrt(rng: random.Random) -> bytes:
    """The kernel has 1/√x in steps of 2^-20, rounds its product with a 31-bit multiplier, then shifts that right and
    rounds again: an output scale for which the first rounding is a tie that turns the second."""
    given = rng.uniform(0.001, 0.1)
    root = round(2**20 / rng.randint(60, 255) ** 0.5) / 2**20
    result = rng.randint(5, 100) + 0.5
    shift = math.frexp(result / root)[1]
    made = root / ((result - 2.0 ** (shift - 21)) * given**0.5)
    return unary_model("RSQRT", (given, -128), (made, -128))  # TFLM stops at inputs below the zero point: none here


def _dense(rng: random.Random) -> bytes:
    made, given = rng.uniform(0.001, 0.2), rng.uniform(0.001, 0.2)
    model = ModelBuilder()
    x = model.tensor("x", (1, 1), scale=given, zero_point=rng.randint(-10, 10))
    w = model.tensor("w", (1, 1), data=np.array([[1]], np.int8), scale=made * _ratio(rng) / given)
    y = model.tensor("y", (1, 1), scale=made, zero_point=rng.randint(-20, 20))
    model.op("FULLY_CONNECTED", [x, w, -1], [y])
    return model.finish([x], [y])


def _binary(rng: random.Random, op: str) -> bytes:
    made = rng.uniform(0.001, 0.2)
    model = ModelBuilder()
    x = model.tensor("x", (1, 1), scale=made * _ratio(rng) / 8, zero_point=rng.randint(-128, 127))
    c = model.tensor("c", (1, 1), data=np.array([[rng.randint(-128, 127)]], np.int8), scale=made * _ratio(rng) / 8)
    y = model.tensor("y", (1, 1), scale=made, zero_point=rng.randint(-20, 20))
    model.op(op, [x, c], [y])
    return model.finish([x], [y])


def test_the_last_bit_of_multipliers(gcc: str, tmp_path: Path) -> None:
    rng = random.Random(SEED)  # noqa: S311
    makers = {
        "RELU": lambda: _unary(rng, "RELU"),
        "LEAKY_RELU": lambda: _unary(rng, "LEAKY_RELU", alpha=rng.choice([0.1, 0.25, 0.3])),
        "ABS": lambda: _unary(rng, "ABS"),
        "QUANTIZE": lambda: _unary(rng, "QUANTIZE"),
        "HARD_SWISH": lambda: _unary(rng, "HARD_SWISH"),
        "RSQRT": lambda: _rsqrt(rng),
        "FULLY_CONNECTED": lambda: _dense(rng),
        "ADD": lambda: _binary(rng, "ADD"),
        "SUB": lambda: _binary(rng, "SUB"),
        "MUL": lambda: _binary(rng, "MUL"),
    }
    contents: list[tuple[str, bytes]] = []
    for family, make in makers.items():
        found = 0
        while found < MODELS:
            content = make()
            try:
                lower(parse_tflite(content))
            except UnsupportedError:
                continue  # outside of what TFLM accepts
            contents.append((family, content))
            found += 1
    batch = Batch([Model(name=f"m{i}", content=c) for i, (_, c) in enumerate(contents)], tmp_path)
    graphs = [parse_tflite(c) for _, c in contents]
    inputs = [EVERY.reshape(256 // g.input_tensors[0].elements, *g.input_tensors[0].shape) for g in graphs]
    answers = batch.run([(i, [x]) for i, x in enumerate(inputs)])
    wrong: dict[str, int] = {}
    with ReferenceWorker(Reference.TFLM) as tflm:
        for (family, content), x, outputs in zip(contents, inputs, answers, strict=True):
            (expected,) = tflm.run(content, [x])
            different = outputs[0].reshape(-1) != expected.reshape(-1)
            wrong[family] = wrong.get(family, 0) + int(np.count_nonzero(different))
    assert not any(wrong.values()), f"outputs that differ from TFLM: {wrong} (EDGEQ_SEED={SEED})"
