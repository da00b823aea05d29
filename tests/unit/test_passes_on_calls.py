"""What passes on calls merge, and what they must leave alone; the calls themselves, not their results."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from tflite_builder import ModelBuilder

from edgeq.errors import UnsupportedError
from edgeq.lower.lower import lower
from edgeq.lower.names import Pass
from edgeq.lower.passes import IN_CHOICE, ON_CALLS, ON_GRAPH
from edgeq.lower.program import Constant, Program
from edgeq.lower.savings import with_savings
from edgeq.model.flatbuffer import parse_tflite

_SCALE = 0.05


def _program(ops: Sequence[str], *, outputs: Sequence[int] = (-1,), passes: Sequence[Pass] = tuple(Pass)) -> Program:
    """Ops of one input one behind the other on (1, 4, 4, 3); `outputs` are positions among what they give."""
    model = ModelBuilder()
    x = at = model.tensor("x", (1, 4, 4, 3), scale=_SCALE, zero_point=-5)
    made = []
    for i, op in enumerate(ops):
        fixed = {"LOGISTIC": (1 / 256, -128), "TANH": (1 / 128, 0)}.get(op, (_SCALE, -5))
        shape = (1, 48) if "RESHAPE" in ops[: i + 1] else (1, 4, 4, 3)
        y = model.tensor(f"y{i}", shape, scale=fixed[0], zero_point=fixed[1])
        options, constants = {}, []
        if op == "CONV_2D":
            options = dict.fromkeys(("stride_h", "stride_w", "dilation_h_factor", "dilation_w_factor"), 1)
            options |= {"padding": "SAME", "fused_activation_function": "NONE"}
            weights = np.random.default_rng(1).integers(-127, 128, (3, 1, 1, 3)).astype(np.int8)
            constants = [model.tensor(f"w{i}", weights.shape, data=weights, scale=[0.01] * 3, axis=0)]
        model.op(op, [at, *constants], [y], **options)
        made.append(y)
        at = y
    return lower(parse_tflite(model.finish([x], [made[i] for i in outputs])), passes=passes)


def _kernels(program: Program) -> list[str]:
    return [call.kernel.removeprefix("edgeq_").removesuffix("_int8") for call in program.calls]


def _count(program: Program, name: Pass) -> int:
    return sum(saving.count for saving in program.saved if saving.name is name)


def test_every_pass_has_one_place() -> None:
    assert [*ON_GRAPH, *ON_CALLS, *IN_CHOICE] == list(Pass)
    assert all(p.about for p in Pass)


def test_a_chain_of_tables_is_one() -> None:
    program = _program(["TANH", "QUANTIZE", "RESHAPE", "RELU"])
    (call,) = program.calls
    assert call.source_ops == (3, 1, 0)
    assert _count(program, Pass.MERGE_TABLES) == 2
    table = call.params["table"]
    parts = [
        c.params["table"]
        for c in _program(["TANH", "QUANTIZE", "RESHAPE", "RELU"], passes=()).calls
        if c.source == "table.c"
    ]
    assert isinstance(table, Constant)
    for x in (-128, -6, -5, 0, 90, 127):
        value = x
        for part in parts:
            assert isinstance(part, Constant)
            value = int(part.data[value & 255])
        assert int(table.data[x & 255]) == value
    assert {v.reason for v in program.vanished} >= {f"fused into {call.label}"}


def test_a_value_between_tables_that_is_an_output_stays() -> None:
    assert _kernels(_program(["TANH", "QUANTIZE"], outputs=(0, 1))) == ["table", "table"]


@pytest.mark.parametrize("extra", [False, True])
def test_an_operator_on_a_value_and_its_function_is_a_table(extra: bool) -> None:
    """x · sigmoid(x), and twice in a row; what else reads a sigmoid still gets it."""
    model = ModelBuilder()
    x = at = model.tensor("x", (1, 4, 4, 3), scale=_SCALE, zero_point=-5)
    gates = []
    for i in range(2):
        gates.append(model.tensor(f"g{i}", (1, 4, 4, 3), scale=1 / 256, zero_point=-128))
        model.op("LOGISTIC", [at], [gates[i]])
        y = model.tensor(f"y{i}", (1, 4, 4, 3), scale=_SCALE, zero_point=-5)
        model.op("MUL", [gates[i], at], [y], fused_activation_function="NONE")
        at = y
    graph = parse_tflite(model.finish([x], [at, gates[0]] if extra else [at]))
    program = lower(graph)
    assert [sorted(call.source_ops) for call in program.calls] == ([[0], [1, 2, 3]] if extra else [[0, 1, 2, 3]])
    assert _kernels(program) == ["table"] * len(program.calls) and _count(program, Pass.FUSE_ARITHMETIC) == 2
    without = lower(graph, passes=[p for p in Pass if p is not Pass.FUSE_ARITHMETIC])
    assert _kernels(without) == ["table", "mul", "table", "mul"]
    assert len(program.vanished) == (2 if extra else 3)


def test_a_function_of_a_variable_is_not_taken_later() -> None:
    """Between its table and the product, another value may have been assigned to it."""
    model = ModelBuilder()
    x = model.tensor("x", (1, 3), scale=_SCALE, zero_point=0)
    state = model.tensor("state", (1, 3), scale=_SCALE, zero_point=0, variable=True)
    s, y = (
        model.tensor("s", (1, 3), scale=1 / 256, zero_point=-128),
        model.tensor("y", (1, 3), scale=_SCALE, zero_point=0),
    )
    model.op("LOGISTIC", [state], [s])
    model.op("MUL", [s, state], [y], fused_activation_function="NONE")
    z = model.tensor("z", (1, 3), scale=_SCALE, zero_point=0)
    model.op("ADD", [y, x], [z], fused_activation_function="NONE")
    program = lower(parse_tflite(model.finish([x], [z])))
    assert _count(program, Pass.FUSE_ARITHMETIC) == 0


def test_an_activation_becomes_limits() -> None:
    program = _program(["CONV_2D", "RELU6"])
    (call,) = program.calls
    assert (call.params["activation_min"], call.params["activation_max"]) == (-5, 115)
    assert call.source_ops == (0, 1) and call.label.startswith("0 CONV_2D")
    assert _kernels(_program(["CONV_2D", "RELU6"], passes=())) == ["conv_2d", "table"]


@pytest.mark.parametrize("ops", [["CONV_2D", "TANH"], ["CONV_2D", "ABS"]])
def test_a_table_that_does_more_than_clamp_stays(ops: list[str]) -> None:
    assert _kernels(_program(ops)) == ["conv_2d", "table"]


def test_an_activation_of_a_value_that_is_an_output_too_stays() -> None:
    assert _kernels(_program(["CONV_2D", "RELU"], outputs=(0, 1))) == ["conv_2d", "table"]


def test_a_reshape_is_a_copy_without_its_pass() -> None:
    program = _program(["RELU", "RESHAPE", "ABS"], passes=[p for p in Pass if p is not Pass.FREE_RESHAPES])
    assert [call.kernel for call in program.calls] == ["edgeq_table_int8", "edgeq_copy", "edgeq_table_int8"]
    assert program.calls[1].params["run"] == 48 and program.calls[1].label == "1 RESHAPE 48"


def test_what_is_saved_is_the_difference() -> None:
    ops = ["RELU", "RESHAPE", "ABS", "LOGISTIC"]
    program = _program(ops)

    def without(name: Pass) -> Program:
        if name is Pass.IN_PLACE:
            raise UnsupportedError("not without it")
        return _program(ops, passes=[p for p in Pass if p is not name])

    saved = {s.name: s for s in with_savings(program, without).saved}
    assert set(saved) == {Pass.FREE_RESHAPES, Pass.MERGE_TABLES, Pass.IN_PLACE}
    merged, in_place = saved[Pass.MERGE_TABLES], saved[Pass.IN_PLACE]
    assert merged.flash_bytes == 2 * 256 and merged.cycles == 2 * 13 * 48
    assert (in_place.flash_bytes, in_place.arena_bytes, in_place.cycles) == (None, None, None)
