"""What the lowering of every op needs: its tensors, checked, and errors that name the op and its place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn, cast

import numpy as np
from numpy.typing import NDArray

from edgeq.errors import UnsupportedError
from edgeq.lower.fixedpoint import Multiplier, OutOfRangeError
from edgeq.lower.program import Constant, Operand
from edgeq.lower.tables import Affine
from edgeq.model.graph import DType, Graph, Op, Tensor
from edgeq.model.naming import op_label
from edgeq.model.shapes import check_shapes


def place(graph: Graph, op: Op) -> str:
    """How messages name an op: its name, index and output."""
    outputs = ", ".join(f'"{graph.tensors[i].name}"' for i in op.outputs)
    return f"{op.name} (op {op.index}, output {outputs})"


def refuse(graph: Graph, op: Op, reason: str, hint: str) -> NoReturn:
    """Raises the UnsupportedError of an op. `reason` continues "CONV_2D (op 3, …) has …"."""
    raise UnsupportedError(f"{place(graph, op)} {reason}", hint=hint)


def refuse_scales(graph: Graph, op: Op, error: OutOfRangeError) -> NoReturn:
    """Raises the UnsupportedError of quantization parameters that the integer kernel cannot hold."""
    raise UnsupportedError(
        f"{place(graph, op)} has degenerate quantization parameters: they lead to {error}.",
        hint="Calibrate again with representative data; a layer whose values hardly vary, or explode, ends like this.",
    ) from error


def label(graph: Graph, op: Op, output: int = 0) -> str:
    """A call's name in reports; `output` is the one that it computes."""
    return op_label(graph, op, output)


def option(op: Op, name: str, default: int | str | float | bool) -> int | str | float | bool:
    """An option, or the schema's default where the model has no options table."""
    return cast(int | str | float | bool, op.options.get(name, default))


def integer(op: Op, name: str, default: int = 0) -> int:
    """An option that is a number."""
    return int(option(op, name, default))


def text(op: Op, name: str, default: str) -> str:
    """An option that is an enumerator's name."""
    return str(option(op, name, default))


def arity(graph: Graph, op: Op, *counts: int) -> None:
    """Checks the number of inputs, and that there is one output."""
    if len(op.inputs) not in counts or len(op.outputs) != 1:
        refuse(
            graph,
            op,
            f"has {len(op.inputs)} inputs and {len(op.outputs)} outputs.",
            "Convert the model again: the .tflite does not follow the schema.",
        )


def present(graph: Graph, op: Op, index: int) -> Tensor:
    """Input `index`, which must be there."""
    if index >= len(op.inputs) or op.inputs[index] < 0:
        refuse(graph, op, f"lacks its input {index}.", "Convert the model again.")
    return graph.tensors[op.inputs[index]]


def optional(graph: Graph, op: Op, index: int) -> Tensor | None:
    """Input `index`, or None if it is absent."""
    if index >= len(op.inputs) or op.inputs[index] < 0:
        return None
    return graph.tensors[op.inputs[index]]


def result(graph: Graph, op: Op) -> Tensor:
    """The op's one output."""
    return graph.tensors[op.outputs[0]]


def require_int8(graph: Graph, op: Op, *tensors: Tensor) -> None:
    """Checks that tensors are int8 with one scale each."""
    for tensor in tensors:
        if tensor.dtype is not DType.INT8:
            refuse(
                graph,
                op,
                f'works on "{tensor.name}", which is {tensor.dtype.value}, not int8.',
                "Quantize the model full-integer: int8 activations and weights, int8 in and out.",
            )
        affine(graph, op, tensor)


def require_values(graph: Graph, op: Op, *tensors: Tensor) -> DType:
    """Checks that tensors are all int8, or all int16 with zero points of 0, with one scale each; gives their type."""
    if any(tensor.dtype is not DType.INT16 for tensor in tensors):
        require_int8(graph, op, *tensors)
        return DType.INT8
    for tensor in tensors:
        if affine(graph, op, tensor).zero_point:
            refuse(
                graph,
                op,
                f'has a zero point other than 0 on "{tensor.name}", which is int16.',
                "Quantize 16-bit activations symmetrically.",
            )
    return DType.INT16


def limits(dtype: DType) -> tuple[int, int]:
    """The smallest and largest value of int8 or int16."""
    found = np.iinfo(dtype.value)
    return int(found.min), int(found.max)


def affine(graph: Graph, op: Op, tensor: Tensor) -> Affine:
    """A tensor's per-tensor quantization."""
    quantization = tensor.quantization
    if quantization is None or len(quantization.scales) != 1:
        found = "no scale" if quantization is None else f"{len(quantization.scales)} scales"
        refuse(
            graph,
            op,
            f'needs one scale for "{tensor.name}", which has {found}.',
            "Quantize the model full-integer, with per-tensor activations.",
        )
    if not (quantization.scale > 0 and np.isfinite(quantization.scale)):
        refuse(graph, op, f'has a scale of {quantization.scale:g} on "{tensor.name}".', "Calibrate the model again.")
    if not -128 <= quantization.zero_point <= 127:
        refuse(graph, op, f'has a zero point of {quantization.zero_point} on "{tensor.name}".', "Quantize again.")
    return Affine(scale=quantization.scale, zero_point=quantization.zero_point)


def require_rank(graph: Graph, op: Op, rank: int, *tensors: Tensor) -> None:
    """Checks that tensors have `rank` dimensions."""
    for tensor in tensors:
        if len(tensor.shape) != rank:
            refuse(
                graph,
                op,
                f'needs {rank} dimensions; "{tensor.name}" has shape {tensor.shape}.',
                "Convert the model again: the .tflite does not follow the operator's specification.",
            )


