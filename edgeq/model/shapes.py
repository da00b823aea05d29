"""Do the shapes and attributes of an op fit together? Generated code trusts them, so they are computed anew here.

Formulas: ComputeOutSize in TFLite's kernels/padding.h for windows; numpy's rules for broadcasting.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from edgeq.model.geometry import SHAPES, Misfit, Shape
from edgeq.model.graph import Graph, Op, Tensor
from edgeq.model.naming import op_place, tensor_name
from edgeq.records import Finding

INCONSISTENT = "The file is inconsistent: convert the model again."


def check_shapes(graph: Graph, op: Op) -> Iterator[Finding]:
    """A Finding if the op's inputs, attributes and outputs do not fit together; ops not known here pass."""
    outputs = [graph.tensors[i] for i in op.outputs]
    try:
        for output, expected in zip(outputs, _expected(graph, op, outputs[0]), strict=False):
            if expected != output.shape:
                which = "its output" if len(outputs) == 1 else f"its output {tensor_name(output)}"
                raise Misfit(f"{which} has shape {output.shape}; its inputs and attributes give {expected}")
    except Misfit as exc:
        yield Finding(
            rule="shape",
            where=op_place(graph, op),
            message=f"{exc}.",
            fix=INCONSISTENT,
        )


def _expected(graph: Graph, op: Op, output: Tensor) -> tuple[Shape, ...]:
    """The shapes of the outputs, as far as they are known."""
    if op.name in SHAPES:
        return SHAPES[op.name](graph, op)
    check = _CHECKS.get(op.name)
    if check is None:
        return ()
    return (check(op, [graph.tensors[i] if i >= 0 else None for i in op.inputs], output),)


