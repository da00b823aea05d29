"""Graph to Program: what is computed, what vanishes, who lives where, and what is refused."""

from __future__ import annotations

import dataclasses
import itertools
import types

import numpy as np
import pytest
from projects import small_model, tiny_model
from tflite_builder import ModelBuilder

from edgeq.errors import ModelError, UnsupportedError
from edgeq.lower.lower import lower
from edgeq.lower.names import Pass
from edgeq.lower.program import Constant, Program, constants_of
from edgeq.lower.trace import trace_points
from edgeq.model.flatbuffer import parse_tflite


def program_of(content: bytes) -> Program:
    return lower(parse_tflite(content))


def check_memory(program: Program) -> None:
    """Every value is where nothing else is alive, or shares its place for a reason."""
    aliases = {v.tensor for v in program.vanished}
    places = [(f"tensor {t}", p) for t, p in program.placements.items() if t not in aliases]
    places += [(f"scratch {c}", p) for c, p in program.scratch.items()]
    in_place = {
        frozenset({f"tensor {source}", f"tensor {call.outputs[0]}"})
        for call in program.calls
        for source in (call.inputs[i] for i in call.in_place)
        if isinstance(source, int)
    }
    for (a, p), (b, q) in itertools.combinations(places, 2):
        together = p.first <= q.last and q.first <= p.last
        if together and p.offset < q.offset + q.nbytes and q.offset < p.offset + p.nbytes:
            assert frozenset({a, b}) in in_place, f"{a} and {b} overlap"
            assert p.offset == q.offset
            assert min(p.last, q.last) == max(p.first, q.first)
    for _, p in places:
        assert p.offset >= 0
        assert p.offset + p.nbytes <= program.arena_bytes
    for tensor in program.inputs:
        assert program.placements[tensor.index].first == -1
    for tensor in program.outputs:
        assert program.placements[tensor.index].last == len(program.calls)
    assert program.liveness_bound <= program.arena_bytes


def test_small_model() -> None:
    program = program_of(small_model())
    assert [c.kernel for c in program.calls] == [
        "edgeq_conv_2d_int8",
        "edgeq_concatenation_int8",
        "edgeq_max_pool_2d_int8",
        "edgeq_fully_connected_int8",
        "edgeq_softmax_int8",
    ]
    assert program.macs == 6 * 6 * 3 * 3 * 3 * 2 + 4 * 54
    reasons = {v.tensor: v.reason for v in program.vanished}
    names = {t.name: t.index for t in parse_tflite(small_model()).tensors}
    assert set(reasons) == {names["unused"], names["flat"]}
    assert "unused" in reasons[names["unused"]]
    check_memory(program)
    flat, pooled = program.placements[names["flat"]], program.placements[names["pooled"]]
    assert (flat.offset, flat.first, flat.last) == (pooled.offset, pooled.first, len(program.calls))
    assert [(p.point, p.call) for p in trace_points(program)] == [(i, i) for i in range(5)]


def test_deterministic() -> None:
    assert (
        dataclasses.asdict(program_of(small_model()))["placements"]
        == dataclasses.asdict(program_of(small_model()))["placements"]
    )


def test_the_zoo_is_planned_without_waste(zoo: types.ModuleType) -> None:
    for name in zoo.ZOO:
        program = program_of(zoo.zoo_tflite(name))
        check_memory(program)
        assert program.arena_bytes <= 1.02 * program.liveness_bound + 64, name


def test_untraced_calls_have_no_trace_point() -> None:
    program = program_of(small_model())
    calls = tuple(dataclasses.replace(c, traced=i != 1) for i, c in enumerate(program.calls))
    points = trace_points(dataclasses.replace(program, calls=calls))
    assert [(p.point, p.call) for p in points] == [(0, 0), (1, 2), (2, 3), (3, 4)]


