"""UNIDIRECTIONAL_SEQUENCE_LSTM."""

from __future__ import annotations

import math

import numpy as np

from edgeq.lower.fixedpoint import OutOfRangeError, per_tensor_multiplier, quantize_multiplier
from edgeq.lower.ops import common
from edgeq.lower.program import Constant, KernelCall, Param
from edgeq.model.graph import DType, Graph, Op, Tensor

_GATES = ("input", "forget", "cell", "output")  # in the order of their weights among the op's inputs
_HIDDEN, _CELL = 18, 19
_GATE_SCALE = 2.0**-12  # of what goes into a gate
_SIGMOID_SCALE = 2.0**-15  # of what comes out
_CELL_POWERS = range(-20, 3)  # scales of the cell for which no shift leaves an int32


def lstm(graph: Graph, op: Op) -> KernelCall:
    """UNIDIRECTIONAL_SEQUENCE_LSTM as Keras' LSTM is converted: no peephole, projection or layer normalisation."""
    common.require_consistent(graph, op)
    source, hidden, cell, target = (
        *(common.present(graph, op, i) for i in (0, _HIDDEN, _CELL)),
        common.result(graph, op),
    )
    common.require_int8(graph, op, source, hidden, target)
    common.require_same_quantization(graph, op, hidden, target)
    if cell.dtype is not DType.INT16 or not (cell.is_variable and hidden.is_variable):
        common.refuse(
            graph, op, f"has a cell state of {cell.dtype.value}.", "Both states must be variables, the cell int16."
        )
    if common.text(op, "fused_activation_function", "TANH") != "TANH":
        common.refuse(graph, op, "has another activation than tanh.", "Use activation='tanh' in the Keras layer.")
    incoming, outgoing, memory = (common.affine(graph, op, t) for t in (source, hidden, cell))
    power = round(math.log2(memory.scale))
    if memory.scale != 2.0**power or power not in _CELL_POWERS or memory.zero_point:
        common.refuse(
            graph,
            op,
            f"has a cell state at scale {memory.scale:g} and zero point {memory.zero_point}.",
            "The kernel is made for a power of two, as the converter chooses it, and 0.",
        )
    steps, batches = source.shape[:2] if common.option(op, "time_major", False) else source.shape[1::-1]
    majors = {"batch_stride": 1, "step_stride": batches} if common.option(op, "time_major", False) else {}
    units, depth = cell.elements // batches, source.shape[2]
    common.require_depth(graph, op, max(depth, units))
    clip = float(common.option(op, "cell_clip", 0.0))
    try:
        gates = {name: _gate(graph, op, i, units, incoming.scale, outgoing.scale) for i, name in enumerate(_GATES)}
        products = {
            "forget": quantize_multiplier(_SIGMOID_SCALE * memory.scale / memory.scale),
            "cell": quantize_multiplier(_SIGMOID_SCALE * _SIGMOID_SCALE / memory.scale),
            "hidden": quantize_multiplier(_SIGMOID_SCALE * _SIGMOID_SCALE / outgoing.scale),
        }
    except OutOfRangeError as exc:
        common.refuse_scales(graph, op, exc)
    return KernelCall(
        kernel="edgeq_lstm_int8",
        source="lstm.c",
        params_type="edgeq_lstm_params",
        params={
            "batches": batches,
            "steps": steps,
            "batch_stride": steps,
            "step_stride": 1,
            **majors,
            "depth": depth,
            "units": units,
            "input_offset": -incoming.zero_point,
            "hidden_offset": -outgoing.zero_point,
            **gates,
            **{f"{name}_multiplier": m.value for name, m in products.items()},
            **{f"{name}_shift": m.shift for name, m in products.items()},
            "cell_clip": int(min(clip / memory.scale, 32767.0)) if clip > 0 else 0,
            "cell_scaling": _scaling(power),
            "table": sigmoid_table(),
        },
        inputs=(op.inputs[0], op.inputs[_HIDDEN], op.inputs[_CELL]),
        outputs=op.outputs,
        source_ops=(op.index,),
        label=common.label(graph, op),
        macs=4 * batches * steps * units * (depth + units),
    )


def _gate(graph: Graph, op: Op, index: int, units: int, input_scale: float, hidden_scale: float) -> Param:
    """edgeq_lstm_gate: CreateGateParams."""
    weights, recurrent = common.present(graph, op, 1 + index), common.present(graph, op, 5 + index)
    given = per_tensor_multiplier(input_scale, _scale(graph, op, weights), _GATE_SCALE)
    kept = per_tensor_multiplier(hidden_scale, _scale(graph, op, recurrent), _GATE_SCALE)
    return (
        common.operand(graph, weights.index),
        common.operand(graph, recurrent.index),
        common.bias_constant(graph, op, common.present(graph, op, 12 + index), units),
        given.value,
        given.shift,
        kept.value,
        kept.shift,
    )


def _scale(graph: Graph, op: Op, weights: Tensor) -> float:
    common.require_int8_weights(graph, op, weights)
    common.require_constant(graph, op, weights, "weights")
    found = common.affine(graph, op, weights)
    if found.zero_point:
        common.refuse(
            graph,
            op,
            f'has weights "{weights.name}" with the zero point {found.zero_point}.',
            "Quantize symmetrically.",
        )
    return found.scale


def _scaling(power: int) -> Param:
    """edgeq_lstm_scaling: from the cell's scale 2^power to what tanh's table is made for, lstm_internal::Tanh."""
    left = 15 + power - 3
    return (3, -left) if left < 0 else (3 << left, 0)


def sigmoid_table() -> Constant:
    """TFLM's sigmoid_table_uint16: 1 / (1 + exp(−i / 24)) in Q16.

    Interpolated lines lie below the curve, by h² f'' / 8 in their middles (h = 1 / 24): every value is raised by half
    of that, so that the error is as large above as below. The last value is the limit.
    """
    values = []
    for i in range(255):
        y = 1 / (1 + math.exp(-i / 24))
        second = y * (1 - y) * (1 - 2 * y)
        values.append(math.floor(65536 * (y - second / (16 * 24**2)) + 0.5))
    return Constant(name="sigmoid_table", data=np.array([*values, 65535], np.uint16))
