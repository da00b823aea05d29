"""Which ops XNNPACK runs: from LiteRT's own partitions, on models with ops that it is known to leave."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from mobile_builds import Built
from tflite_builder import ModelBuilder

from edgeq.errors import InterpreterError
from edgeq.mobile.bench import LEAST_RUNS, examine, this_host, time_all
from edgeq.mobile.checks import placement_check, placement_findings
from edgeq.mobile.placement import inside, place, taken, types_of
from edgeq.model.flatbuffer import parse_tflite
from edgeq.records import VariantKind, VariantRow

pytestmark = pytest.mark.xdist_group("mobile")


def chain(dtype: str, *middle: str) -> bytes:
    """ADD, the unary ops, ADD, on 4×4×8 values."""
    scale: dict[str, Any] = {} if dtype == "float32" else {"scale": 0.1}
    model = ModelBuilder()
    x = first = model.tensor("x", (1, 4, 4, 8), dtype, **scale)
    names = ["ADD", *middle, "ADD"]
    for i, name in enumerate(names):
        y = model.tensor(f"y{i}", (1, 4, 4, 8), dtype, **scale)
        model.op(name, [x, x] if name == "ADD" else [x], [y], version=2 if dtype == "int16" and name == "ADD" else 1)
        x = y
    return model.finish([first], [x])


def partitions(content: bytes, **options: Any) -> list[tuple[frozenset[int], frozenset[int]]]:
    interpreter = Interpreter(model_content=content, num_threads=1, **options)
    interpreter.allocate_tensors()
    nodes = interpreter._get_ops_details()
    return [
        (frozenset(map(int, n["inputs"])), frozenset(map(int, n["outputs"])))
        for n in nodes
        if n["op_name"] == "DELEGATE"
    ]


@pytest.mark.parametrize(
    ("dtype", "middle", "fallen"),
    [
        ("float32", ("TANH", "ABS"), []),
        ("float32", ("SIN", "TANH"), []),
        ("float32", ("ROUND", "ABS"), []),
        ("float32", ("ABS", "ROUND"), []),
        ("float32", ("LOG_SOFTMAX",), [1]),
        ("int8", (), []),
        ("int8", ("TANH",), []),
        ("int8", ("RELU",), [1]),
        ("int16", ("ABS",), [0, 1, 2]),
    ],
)
def test_ops_off_xnnpack_are_found(dtype: str, middle: tuple[str, ...], fallen: list[int]) -> None:
    """Against LiteRT without fusion, where each op that XNNPACK takes is a partition of its own."""
    content = chain(dtype, *middle)
    graph = parse_tflite(content)
    placed = place(graph, partitions(content), {})
    alone = partitions(content, experimental_disable_delegate_node_fusion=True)
    outputs = {tensor for _, out in alone for tensor in out}
    assert [op.index for op in graph.ops if not set(op.outputs) & outputs] == [
        int(op.label.split()[0]) for op in placed.fallen
    ]
    assert [int(op.label.split()[0]) for op in placed.fallen] == fallen
    assert placed.ops == len(graph.ops)


def test_the_reason_is_what_other_variants_show() -> None:
    models = {dtype: parse_tflite(chain(dtype, "ABS")) for dtype in ("float32", "int16")}
    cuts = {dtype: partitions(chain(dtype, "ABS")) for dtype in models}
    known = taken((models[d], cuts[d]) for d in models)
    reasons = [op.reason for op in place(models["int16"], cuts["int16"], known).fallen]
    assert reasons[1] == "by its types, int16 → int16: XNNPACK took float32 → float32"
    alone = place(models["int16"], cuts["int16"], taken([(models["int16"], cuts["int16"])]))
    assert alone.fallen[1].reason == "with int16 → int16: XNNPACK took none in any variant of this model"


def test_a_partition_ends_where_its_inputs_are() -> None:
    graph = parse_tflite(chain("float32", "ABS", "TANH"))
    x, y0, y1, y2, _ = range(5)
    assert inside(graph, [(frozenset({x}), frozenset({y0})), (frozenset({y1}), frozenset({y2}))]) == {0, 2}
    assert inside(graph, [(frozenset({x}), frozenset({y2}))]) == {0, 1, 2}
    assert inside(graph, []) == frozenset()


def test_types() -> None:
    graph = parse_tflite(chain("int16", "ABS"))
    assert [types_of(graph, op) for op in graph.ops] == ["int16 → int16"] * 3


def test_memory_time_and_host() -> None:
    content = chain("float32", "TANH")
    graph, inputs = parse_tflite(content), [np.zeros((2, 4, 4, 8), np.float32)]
    examined = examine(content, graph, inputs, threads=1, what="the model")
    assert examined.memory_bytes is not None
    assert 0 <= examined.memory_bytes < 8 << 20
    assert len(examined.delegates) == 1
    one, two = time_all([(content, graph, inputs)] * 2, threads=2, runs=50, seconds=0.0)
    assert one.runs == two.runs == LEAST_RUNS
    assert 0 < one.median_ms <= one.p90_ms <= one.p99_ms
    host = this_host(2)
    assert host.threads == 2
    assert host.interpreter.startswith("ai-edge-litert ")


def test_memory_grows_with_the_model() -> None:
    """8 MB of weights are 8 MB more, wherever they come from: the file's pages, or XNNPACK's packed copy."""
    model = ModelBuilder()
    x = model.tensor("x", (1, 1000), "float32")
    w = model.tensor("w", (2000, 1000), "float32", data=np.ones((2000, 1000), np.float32))
    y = model.tensor("y", (1, 2000), "float32")
    model.op("FULLY_CONNECTED", [x, w, -1], [y])
    content = model.finish([x], [y])
    found = examine(content, parse_tflite(content), [np.ones((1, 1000), np.float32)], threads=1, what="the model")
    assert found.memory_bytes is not None
    assert 8_000_000 <= found.memory_bytes <= 20_000_000


def test_a_model_that_litert_refuses() -> None:
    content = _custom()
    graph = parse_tflite(content)
    with pytest.raises(InterpreterError, match=r"LiteRT refused the int8 variant: .*Nobody"):
        examine(content, graph, [np.zeros((1, 4), np.int8)], threads=1, what="the int8 variant")


def _custom() -> bytes:
    model = ModelBuilder()
    x, y = (model.tensor(name, (1, 4), "int8", scale=0.1) for name in "xy")
    model.op("CUSTOM:Nobody", [x], [y])
    return model.finish([x], [y])


def test_the_check_names_what_is_left(demo: Built) -> None:
    rows = rows_of(demo)
    (check,) = placement_check(rows[VariantKind.INT8], 0.0)
    assert check.passed
    assert check.message.startswith("1 of 9 ops are off XNNPACK (0.0 % of the MACs): 1 SOFTMAX, by its types")
    (whole,) = placement_check(rows[VariantKind.FLOAT32], 0.0)
    assert (whole.passed, whole.message) == (True, "all 9 ops run in XNNPACK; 0.0 % of the MACs allowed")
    (none,) = placement_check(rows[VariantKind.INT16X8], 0.5)
    assert not none.passed
    assert none.message.startswith("none of its 9 ops runs in XNNPACK")
    assert none.message.endswith("; 50.0 % of the MACs allowed")


def test_much_off_xnnpack_is_a_remark_where_nobody_asked(demo: Built) -> None:
    rows = rows_of(demo)
    assert not placement_check(rows[VariantKind.INT16X8], None)
    assert not placement_findings(rows[VariantKind.INT8])
    (finding,) = placement_findings(rows[VariantKind.INT16X8])
    assert (finding.rule, finding.where) == ("xnnpack", "16x8")
    assert finding.message.startswith("none of its 9 ops runs in XNNPACK")


def rows_of(built: Built) -> dict[VariantKind, VariantRow]:
    assert built.report.variants is not None
    return {row.kind: row for row in built.report.variants.rows}