def relu_model(outputs: str) -> bytes:
    m = ModelBuilder()
    x = m.tensor("x", (1, 4), scale=0.5)
    y = m.tensor("y", (1, 4), scale=0.5)
    m.op("RELU", [x], [y])
    reshaped = m.tensor("reshaped x", (4,), scale=0.5)
    m.op("RESHAPE", [x, m.tensor("shape", (1,), "int32", data=np.array([4]))], [reshaped], new_shape=(4,))
    constant = m.tensor("constant", (1, 4), data=np.zeros((1, 4)), scale=0.5)
    again = m.tensor("constant again", (4,), scale=0.5)
    m.op("RESHAPE", [constant, 3], [again], new_shape=(4,))
    named = {"x": x, "y": y, "r": reshaped, "c": constant, "a": again}
    return m.finish([x], [named[o] for o in outputs])


@pytest.mark.parametrize("outputs", ["y", "yy", "x", "r", "xr", "yrx"])
def test_outputs_that_share_memory_with_inputs_or_each_other(outputs: str) -> None:
    program = program_of(relu_model(outputs))
    assert len(program.outputs) == len(outputs)
    check_memory(program)
    x = program.placements[program.inputs[0].index]
    for letter, tensor in zip(outputs, program.outputs, strict=True):
        assert (program.placements[tensor.index].offset == x.offset) or letter == "y"
    if set(outputs) & set("xr") and "y" in outputs:
        assert program.placements[program.outputs[outputs.index("y")].index].offset != x.offset


@pytest.mark.parametrize(("outputs", "name"), [("c", "constant"), ("ya", "constant again")])
def test_a_constant_output_is_refused_by_name(outputs: str, name: str) -> None:
    with pytest.raises(UnsupportedError, match=f'"{name}" is a constant'):
        program_of(relu_model(outputs))


def test_a_reshaped_constant_is_folded() -> None:
    m = ModelBuilder()
    x = m.tensor("x", (1, 4), scale=0.5)
    constant = m.tensor("constant", (4,), data=np.arange(4), scale=0.5)
    reshaped = m.tensor("reshaped", (1, 4), scale=0.5)
    flat = m.tensor("flat", (4,), scale=0.5)
    m.op("RESHAPE", [constant, m.tensor("f", (1,), "int32", data=np.array([4]))], [flat], new_shape=(4,))
    m.op("RESHAPE", [flat, m.tensor("s", (2,), "int32", data=np.array([1, 4]))], [reshaped], new_shape=(1, 4))
    y = m.tensor("y", (1, 4), scale=1.0)
    m.op("ADD", [x, reshaped], [y], fused_activation_function="NONE")
    program = program_of(m.finish([x], [y]))
    assert len(program.calls) == 1
    (found,) = [c for c in program.calls[0].inputs if isinstance(c, Constant)]
    assert found.data.tolist() == [[0, 1, 2, 3]]
    assert [v.reason for v in program.vanished] == ["constant: computed before the program runs"] * 2


@pytest.mark.parametrize("passes", [tuple(Pass), ()])
def test_an_op_on_constants_alone_is_computed_on_the_host_or_at_run_time(passes: tuple[Pass, ...]) -> None:
    m = ModelBuilder()
    x = m.tensor("x", (1, 4), scale=0.5)
    c = m.tensor("c", (1, 4), data=np.array([-3, -1, 0, 2]), scale=0.5)
    d = m.tensor("d", (1, 4), scale=0.5)
    m.op("RELU", [c], [d])
    y = m.tensor("y", (1, 4), scale=1.0)
    m.op("ADD", [x, d], [y], fused_activation_function="NONE")
    program = lower(parse_tflite(m.finish([x], [y])), passes=passes)
    assert [call.kernel for call in program.calls] == (
        ["edgeq_add_int8"] if passes else ["edgeq_table_int8", "edgeq_add_int8"]
    )
    constants = [i.data.tolist() for call in program.calls for i in call.inputs if isinstance(i, Constant)]
    assert constants == ([[[0, 0, 0, 2]]] if passes else [[[-3, -1, 0, 2]]])


def test_an_unknown_op_is_refused_by_name_and_place() -> None:
    m = ModelBuilder()
    x = m.tensor("x", (1, 4), scale=0.5)
    y = m.tensor("y", (1, 4), scale=0.5)
    m.op("CUSTOM:Fancy", [x], [y])
    with pytest.raises(UnsupportedError, match=r'CUSTOM:Fancy \(op 0, output "y"\)') as caught:
        program_of(m.finish([x], [y]))
    assert "CONV_2D" in str(caught.value.hint)


