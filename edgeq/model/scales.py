"""Rules about scales and zero points: TFLite's quantization specification, and what TFLite Micro can compute with.

Where a rule names a threshold, TFLite Micro beyond it aborts, refuses the model, or shifts by more bits than an int32
has, which is undefined in C++. Its sources are named at each; conv and fully connected are in
kernels/kernel_util.cc, the rest in micro/kernels/<op>_common.cc.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from edgeq.model.graph import DType, Graph, Op, Quantization, Tensor
from edgeq.model.naming import op_place, tensor_name
from edgeq.model.roles import POSITIONS, Role, input_of, inputs_by_role
from edgeq.model.scheme import Scheme
from edgeq.records import Finding

_RECALIBRATE = (
    "A range of (nearly) zero or of huge values was calibrated: check the representative data's scaling, and whether "
    "the layer before is dead (all weights or outputs zero); then quantize again."
)
_RECONVERT = "The file does not follow TFLite's quantization specification: convert it again with a current converter."
_SMALLEST_NORMAL = float(np.finfo(np.float32).tiny)
_MAX_SHIFT = 30  # MultiplyByQuantizedMultiplier shifts an int32 left by this much at most

# The axis along which an op's weights have one scale per output channel.
CHANNEL_AXIS = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0, "TRANSPOSE_CONV": 0}

# Ops that move or choose values: input and output must have one scale and zero point.
SAME_SCALE = {
    "ASSIGN_VARIABLE", "READ_VARIABLE",
    "BATCH_TO_SPACE_ND", "BROADCAST_TO", "CONCATENATION", "DEPTH_TO_SPACE", "EXPAND_DIMS", "GATHER", "MAXIMUM",
    "MAX_POOL_2D", "AVERAGE_POOL_2D", "MINIMUM", "MIRROR_PAD", "PACK", "PAD", "PADV2", "REDUCE_MAX", "REDUCE_MIN",
    "RESHAPE", "RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR", "REVERSE_V2", "SLICE", "SPACE_TO_BATCH_ND",
    "SPACE_TO_DEPTH", "SPLIT", "SPLIT_V", "SQUEEZE", "STRIDED_SLICE", "TILE", "TRANSPOSE", "UNPACK",
}  # fmt: skip
_JOINING = {"CONCATENATION", "PACK", "MAXIMUM", "MINIMUM"}  # their inputs get the output's range
_POOL_TOLERANCE = 1e-6  # pooling_common.cc accepts scales that differ by this much

# Fixed output quantization: (scale, zero point).
FIXED_OUTPUT: dict[Scheme, dict[str, tuple[float, int]]] = {
    Scheme.INT8: {
        "SOFTMAX": (1 / 256, -128),
        "LOGISTIC": (1 / 256, -128),
        "TANH": (1 / 128, 0),
        "L2_NORMALIZATION": (1 / 128, 0),
    },
    Scheme.INT16X8: dict.fromkeys(("SOFTMAX", "LOGISTIC", "TANH"), (1 / 32768, 0)),
}


def has_own_range(graph: Graph, op: Op | None, tensor: int) -> bool:
    """Whether an activation's range was chosen for it: no op fixes it, or makes it equal to another tensor's.

    Args:
        graph: a full-integer model.
        op: what computes the tensor; None for an input.
        tensor: its index.
    """
    quantization = graph.tensors[tensor].quantization
    for reader in graph.ops:
        joins = reader.name in _JOINING and tensor in reader.inputs
        if joins and graph.tensors[reader.outputs[0]].quantization == quantization:
            return False
    if op is None or op.name in _JOINING:
        return True
    return op.name not in FIXED_OUTPUT[Scheme.INT8] and op.name not in SAME_SCALE


def check_scales(graph: Graph, op: Op, scheme: Scheme = Scheme.INT8) -> Iterator[Finding]:
    """Findings about the scales of one op whose dtypes and shapes are right."""
    basic = list(_each_tensor(graph, op, scheme))
    if basic:
        yield from basic
        return
    yield from _same_scale(graph, op)
    yield from _fixed_output(graph, op, scheme)
    if scheme is Scheme.INT16X8:
        return  # it runs in the reference interpreter alone, which tells what it cannot compute
    yield from _fused_activation(graph, op)
    yield from _bias(graph, op)
    yield from _multipliers(graph, op)


def _each_tensor(graph: Graph, op: Op, scheme: Scheme) -> Iterator[Finding]:
    where = op_place(graph, op)
    tensors = [(role, t) for role, t in inputs_by_role(graph, op) if role is not Role.INDEX]
    if op.name not in POSITIONS:
        tensors += [(Role.ACTIVATION, graph.tensors[i]) for i in op.outputs]
    for role, tensor in tensors:
        quantization = tensor.quantization
        if tensor.dtype not in (DType.INT8, DType.INT16, DType.INT32, DType.INT64):
            continue
        if quantization is None:
            yield Finding(
                rule="missing-quantization",
                where=where,
                message=f"{role.value} {tensor_name(tensor)} is {tensor.dtype.value} but has no scale.",
                fix=_RECONVERT,
            )
            continue
        yield from _values(where, role, tensor, quantization, scheme)
        yield from _axis(where, op, role, tensor, quantization)


def _values(where: str, role: Role, tensor: Tensor, quantization: Quantization, scheme: Scheme) -> Iterator[Finding]:
    dead = _dead_channels(tensor, quantization) if role is Role.WEIGHTS else None
    for channel, scale in enumerate(quantization.scales):
        # Weights that are all zero may have any scale, and their bias's scale is then as small: nothing depends on it.
        smallest = 0.0 if role is Role.BIAS or (dead is not None and dead[channel]) else _SMALLEST_NORMAL
        if math.isfinite(scale) and scale >= smallest:
            continue
        place = f" of channel {channel}" if quantization.per_channel else ""
        reason = "not finite" if not math.isfinite(scale) else "not positive" if scale <= 0 else "subnormal"
        yield Finding(
            rule="degenerate-scale",
            where=where,
            message=f"{role.value} {tensor_name(tensor)} has the scale {scale:g}{place}: {reason}.",
            fix=_RECALIBRATE,
        )
        break
    symmetric = role not in (Role.ACTIVATION, Role.STATE) or quantization.per_channel or scheme is Scheme.INT16X8
    limits = (0, 0) if symmetric else (-128, 127)
    for zero_point in quantization.zero_points:
        if not limits[0] <= zero_point <= limits[1]:
            wanted = "0" if symmetric else "between −128 and 127"
            yield Finding(
                rule="zero-point",
                where=where,
                message=f"{role.value} {tensor_name(tensor)} has the zero point {zero_point}; it must be {wanted}.",
                fix=_RECONVERT,
            )
            break


def _dead_channels(tensor: Tensor, quantization: Quantization) -> list[bool] | None:
    if tensor.data is None:
        return None
    others = tuple(i for i in range(len(tensor.shape)) if i != quantization.axis)
    live = tensor.data.astype(bool).any(axis=others if quantization.per_channel else None)
    return [not value for value in np.atleast_1d(live).tolist()]


def _axis(where: str, op: Op, role: Role, tensor: Tensor, quantization: Quantization) -> Iterator[Finding]:
    if not quantization.per_channel:
        return
    wanted = CHANNEL_AXIS.get(op.name) if role is Role.WEIGHTS else 0 if role is Role.BIAS else None
    if quantization.axis == wanted:
        return
    if wanted is None:
        message = f"{role.value} {tensor_name(tensor)} has one scale per channel; {op.name} takes one per tensor there."
    else:
        message = f"{role.value} {tensor_name(tensor)} has its scales along axis {quantization.axis}, not {wanted}."
    yield Finding(rule="channel-axis", where=where, message=message, fix=_RECONVERT)


def _same_scale(graph: Graph, op: Op) -> Iterator[Finding]:
    if op.name not in SAME_SCALE:
        return
    values = [t for role, t in inputs_by_role(graph, op) if role in (Role.ACTIVATION, Role.STATE)]
    values += [graph.tensors[i] for i in op.outputs]
    first = values[0]
    if first.quantization is None:
        return
    tolerance = _POOL_TOLERANCE if op.name.endswith("POOL_2D") else 0.0
    for tensor in values[1:]:
        if tensor.quantization is None:
            continue
        apart = abs(tensor.quantization.scale - first.quantization.scale)
        if apart > tolerance or tensor.quantization.zero_point != first.quantization.zero_point:
            yield Finding(
                rule="op-quantization",
                where=op_place(graph, op),
                message=f"{tensor_name(first)} and {tensor_name(tensor)} must have the same scale and zero point, and "
                f"have ({first.quantization.scale:g}, {first.quantization.zero_point}) and "
                f"({tensor.quantization.scale:g}, {tensor.quantization.zero_point}).",
                fix=_RECONVERT,
            )


def _fixed_output(graph: Graph, op: Op, scheme: Scheme) -> Iterator[Finding]:
    fixed = FIXED_OUTPUT[scheme].get(op.name)
    output = graph.tensors[op.outputs[0]]
    if fixed is None or output.quantization is None:
        return
    found = (output.quantization.scale, output.quantization.zero_point)
    if found != fixed:
        yield Finding(
            rule="op-quantization",
            where=op_place(graph, op),
            message=f"its output {tensor_name(output)} must have scale {fixed[0]:g} and zero point {fixed[1]}, and has "
            f"{found[0]:g} and {found[1]}.",
            fix=_RECONVERT,
        )


def _fused_activation(graph: Graph, op: Op) -> Iterator[Finding]:
    limit = {"RELU6": 6.0, "RELU_N1_TO_1": 1.0}.get(str(op.options.get("fused_activation_function")))
    output = graph.tensors[op.outputs[0]]
    if op.name == "RELU6":
        limit = 6.0
    if limit is None or output.quantization is None or limit / output.quantization.scale < 2.0**31:
        return
    yield Finding(  # CalculateActivationRangeQuantized: the bound must fit an int32
        rule="multiplier-range",
        where=op_place(graph, op),
        message=f"the bound {limit:g} of its activation is over 2³¹ steps of {tensor_name(output)} "
        f"(scale {output.quantization.scale:g}).",
        fix=_RECALIBRATE,
    )


def _bias(graph: Graph, op: Op) -> Iterator[Finding]:
    """The kernels add the bias to sums of input × weight: it must be in their scale."""
    if op.name not in CHANNEL_AXIS:
        return
    bias, weights = input_of(graph, op, Role.BIAS), input_of(graph, op, Role.WEIGHTS)
    source, output = input_of(graph, op, Role.ACTIVATION), graph.tensors[op.outputs[0]]
    quantizations = [t.quantization for t in (bias, weights, source, output) if t is not None]
    if bias is None or len(quantizations) != 4 or any(q is None for q in quantizations):
        return
    found, per_weight, of_source, of_output = (q for q in quantizations if q is not None)
    product = np.asarray(per_weight.scales, np.float64) * of_source.scale
    apart = np.abs(product - np.asarray(found.scales, np.float64)) if _fits(found, product) else None
    if apart is None:
        message = f"bias {tensor_name(bias)} has {len(found.scales)} scales, the weights {len(per_weight.scales)}."
        yield Finding(rule="bias-scale", where=op_place(graph, op), message=message, fix=_RECONVERT)
        return
    largest = np.abs(bias.data.astype(np.float64)) if bias.data is not None else np.full(1, 2.0**31)
    error = float(np.max(apart * largest) / of_output.scale)
    # GetQuantizedConvolutionMultipler (its spelling) refuses per-tensor weights beyond 0.02 output steps per bias step.
    refused = not per_weight.per_channel and float(apart[0]) / of_output.scale > 0.02
    if error > 0.5 or refused:
        yield Finding(
            rule="bias-scale",
            where=op_place(graph, op),
            message=f"the scale of bias {tensor_name(bias)} is not input scale × weight scale; the outputs would be up "
            f"to {error:.3g} steps off.",
            fix=_RECONVERT,
        )


def _fits(quantization: Quantization, product: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> bool:
    return len(quantization.scales) in (1, len(product)) or len(product) == 1


def _multipliers(graph: Graph, op: Op) -> Iterator[Finding]:
    check = _MULTIPLIER_CHECKS.get(op.name)
    activations = [t for role, t in inputs_by_role(graph, op) if role is Role.ACTIVATION]
    output = graph.tensors[op.outputs[0]]
    scales = [t.quantization.scale for t in (*activations, output) if t.quantization is not None]
    if check is None or len(scales) != len(activations) + 1:
        return
    weights = input_of(graph, op, Role.WEIGHTS)
    weight_scale = max(weights.quantization.scales) if weights is not None and weights.quantization is not None else 1.0
    problem = check(op, scales[:-1], scales[-1], weight_scale)
    if problem:
        rule = "softmax-scale" if op.name == "SOFTMAX" else "multiplier-range"
        yield Finding(rule=rule, where=op_place(graph, op), message=problem, fix=_RECALIBRATE)


def _shift(multiplier: float) -> int:
    """The shift that QuantizeMultiplier (quantization_util.cc) gives: multiplier ≈ m · 2^(shift − 31), m < 2³¹."""
    fraction, exponent = math.frexp(multiplier)
    return exponent + 1 if abs(fraction) * 2.0**31 + 0.5 >= 2.0**31 else exponent


_Check = Callable[[Op, list[float], float, float], str | None]


def _rescale(_: Op, inputs: list[float], output: float, weights: float) -> str | None:
    multiplier = math.prod(inputs) * weights / output
    if _shift(multiplier) <= _MAX_SHIFT:
        return None
    return f"its values are multiplied by {multiplier:g} (from {math.prod(inputs) * weights:g} to {output:g} a step)."


def _prelu(op: Op, inputs: list[float], output: float, weights: float) -> str | None:
    return _rescale(op, inputs[:1], output, weights) or _rescale(op, inputs, output, weights)


def _leaky(op: Op, inputs: list[float], output: float, weights: float) -> str | None:
    slope = float(op.options.get("alpha", 0.0))  # type: ignore[arg-type] # a float in the schema
    steepest = max(1.0, abs(slope)) if math.isfinite(slope) else math.inf
    if math.isinf(steepest):
        return f"its slope is {slope}."
    return _rescale(op, [inputs[0] * steepest], output, weights)


def _sum(op: Op, inputs: list[float], output: float, _: float) -> str | None:
    """QuantizeMultiplierSmallerThanOneExp aborts unless each multiplier is inside (0, 1); SUB computes in float32."""
    if len(inputs) != 2:
        return None
    real = np.float32 if op.name == "SUB" else np.float64
    with np.errstate(all="ignore"):
        twice = real(2) * max(real(inputs[0]), real(inputs[1]))
        multipliers = [*(real(scale) / twice for scale in inputs), twice / (real(1 << 20) * real(output))]
    if all(0 < m < 1 for m in multipliers):
        return None
    return f"the scales {inputs[0]:g} and {inputs[1]:g} cannot be brought to {output:g}: they are too far apart."


def _softmax(op: Op, inputs: list[float], _: float, __: float) -> str | None:
    """PreprocessSoftmaxScaling: beta · scale · 2^26 must be over 1, or the interpreter aborts."""
    beta = float(op.options.get("beta", 0.0))  # type: ignore[arg-type] # a float in the schema
    if beta * inputs[0] * 2**26 > 1:
        return None
    return f"its input's scale {inputs[0]:g} (beta {beta:g}) is below 1.5e-8: all classes get the same probability."


def _sigmoid(op: Op, inputs: list[float], _: float, __: float) -> str | None:
    """frexp of scale · 2^27 must give a shift of 0 to 62 (CalculateInputRadius shifts by it)."""
    if 0 <= math.frexp(inputs[0] * 2**27)[1] <= 62:
        return None
    return f"its input's scale {inputs[0]:g} is outside 2⁻²⁸ … 2³⁵."


def _hard_swish(op: Op, inputs: list[float], output: float, _: float) -> str | None:
    """hard_swish_common.cc refuses input / 128 / output of 1 and more."""
    multiplier = float(np.float32(np.float32(1 / 128) * np.float32(inputs[0])) / np.float32(output))
    reluish = inputs[0] / 128 * 32768 / 3
    if math.isfinite(multiplier) and _shift(multiplier) <= 0 and _shift(reluish) <= _MAX_SHIFT:
        return None
    return f"its output's scale {output:g} is too small for its input's ({inputs[0]:g})."


_MULTIPLIER_CHECKS: dict[str, _Check] = {
    "CONV_2D": _rescale,
    "DEPTHWISE_CONV_2D": _rescale,
    "FULLY_CONNECTED": _rescale,
    "TRANSPOSE_CONV": _rescale,
    "MUL": _rescale,
    "QUANTIZE": _rescale,
    "MEAN": _rescale,
    "SUM": _rescale,
    "RELU": _rescale,
    "RELU6": _rescale,
    "LEAKY_RELU": _leaky,
    "PRELU": _prelu,
    "BATCH_MATMUL": _rescale,
    "ADD": _sum,
    "SUB": _sum,
    "SOFTMAX": _softmax,
    "LOGISTIC": _sigmoid,
    "TANH": _sigmoid,
    "HARD_SWISH": _hard_swish,
}