def require_shape(graph: Graph, op: Op, tensor: Tensor, shape: Sequence[int]) -> None:
    """Checks that a tensor has the shape that follows from the op's attributes."""
    if tensor.shape != tuple(shape):
        refuse(
            graph,
            op,
            f'has "{tensor.name}" of shape {tensor.shape} where its attributes give {tuple(shape)}.',
            "Convert the model again, with every dimension fixed.",
        )


def require_consistent(graph: Graph, op: Op) -> None:
    """Checks that inputs, attributes and outputs fit together: the rules of `edgeq.model.shapes`."""
    for finding in check_shapes(graph, op):
        refuse(graph, op, f"does not fit together: {finding.message}", finding.fix)


def require_same_quantization(graph: Graph, op: Op, first: Tensor, second: Tensor) -> None:
    """Checks that values may be copied from one tensor to the other: the scales agree to a hundred-thousandth."""
    a, b = affine(graph, op, first), affine(graph, op, second)
    if abs(a.scale - b.scale) > 1e-5 * a.scale or a.zero_point != b.zero_point:
        refuse(
            graph,
            op,
            f'copies values from "{first.name}" (scale {a.scale:g}, zero point {a.zero_point}) to "{second.name}" '
            f"(scale {b.scale:g}, zero point {b.zero_point}), which changes their meaning.",
            "Both must have the same quantization, as the TensorFlow Lite converter makes them.",
        )


def require_constant(graph: Graph, op: Op, tensor: Tensor, what: str) -> NDArray[np.generic]:
    """A constant tensor's values."""
    if tensor.data is None:
        refuse(
            graph,
            op,
            f'computes its {what} "{tensor.name}" at run time; it must be a constant.',
            "Fix the model's shapes and attributes before the conversion.",
        )
    return tensor.data


def operand(graph: Graph, index: int) -> Operand:
    """A tensor as a kernel's operand: its index, or the constant that it is."""
    tensor = graph.tensors[index]
    return index if tensor.data is None else Constant(name=f"tensor_{index}", data=tensor.data)


def multiplier_arrays(op: Op, multipliers: Sequence[Multiplier]) -> tuple[Constant, Constant, int]:
    """Per-channel multipliers as constants (int32 values, int8 shifts), and the step between channels: equal ones
    are stored once, with a step of 0."""
    step = 1
    if all(m == multipliers[0] for m in multipliers):
        multipliers, step = multipliers[:1], 0
    values = Constant(name=f"op_{op.index}_multipliers", data=np.array([m.value for m in multipliers], np.int32))
    shifts = Constant(name=f"op_{op.index}_shifts", data=np.array([m.shift for m in multipliers], np.int8))
    return values, shifts, step


def bias_constant(graph: Graph, op: Op, bias: Tensor | None, channels: int) -> Constant | None:
    """The int32 bias as a constant, or None."""
    if bias is None:
        return None
    if bias.dtype is not DType.INT32 or bias.elements != channels:
        refuse(
            graph,
            op,
            f'has the bias "{bias.name}" of {bias.elements} {bias.dtype.value} values; it needs {channels} int32.',
            "Quantize the model full-integer (int8 activations take an int32 bias).",
        )
    require_constant(graph, op, bias, "bias")
    found = operand(graph, bias.index)
    return found if isinstance(found, Constant) else None


def require_int8_weights(graph: Graph, op: Op, weights: Tensor) -> None:
    """Checks that weights are int8."""
    if weights.dtype is not DType.INT8:
        refuse(
            graph,
            op,
            f'has weights "{weights.name}" of type {weights.dtype.value}; the kernels take int8.',
            "Quantize the weights to 8 bits.",
        )


def weight_scales(graph: Graph, op: Op, weights: Tensor, channel_axis: int) -> tuple[float, ...]:
    """The weights' scales: one, or one per output channel."""
    quantization = weights.quantization
    channels = weights.shape[channel_axis]
    if quantization is None or len(quantization.scales) not in {1, channels}:
        found = 0 if quantization is None else len(quantization.scales)
        refuse(
            graph,
            op,
            f'has weights "{weights.name}" with {found} scales for {channels} output channels.',
            "Quantize the weights per tensor, or per output channel.",
        )
    if len(quantization.scales) > 1 and quantization.axis != channel_axis:
        refuse(
            graph,
            op,
            f'has weights "{weights.name}" quantized along axis {quantization.axis}, not {channel_axis}, the channels.',
            "Quantize the weights per output channel.",
        )
    return quantization.scales


def padding(graph: Graph, op: Op) -> str:
    """SAME or VALID."""
    found = text(op, "padding", "SAME")
    if found not in {"SAME", "VALID"}:
        refuse(graph, op, f"has padding {found}.", "SAME and VALID are supported.")
    return found


def positive(graph: Graph, op: Op, name: str, default: int = 0) -> int:
    """An option that must be at least 1."""
    value = integer(op, name, default)
    if value < 1:
        refuse(graph, op, f"has {name} = {value}.", "It must be at least 1: convert the model again.")
    return value


_WEIGHTED_PRODUCT = 128 * 255  # of a weight and an input less its zero point


def require_depth(graph: Graph, op: Op, depth: int, largest: int = _WEIGHTED_PRODUCT) -> None:
    """Checks that the sum of `depth` products, each at most `largest`, fits the kernels' accumulator."""
    most = (2**31 - 1) // largest
    if depth > most:
        refuse(graph, op, f"sums {depth} products per output.", f"int32 holds up to {most}: split the layer.")