def test_an_unknown_op_that_nothing_needs_is_dropped() -> None:
    m = ModelBuilder()
    x = m.tensor("x", (1, 4), scale=0.5)
    y = m.tensor("y", (1, 4), scale=0.5)
    m.op("CUSTOM:Fancy", [x], [m.tensor("z", (1, 4), scale=0.5)])
    m.op("RELU", [x], [y])
    assert len(program_of(m.finish([x], [y])).calls) == 1


def test_an_unused_input_has_a_place() -> None:
    m = ModelBuilder()
    x = m.tensor("x", (1, 4), scale=0.5)
    spare = m.tensor("spare", (1, 40), scale=0.5)
    y = m.tensor("y", (1, 4), scale=0.5)
    m.op("RELU", [x], [y])
    program = program_of(m.finish([x, spare], [y]))
    check_memory(program)
    assert program.placements[spare].nbytes == 40


def test_the_buffer_of_a_dying_input_is_taken_over() -> None:
    m = ModelBuilder()
    t = [m.tensor(f"t{i}", (1, 100), scale=0.5 / (i + 1)) for i in range(4)]
    for a, b in itertools.pairwise(t):
        m.op("RELU", [a], [b])
    program = program_of(m.finish([t[0]], [t[3]]))
    check_memory(program)
    assert program.arena_bytes == 100


def test_a_model_without_outputs_is_refused() -> None:
    graph = parse_tflite(relu_model("y"))
    with pytest.raises(ModelError, match="0 outputs"):
        lower(dataclasses.replace(graph, outputs=()))


def _counting(first: int | None) -> bytes:
    """y = x + what the inference before gave; a second variable is only written."""
    m = ModelBuilder()
    if first is not None:
        m.call_once({"sum": (np.array([[first] * 4], np.int8), {"scale": 0.1})})
    x = m.tensor("x", (1, 4), scale=0.1)
    old, y = (m.tensor(name, (1, 4), scale=0.1, zero_point=3) for name in ("old", "y"))
    m.op("READ_VARIABLE", [m.variable("sum")], [old])
    m.op("ADD", [x, old], [y])
    m.op("ASSIGN_VARIABLE", [m.variable("sum"), y], [])
    m.op("ASSIGN_VARIABLE", [m.variable("unused"), x], [])
    return m.finish([x], [y])


@pytest.mark.parametrize("first", [None, 7])
def test_a_variable_has_bytes_of_its_own_and_a_first_value(first: int | None) -> None:
    program = program_of(_counting(first))
    assert [call.kernel for call in program.calls] == ["edgeq_copy", "edgeq_add_int8", "edgeq_copy"]
    (state,) = program.states
    assert program.calls[0].inputs == program.calls[2].outputs == (state.tensor,)
    assert state.fill == 3
    assert (state.initial.data.tolist() if state.initial is not None else None) == (
        None if first is None else [[7] * 4]
    )
    mine = program.placements[state.tensor]
    assert (mine.first, mine.last) == (-1, len(program.calls))
    for tensor, place in program.placements.items():
        if tensor != state.tensor:
            assert place.offset + place.nbytes <= mine.offset or mine.offset + mine.nbytes <= place.offset


def test_constants_are_listed_once() -> None:
    program = program_of(tiny_model(1))
    names = [c.name for c in program.constants]
    assert len(set(names)) == len(names)
    assert set(names) == {c.name for call in program.calls for c in constants_of(call)}


def test_the_reason_of_a_view_fits_a_cell() -> None:
    name = ";".join(f"model/block_{i}/conv/Relu" for i in range(40)) + "/end"
    m = ModelBuilder()
    x, y, z = m.tensor("x", (1, 4), scale=0.1), m.tensor(name, (1, 4), scale=0.1), m.tensor("z", (1, 2, 2), scale=0.1)
    shape = m.tensor("shape", (3,), "int32", data=np.array([1, 2, 2]))
    m.op("RELU", [x], [y])
    m.op("RESHAPE", [y, shape], [z], new_shape=[1, 2, 2])
    (view,) = program_of(m.finish([x], [z])).vanished
    assert view.reason == 'no code (a view of "model/block_…nv/Relu/end")'