def window_size(size: int, window: int, stride: int, dilation: int, padding: str) -> int:
    """Output size of a window that slides over `size` elements; 0 or less if it does not fit."""
    effective = (window - 1) * dilation + 1
    return -(-size // stride) if padding == "SAME" else (size - effective + stride) // stride


def _need(inputs: list[Tensor | None], least: int, most: int) -> list[Tensor]:
    """The inputs that must be there, checked for number; optional ones may be absent."""
    if not least <= len(inputs) <= most or any(t is None for t in inputs[:least]):
        raise Misfit(f"it has {sum(t is not None for t in inputs)} inputs")
    return [t for t in inputs if t is not None]


def _positive(op: Op, *names: str) -> list[int]:
    values = [int(op.options.get(name, 1)) for name in names]  # type: ignore[arg-type] # integers in the schema
    for name, value in zip(names, values, strict=True):
        if value < 1:
            raise Misfit(f"its {name} is {value}")
    return values


def _rank(tensor: Tensor, rank: int, what: str) -> Shape:
    if len(tensor.shape) != rank:
        raise Misfit(f"its {what} has {len(tensor.shape)} dimensions instead of {rank}")
    return tensor.shape


def _padding(op: Op) -> str:
    return str(op.options.get("padding"))


def _windowed(op: Op, source: Shape, window: Shape, channels: int, *, dilated: bool) -> Shape:
    stride_h, stride_w = _positive(op, "stride_h", "stride_w")
    dilation_h, dilation_w = _positive(op, "dilation_h_factor", "dilation_w_factor") if dilated else (1, 1)
    height = window_size(source[1], window[0], stride_h, dilation_h, _padding(op))
    width = window_size(source[2], window[1], stride_w, dilation_w, _padding(op))
    if min(height, width) < 1:
        raise Misfit(f"its {window[0]}×{window[1]} window does not fit an input of shape {source}")
    return (source[0], height, width, channels)


def _bias(inputs: list[Tensor], channels: int) -> None:
    if len(inputs) > 2 and inputs[2].elements != channels:
        raise Misfit(f"its bias has {inputs[2].elements} elements for {channels} output channels")


def _conv(op: Op, given: list[Tensor | None], output: Tensor) -> Shape:
    inputs = _need(given, 2, 3)
    source, filters = _rank(inputs[0], 4, "input"), _rank(inputs[1], 4, "filter")
    if filters[3] < 1 or source[3] % filters[3] or filters[0] % max(1, source[3] // filters[3]):
        raise Misfit(f"its filter {filters} does not fit an input of shape {source}")
    _bias(inputs, filters[0])
    return _windowed(op, source, filters[1:3], filters[0], dilated=True)


def _depthwise(op: Op, given: list[Tensor | None], output: Tensor) -> Shape:
    inputs = _need(given, 2, 3)
    source, filters = _rank(inputs[0], 4, "input"), _rank(inputs[1], 4, "filter")
    (multiplier,) = _positive(op, "depth_multiplier")
    if filters[0] != 1 or filters[3] != source[3] * multiplier:
        raise Misfit(f"its filter {filters} and multiplier {multiplier} do not fit an input of shape {source}")
    _bias(inputs, filters[3])
    return _windowed(op, source, filters[1:3], filters[3], dilated=True)


def _transpose_conv(op: Op, given: list[Tensor | None], output: Tensor) -> Shape:
    inputs = _need(given, 3, 4)
    stated, source, filters = inputs[0], _rank(inputs[2], 4, "input"), _rank(inputs[1], 4, "filter")
    target = _rank(output, 4, "output")
    if filters[3] != source[3]:
        raise Misfit(f"its filter {filters} does not fit an input of shape {source}")
    if len(inputs) > 3:
        _bias(inputs[1:], filters[0])
    if stated.data is None or stated.data.reshape(-1).tolist() != list(target):
        raise Misfit(f"its output has shape {target}, which is not what its first input says")
    # The output is what a convolution would make the input of.
    if _windowed(op, target, filters[1:3], filters[3], dilated=False) != source:
        raise Misfit(f"its output {target} does not fit an input of shape {source}")
    return (source[0], *target[1:3], filters[0])


def _pool(op: Op, given: list[Tensor | None], output: Tensor) -> Shape:
    (source_tensor,) = _need(given, 1, 1)
    source = _rank(source_tensor, 4, "input")
    height, width = _positive(op, "filter_height", "filter_width")
    return _windowed(op, source, (height, width), source[3], dilated=False)


def _fully_connected(op: Op, given: list[Tensor | None], output: Tensor) -> Shape:
    inputs = _need(given, 2, 3)
    outputs, depth = _rank(inputs[1], 2, "weights")
    if op.options.get("weights_format", "DEFAULT") != "DEFAULT":
        raise Misfit(f"its weights have the shuffled format {op.options['weights_format']}")
    if depth < 1 or inputs[0].elements % depth:
        raise Misfit(f"its weights {inputs[1].shape} do not fit an input of shape {inputs[0].shape}")
    _bias(inputs, outputs)
    rows = inputs[0].elements // depth
    if output.shape[-1:] != (outputs,) or output.elements != rows * outputs:
        raise Misfit(f"its output has shape {output.shape} for {rows} × {outputs} values")
    return output.shape


def _broadcast(op: Op, given: list[Tensor | None], output: Tensor) -> Shape:
    inputs = _need(given, 2, 2)
    try:
        return np.broadcast_shapes(inputs[0].shape, inputs[1].shape)
    except ValueError as exc:
        raise Misfit(f"its inputs have the shapes {inputs[0].shape} and {inputs[1].shape}") from exc


def _svdf(op: Op, given: list[Tensor | None], output: Tensor) -> Shape:
    if len(given) != 5:
        raise Misfit(f"it has {len(given)} inputs instead of 5")
    bias = given[3]
    source, features, times, state = _need([given[i] for i in (0, 1, 2, 4)], 4, 4)
    batches, depth = _rank(source, 2, "input")
    filters, width = _rank(features, 2, "feature weights")
    (rank,) = _positive(op, "rank")
    if width != depth or times.shape[:1] != (filters,) or len(times.shape) != 2 or filters % rank:
        raise Misfit(
            f"its weights {features.shape} and {times.shape} of rank {rank} do not fit an input {source.shape}"
        )
    if state.shape != (batches, filters * times.shape[1]):
        raise Misfit(f"its memory has shape {state.shape} for weights {times.shape}")
    if bias is not None and bias.elements != filters // rank:
        raise Misfit(f"its bias has {bias.elements} elements for {filters // rank} units")
    return (batches, filters // rank)


def _lstm(op: Op, given: list[Tensor | None], output: Tensor) -> Shape:
    if len(given) != 24 or any(given[i] is not None for i in (*range(9, 12), 16, 17, *range(20, 24))):
        raise Misfit("it has peepholes, a projection or layer normalisation, which TFLite Micro does not know")
    if op.options.get("diagonal_recurrent_tensors"):
        raise Misfit("its recurrent weights are diagonals, which TFLite Micro does not know")
    needed = _need([given[i] for i in (0, *range(1, 9), *range(12, 16), 18, 19)], 15, 15)
    source = _rank(needed[0], 3, "input")
    batches = source[1 if op.options.get("time_major") else 0]
    units = _rank(needed[13], 2, "hidden state")[1]
    wanted = [(units, source[2])] * 4 + [(units, units)] * 4 + [(units,)] * 4
    if [tensor.shape for tensor in needed[1:13]] != wanted:
        raise Misfit(f"its weights and biases do not fit an input of shape {source} and {units} units")
    if any(tensor.elements != batches * units for tensor in needed[13:]):
        raise Misfit(f"its states do not have {batches} × {units} elements")
    return (*source[:2], units)


def _batch_matmul(op: Op, given: list[Tensor | None], output: Tensor) -> Shape:
    first, second = (tensor.shape for tensor in _need(given, 2, 2))
    if min(len(first), len(second)) < 2 or max(len(first), len(second)) > 5:
        raise Misfit(f"it multiplies shapes {first} and {second}; TFLite Micro knows 2 to 5 dimensions")
    rows, depth = reversed(first[-2:]) if op.options.get("adj_x") else first[-2:]
    other, columns = reversed(second[-2:]) if op.options.get("adj_y") else second[-2:]
    try:
        batches = np.broadcast_shapes(first[:-2], second[:-2])
    except ValueError as exc:
        raise Misfit(f"it multiplies shapes {first} and {second}, whose batches do not fit") from exc
    if depth != other:
        raise Misfit(f"it multiplies shapes {first} and {second}, {depth} and {other} factors")
    return (*batches, rows, columns)


def _unary(op: Op, given: list[Tensor | None], output: Tensor) -> Shape:
    return _need(given, 1, 1)[0].shape


def _same_elements(op: Op, given: list[Tensor | None], output: Tensor) -> Shape:
    source = _need(given, 1, 2)[0]
    if source.elements != output.elements:
        raise Misfit(f"it makes shape {output.shape} out of shape {source.shape}")
    return output.shape


def _reduce(op: Op, given: list[Tensor | None], output: Tensor) -> Shape:
    source, axes = _need(given, 2, 2)
    rank = len(source.shape)
    reduced = set()
    for axis in [] if axes.data is None else axes.data.reshape(-1).tolist():
        if not -rank <= axis < rank:
            raise Misfit(f"it reduces axis {axis} of shape {source.shape}")
        reduced.add(axis % rank)
    if op.options.get("keep_dims"):
        return tuple(1 if i in reduced else size for i, size in enumerate(source.shape))
    return tuple(size for i, size in enumerate(source.shape) if i not in reduced)


def _pad(op: Op, given: list[Tensor | None], output: Tensor) -> Shape:
    inputs = _need(given, 2, 3)
    source, paddings = inputs[0].shape, inputs[1]
    if paddings.shape != (len(source), 2) or paddings.data is None:
        raise Misfit(f"its paddings have shape {paddings.shape} for an input of shape {source}")
    if len(inputs) > 2 and inputs[2].elements != 1:
        raise Misfit(f"its padding value has {inputs[2].elements} elements")
    if min(paddings.data.reshape(-1).tolist()) < 0:
        raise Misfit("it has negative paddings")
    return tuple(size + before + after for size, (before, after) in zip(source, paddings.data.tolist(), strict=True))


def _resize(op: Op, given: list[Tensor | None], output: Tensor) -> Shape:
    source_tensor, size = _need(given, 2, 2)
    source = _rank(source_tensor, 4, "input")
    if size.shape != (2,) or size.data is None or min(size.data.tolist()) < 1:
        raise Misfit(f"its size has shape {size.shape}, instead of a constant height and width")
    if op.options.get("align_corners") and op.options.get("half_pixel_centers"):
        raise Misfit("it has both align_corners and half_pixel_centers")
    height, width = size.data.tolist()
    return (source[0], height, width, source[3])


def _concatenation(op: Op, given: list[Tensor | None], output: Tensor) -> Shape:
    inputs = _need(given, max(1, len(given)), len(given))
    shape, rank = list(inputs[0].shape), len(inputs[0].shape)
    axis = int(op.options.get("axis", 0))  # type: ignore[arg-type] # an integer in the schema
    if not -rank <= axis < rank:
        raise Misfit(f"it joins along axis {axis} of shape {inputs[0].shape}")
    axis %= rank
    if op.options.get("fused_activation_function", "NONE") != "NONE":
        raise Misfit(f"it has the fused activation {op.options['fused_activation_function']}, which no kernel computes")
    for tensor in inputs[1:]:
        if len(tensor.shape) != rank or any(tensor.shape[i] != shape[i] for i in range(rank) if i != axis):
            raise Misfit(f"it joins shapes {inputs[0].shape} and {tensor.shape} along axis {axis}")
    shape[axis] = sum(tensor.shape[axis] for tensor in inputs)
    if math.prod(shape) != output.elements:
        raise Misfit(f"its output has shape {output.shape}; its inputs give {tuple(shape)}")
    return tuple(shape)


_UNARY = (
    "ABS", "DEQUANTIZE", "ELU", "HARD_SWISH", "LEAKY_RELU", "LOGISTIC", "LOG_SOFTMAX", "NEG", "QUANTIZE", "RELU",
    "L2_NORMALIZATION", "RELU6", "RELU_N1_TO_1", "RELU_0_TO_1", "RSQRT", "SOFTMAX", "SQUARE", "TANH",
)  # fmt: skip

_CHECKS: dict[str, Callable[[Op, list[Tensor | None], Tensor], Shape]] = {
    "CONV_2D": _conv,
    "DEPTHWISE_CONV_2D": _depthwise,
    "TRANSPOSE_CONV": _transpose_conv,
    "FULLY_CONNECTED": _fully_connected,
    "AVERAGE_POOL_2D": _pool,
    "MAX_POOL_2D": _pool,
    **dict.fromkeys(("ADD", "SUB", "MUL", "MAXIMUM", "MINIMUM", "PRELU"), _broadcast),
    **dict.fromkeys(_UNARY, _unary),
    **dict.fromkeys(("RESHAPE", "SQUEEZE", "EXPAND_DIMS"), _same_elements),
    **dict.fromkeys(("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN"), _reduce),
    **dict.fromkeys(("PAD", "PADV2", "MIRROR_PAD"), _pad),
    **dict.fromkeys(("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"), _resize),
    "CONCATENATION": _concatenation,
    "BATCH_MATMUL": _batch_matmul,
    "SVDF": _svdf,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _lstm,
}
