"""What a model is made of: ops, shapes, scales, multiply-accumulates, parameters, memory."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgeq.model.graph import Graph, Op, Tensor
from edgeq.model.roles import Role, inputs_by_role

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorRow:
    """One tensor. `scales` and `zero_points` are empty where it is not quantized."""

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]
    axis: int | None
    nbytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpRow:
    """One op. `inputs` are its activations, `constants` its weights, biases and constant operands.

    `macs` counts multiply-accumulates of one inference, `parameters` the elements of `constants`, `activation_bytes`
    the tensors that are alive while it runs.
    """

    index: int
    name: str
    version: int
    inputs: tuple[TensorRow, ...]
    constants: tuple[TensorRow, ...]
    outputs: tuple[TensorRow, ...]
    macs: int
    parameters: int
    weights_bytes: int
    activation_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSummary:
    """A whole model. `ops` counts ops by kind, most frequent first; `shape_ops` how many more only compute shapes.

    `parameters` and `weights_bytes` count each constant once, however many ops share it; shapes, axes and paddings are
    no parameters. `peak_activation_bytes` is the largest sum of tensors alive at one time when the ops run in the
    file's order, each tensor in memory of its own: what an arena needs without in-place tricks and scratch buffers.
    """

    sha256: str
    size: int
    inputs: tuple[TensorRow, ...]
    outputs: tuple[TensorRow, ...]
    ops: Mapping[str, int]
    rows: tuple[OpRow, ...]
    macs: int
    parameters: int
    weights_bytes: int
    peak_activation_bytes: int
    shape_ops: int = 0


def count_macs(graph: Graph, op: Op) -> int:
    """Multiply-accumulates of one op in one inference.

    Counted as MLPerf Tiny and the literature do (for example MobileNets, arXiv:1704.04861, section 3.1): one per
    weight and output element that it contributes to, padding included, bias and requantization not. CONV_2D:
    out_h · out_w · out_c · k_h · k_w · in_c (per group); DEPTHWISE_CONV_2D: output elements · k_h · k_w;
    FULLY_CONNECTED: output elements · depth; TRANSPOSE_CONV: input elements · k_h · k_w · out_c; BATCH_MATMUL: output
    elements · inner size; SVDF: filters · (input size + memory); UNIDIRECTIONAL_SEQUENCE_LSTM: 4 · output elements ·
    (input size + units). Ops without weights (pooling, ADD, MUL, MEAN, activations) count 0.
    """
    output = graph.tensors[op.outputs[0]]
    operands = [graph.tensors[i] for i in op.inputs if i >= 0]
    filters = operands[1].shape if len(operands) > 1 else ()
    if op.name == "CONV_2D" and len(filters) == 4:
        return output.elements * math.prod(filters[1:])
    if op.name == "DEPTHWISE_CONV_2D" and len(filters) == 4:
        return output.elements * filters[1] * filters[2]
    if op.name == "FULLY_CONNECTED" and len(filters) == 2:
        return output.elements * filters[1]
    if op.name == "TRANSPOSE_CONV" and len(operands) > 2 and len(filters) == 4:
        return operands[2].elements * filters[0] * filters[1] * filters[2]
    if op.name == "SVDF" and len(operands) > 2 and len(filters) == 2 and output.shape and operands[2].shape:
        return output.shape[0] * filters[0] * (filters[1] + operands[2].shape[-1])
    if op.name == "UNIDIRECTIONAL_SEQUENCE_LSTM" and len(filters) == 2:
        return 4 * output.elements * (filters[1] + filters[0])
    if op.name == "BATCH_MATMUL" and operands and operands[0].shape:
        return output.elements * operands[0].shape[-2 if op.options.get("adj_x") else -1]
    return 0


def summarize(graph: Graph) -> ModelSummary:
    """The summary of a model, quantized or not."""
    alive = _alive_bytes(graph)
    rows = tuple(_op_row(graph, op, alive[i]) for i, op in enumerate(graph.ops))
    counts: dict[str, int] = {}
    for op in graph.ops:
        counts[op.name] = counts.get(op.name, 0) + 1
    constants = {c.index: c for row in rows for c in row.constants}
    return ModelSummary(
        sha256=graph.sha256,
        size=graph.size,
        inputs=tuple(_tensor_row(t) for t in graph.input_tensors),
        outputs=tuple(_tensor_row(t) for t in graph.output_tensors),
        ops=dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
        rows=rows,
        macs=sum(row.macs for row in rows),
        parameters=sum(math.prod(c.shape) for c in constants.values()),
        weights_bytes=sum(c.nbytes for c in constants.values()),
        peak_activation_bytes=max(alive, default=0),
        shape_ops=len(graph.shape_ops),
    )


def _tensor_row(tensor: Tensor) -> TensorRow:
    quantization = tensor.quantization
    return TensorRow(
        index=tensor.index,
        name=tensor.name,
        shape=tensor.shape,
        dtype=tensor.dtype.value,
        scales=quantization.scales if quantization else (),
        zero_points=quantization.zero_points if quantization else (),
        axis=quantization.axis if quantization else None,
        nbytes=tensor.nbytes,
    )


def _op_row(graph: Graph, op: Op, activation_bytes: int) -> OpRow:
    operands = [(role, tensor) for role, tensor in inputs_by_role(graph, op) if role is not Role.INDEX]
    constants = tuple(_tensor_row(tensor) for _, tensor in operands if tensor.data is not None)
    return OpRow(
        index=op.index,
        name=op.name,
        version=op.version,
        inputs=tuple(_tensor_row(tensor) for _, tensor in operands if tensor.data is None),
        constants=constants,
        outputs=tuple(_tensor_row(graph.tensors[i]) for i in op.outputs),
        macs=count_macs(graph, op),
        parameters=sum(math.prod(c.shape) for c in constants),
        weights_bytes=sum(c.nbytes for c in constants),
        activation_bytes=activation_bytes,
    )


def _alive_bytes(graph: Graph) -> list[int]:
    """Per op, the bytes of tensors written before or by it and read by it or later."""
    first: dict[int, int] = dict.fromkeys(graph.inputs, 0)
    last: dict[int, int] = dict.fromkeys(graph.inputs, 0)
    for place, op in enumerate(graph.ops):
        for i in op.outputs:
            first.setdefault(i, place)
            last[i] = place
        for i in op.inputs:
            if i in first:
                last[i] = place
    for i in graph.outputs:
        if i in first:
            last[i] = len(graph.ops)
    changes = [0] * (len(graph.ops) + 2)
    for i, start in first.items():
        changes[start] += graph.tensors[i].nbytes
        changes[last[i] + 1] -= graph.tensors[i].nbytes
    alive, total = [], 0
    for change in changes[: len(graph.ops)]:
        total += change
        alive.append(total)
    return alive


def render_summary(summary: ModelSummary) -> RenderableType:
    """The summary for a rich console: a line of totals and a table of ops."""
    from rich.console import Group
    from rich.text import Text

    from edgeq.terminal import FirstThatFits

    by_width = ((), ("inputs",), ("inputs", "type"), ("inputs", "type", "parameters"))
    narrowest = ("inputs", "type", "parameters", "scale", "zero")
    table = FirstThatFits(tuple(_op_table(summary.rows, without) for without in (*by_width, narrowest)))
    totals = Text(
        f"{len(summary.rows)} ops, {summary.macs:,} MACs, {summary.parameters:,} parameters in "
        f"{summary.weights_bytes:,} B, activations {summary.peak_activation_bytes:,} B at the peak, "
        f"file {summary.size:,} B\nsha256 {summary.sha256}\n"
    )
    edges = Text()
    for kind, tensors in (("input ", summary.inputs), ("output", summary.outputs)):
        for t in tensors:
            scale = f", scale {t.scales[0]:.9g}, zero point {t.zero_points[0]}" if t.scales else ""
            edges.append(f'{kind} "{t.name}" {_shape(t.shape)} {t.dtype}{scale}\n')
    kinds = Text(", ".join(f"{count} {name}" for name, count in summary.ops.items()) + "\n")
    if summary.shape_ops:
        kinds.append(f"{summary.shape_ops} more compute shapes that never change: the engine has these as constants\n")
    return Group(totals, edges, kinds, table)


def _op_table(rows: Sequence[OpRow], without: Collection[str]) -> Table:
    """One row per op; `without` are titles of columns to leave out."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    cells: dict[str, list[str]] = {
        "#": [str(row.index) for row in rows],
        "op": [row.name for row in rows],
        "inputs": ["  ".join(_shape(t.shape) for t in row.inputs) for row in rows],
        "output": [_shape(row.outputs[0].shape) for row in rows],
        "type": [row.outputs[0].dtype for row in rows],
        "scale": [f"{row.outputs[0].scales[0]:.5g}" if row.outputs[0].scales else "–" for row in rows],
        "zero": [str(row.outputs[0].zero_points[0]) if row.outputs[0].zero_points else "–" for row in rows],
        "MACs": [f"{row.macs:,}" if row.macs else "–" for row in rows],
        "parameters": [f"{row.parameters:,}" if row.parameters else "–" for row in rows],
        "alive B": [f"{row.activation_bytes:,}" for row in rows],
    }
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1), header_style="bold")
    for title, column in cells.items():
        if title not in without:
            left = title in {"op", "inputs", "output", "type"}
            # An op's name is never cut, however narrow the terminal is.
            least = max(map(len, column), default=0) if title == "op" else None
            table.add_column(title, justify="left" if left else "right", overflow="fold", min_width=least)
    for row in zip(*(column for title, column in cells.items() if title not in without), strict=True):
        table.add_row(*map(Text, row))
    return table


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape)) if shape else "scalar"
