"""Is this .tflite a full-integer model that an engine can run? Every reason why not, at once.

Findings name the op (its index and output tensor) and say what to do; `require` turns them into one error.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from edgeq.errors import VerifyError
from edgeq.model.graph import DType, Graph, Op, Tensor
from edgeq.model.naming import op_place, tensor_name
from edgeq.model.roles import DECLARATIONS, POSITIONS, Role, input_of, inputs_by_role
from edgeq.model.scales import check_scales
from edgeq.model.scheme import Scheme, scheme_of
from edgeq.model.shapes import INCONSISTENT, check_shapes
from edgeq.model.static_shapes import computed_shapes
from edgeq.records import Finding

_FULL_INTEGER = {
    Scheme.INT8: "Convert again as full-integer int8: supported_ops = [TFLITE_BUILTINS_INT8], a representative "
    "dataset, inference_input_type and inference_output_type int8. `edgeq build` on the Keras model does this.",
    Scheme.INT16X8: "Convert again as full-integer 16x8: supported_ops = "
    "[EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8], a representative dataset, inference_input_type "
    "and inference_output_type int16.",
}
_FIXED_SHAPES = (
    "Convert with fixed input shapes and batch size 1, so that every size is a constant: keras.Input(…, batch_size=1). "
    "`edgeq build` on the Keras model does this."
)
_FLOATS = (DType.FLOAT16, DType.FLOAT32, DType.FLOAT64)
_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")


def verify_int8(
    graph: Graph, *, supported_ops: Collection[str], engine: str, float_io: bool = False
) -> tuple[Finding, ...]:
    """`verify` for int8 models."""
    return verify(graph, scheme=Scheme.INT8, supported_ops=supported_ops, engine=engine, float_io=float_io)


def verify_for(
    graph: Graph, supported_ops: Callable[[Scheme], Collection[str]] | None, *, engine: str, float_io: bool = False
) -> tuple[Finding, ...]:
    """`verify` by the scheme of the model's inputs and outputs; `supported_ops` gives the engine's ops of one, None
    where they are not known."""
    scheme = scheme_of(graph)
    if supported_ops is None:
        return verify(graph, scheme=scheme, supported_ops=None, engine=engine, float_io=float_io)
    return verify(
        graph, scheme=scheme, supported_ops=supported_ops(scheme), engine=engine, float_io=float_io,
        int8_ops=supported_ops(Scheme.INT8),
    )  # fmt: skip


def verify(
    graph: Graph,
    *,
    scheme: Scheme,
    supported_ops: Collection[str] | None,
    engine: str,
    float_io: bool = False,
    int8_ops: Collection[str] = (),
) -> tuple[Finding, ...]:
    """Everything about a model that keeps it from being run as full-integer; empty if nothing does.

    Args:
        graph: the model.
        scheme: what it should be made of.
        supported_ops: builtin names of the ops that the engine has; None: not known, the engine will say itself.
        engine: its name, for messages ("aot").
        float_io: accept float32 inputs that go straight into QUANTIZE, and outputs that come from DEQUANTIZE.
        int8_ops: what the engine has for int8, where the scheme is another: a way out.

    The rules:
        unsupported-op, float-op, hybrid-op, quantize-inside, io-dtype, tensor-dtype, bias-dtype, index-constant,
        variable-tensor, dynamic-shape, batch-size, empty-tensor, shape;
        and about scales (see `edgeq.model.scales`): missing-quantization, degenerate-scale, zero-point, channel-axis,
        bias-scale, multiplier-range, softmax-scale, op-quantization;
        and engine-fault, where the engine's own kernel is known to compute wrong values.
    """
    found: list[Finding] = []
    found += _interface(graph, scheme, float_io=float_io)
    shapes = computed_shapes(graph)
    for op in graph.ops:
        if shapes.intersection(op.outputs):
            found.append(_shape_op(graph, op))
            continue
        if op.name in DECLARATIONS and (supported_ops is None or op.name in supported_ops):
            continue  # the ops that use a variable are checked
        problems = list(_op_dtypes(graph, op, scheme, float_io=float_io))
        if not problems and supported_ops is not None and op.name not in supported_ops:
            problems = [_unsupported(graph, op, engine, int8_ops if scheme is not Scheme.INT8 else ())]
        # Each kind of check relies on the ones before it.
        problems = problems or list(check_shapes(graph, op)) or list(check_scales(graph, op, scheme))
        found += problems or list(_engine_faults(graph, op, engine))
    found += _tensors(graph)
    return tuple(found)


def require(findings: Sequence[Finding], *, converted: bool = False) -> None:
    """Nothing, if there are no findings.

    Args:
        findings: of `verify`.
        converted: the model was made from a float model just now, and there is no file to look into.

    Raises:
        VerifyError: lists all of them, findings of one rule with the same fix under one fix.
    """
    if not findings:
        return
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.rule, finding.fix), []).append(finding)
    count = f"{len(findings)} problems" if len(findings) > 1 else "1 problem"
    lines = [f"The model cannot be run as a full-integer model: {count}."]
    for (rule, fix), members in groups.items():
        lines += [f"  {finding.where}: {finding.message} [{rule}]" for finding in members]
        lines.append(f"    → {fix}")
    hint = "`edgeq inspect` shows every op with its types, shapes and scales."
    if converted:
        hint = "Places are ops of the converted model; most names hold the Keras layer that the op was made from."
    raise VerifyError("\n".join(lines), hint=hint)


def _engine_faults(graph: Graph, op: Op, engine: str) -> Iterator[Finding]:
    # Of int8, the tflm engine runs an equal model without it (edgeq/reference/rewrite.py).
    if engine != "tflm" or op.name != "RELU6" or graph.tensors[op.outputs[0]].dtype is DType.INT8:
        return
    source, result = (graph.tensors[i].quantization for i in (op.inputs[0], op.outputs[0]))
    if source is None or result is None or (source.scales, source.zero_points) == (result.scales, result.zero_points):
        return
    yield Finding(
        rule="engine-fault",
        where=op_place(graph, op),
        message="TensorFlow Lite Micro's RELU6 ignores its output's scale and zero point "
        f"({result.scale:g}, {result.zero_point}; the input's are {source.scale:g}, {source.zero_point}).",
        fix="Use the aot engine, which computes it right, or a ReLU without the bound of 6.",
    )


def _shape_op(graph: Graph, op: Op) -> Finding:
    return Finding(
        rule="index-constant",
        where=op_place(graph, op),
        message="it computes a shape at run time, which is not known beforehand.",
        fix=_FIXED_SHAPES,
    )


def _unsupported(graph: Graph, op: Op, engine: str, int8_ops: Collection[str]) -> Finding:
    if op.name.startswith("CUSTOM:"):
        message = f"custom op {op.name.removeprefix('CUSTOM:')!r} is not part of TensorFlow Lite's builtins."
        fix = (
            "Export without SELECT_TF_OPS and custom ops; compute this step outside the model, or with builtin layers."
        )
    elif op.name in int8_ops:
        message = f"the {engine} engine has {op.name} for int8 values, not for the int16 ones of 16x8."
        fix = "Convert to int8: --method ptq, auto or qat."
        if op.name in ("LOGISTIC", "TANH") and set(op.outputs) & _behind(graph):
            fix += (
                f" Or let the model end in logits, without this last step: {op.name} is monotonic, so a threshold on "
                "its input decides the same."
            )
    else:
        message = f"the {engine} engine does not have {op.name}."
        fix = (
            f"Replace the layer behind {op.name} with one that converts to supported ops, or move it out of the model "
            "(before the input or after the output)."
        )
    return Finding(rule="unsupported-op", where=op_place(graph, op), message=message, fix=fix)


def _behind(graph: Graph) -> set[int]:
    """The model's outputs, and what is turned into them by DEQUANTIZE or QUANTIZE alone."""
    edges = {
        op.inputs[0] for op in graph.ops if op.name in ("DEQUANTIZE", "QUANTIZE") and op.outputs[0] in graph.outputs
    }
    return set(graph.outputs) | edges


def _interface(graph: Graph, scheme: Scheme, *, float_io: bool) -> Iterator[Finding]:
    positions = {i for op in graph.ops if op.name in POSITIONS for i in op.outputs}
    for kind, tensors in (("input", graph.input_tensors), ("output", graph.output_tensors)):
        for tensor in tensors:
            where = f"{kind} {tensor_name(tensor)}"
            free = [i for i, size in enumerate(tensor.signature) if size == -1 and i > 0]
            if free:
                yield Finding(
                    rule="dynamic-shape",
                    where=where,
                    message=f"its shape {tensor.signature} leaves dimension {free[0]} free.",
                    fix="Give the Keras input a fixed shape (keras.Input(shape=…)) and convert again.",
                )
            if len(tensor.shape) > 1 and tensor.shape[0] != 1 and kind == "input":
                yield Finding(
                    rule="batch-size",
                    where=where,
                    message=f"its batch size is {tensor.shape[0]}; a device runs one sample at a time.",
                    fix="Convert with batch size 1.",
                )
            wanted = DType.INT32 if tensor.index in positions else scheme.activation
            if tensor.dtype is wanted or (float_io and tensor.dtype is DType.FLOAT32):
                continue
            yield Finding(
                rule="io-dtype",
                where=where,
                message=f"it is {tensor.dtype.value}, not {wanted.value}.",
                fix=f"Convert with inference_{kind}_type = tf.{wanted.value}.",
            )


def _op_dtypes(graph: Graph, op: Op, scheme: Scheme, *, float_io: bool) -> Iterator[Finding]:
    where = op_place(graph, op)
    inputs = inputs_by_role(graph, op)
    outputs = [graph.tensors[i] for i in op.outputs]
    if op.name in ("QUANTIZE", "DEQUANTIZE") and any(t.dtype in _FLOATS for t in outputs + [t for _, t in inputs]):
        yield from _edge(graph, op, where, scheme, float_io=float_io)
        return
    weights = input_of(graph, op, Role.WEIGHTS)
    floats = [t for role, t in inputs if role is not Role.INDEX and t.dtype in _FLOATS]
    floats += [t for t in outputs if t.dtype in _FLOATS]
    if floats and op.name in _WEIGHTED and weights is not None and weights.dtype is DType.INT8:
        yield Finding(
            rule="hybrid-op",
            where=where,
            message=f"int8 weights {tensor_name(weights)} meet the {floats[0].dtype.value} values "
            f"{tensor_name(floats[0])}: a hybrid (dynamic-range) op, which computes in float.",
            fix=_FULL_INTEGER[scheme],
        )
        return
    if floats:
        yield Finding(
            rule="float-op",
            where=where,
            message=f"it computes in float: {tensor_name(floats[0])} is {floats[0].dtype.value}.",
            fix=_float_fix(
                graph,
                scheme,
                f"The converter has no {scheme.activation.value} form of {op.name} here, or of the float op beside it: "
                "replace that layer.",
            ),
        )
        return
    for role, tensor in inputs:
        yield from _input_dtype(where, role, tensor, scheme, wide_weights=op.name == "SVDF")
    wanted = DType.INT32 if op.name in POSITIONS else scheme.activation
    for tensor in outputs:
        if tensor.dtype is not wanted:
            yield _wrong_dtype(where, "its output", tensor, wanted, scheme)


def _float_fix(graph: Graph, scheme: Scheme, replace: str) -> str:
    """What to do about a float op: `replace` it if the rest of the model is integer, else convert the whole anew."""
    integer = any(t.dtype is scheme.activation and t.data is None for t in graph.tensors)
    return replace if integer else _FULL_INTEGER[scheme]


def _edge(graph: Graph, op: Op, where: str, scheme: Scheme, *, float_io: bool) -> Iterator[Finding]:
    source, result = op.inputs[0] if op.inputs else -1, op.outputs[0]
    if source < 0:
        yield Finding(rule="shape", where=where, message="it has no input.", fix=INCONSISTENT)
        return
    at_edge = source in graph.inputs if op.name == "QUANTIZE" else result in graph.outputs
    integer = graph.tensors[result if op.name == "QUANTIZE" else source]
    if not at_edge:
        constant = graph.tensors[source].data is not None
        reason = (
            "it turns constant weights into floats: only the file is quantized, not the computation."
            if constant
            else "it is inside the model: there is a float island on one side of it."
        )
        replace = "Replace the layer that stayed float beside it."
        fix = _FULL_INTEGER[scheme] if constant else _float_fix(graph, scheme, replace)
        yield Finding(rule="quantize-inside", where=where, message=reason, fix=fix)
    elif integer.dtype is not scheme.activation:
        yield _wrong_dtype(where, "its integer side", integer, scheme.activation, scheme)
    elif not float_io:
        side = "input" if op.name == "QUANTIZE" else "output"
        yield Finding(
            rule="io-dtype",
            where=where,
            message=f"it converts the model's float {side}.",
            fix=f"Convert with inference_{side}_type = tf.{scheme.activation.value}.",
        )


def _input_dtype(
    where: str, role: Role, tensor: Tensor, scheme: Scheme, *, wide_weights: bool = False
) -> Iterator[Finding]:
    if role is Role.INDEX:
        if tensor.data is None and tensor.elements:
            yield Finding(
                rule="index-constant",
                where=where,
                message=f"{tensor_name(tensor)} (a shape, axis or padding) is computed at run time.",
                fix=_FIXED_SHAPES,
            )
        elif tensor.dtype is not DType.INT32:
            yield _wrong_dtype(where, "a shape, axis or padding", tensor, DType.INT32, scheme)
        return
    if role is Role.BIAS:
        if tensor.dtype not in scheme.biases:
            wanted = " or ".join(dtype.value for dtype in scheme.biases)
            yield Finding(
                rule="bias-dtype",
                where=where,
                message=f"its bias {tensor_name(tensor)} is {tensor.dtype.value}, not {wanted}.",
                fix="Convert as int8 (8-bit activations); 16-bit activations have 64-bit biases."
                if scheme is Scheme.INT8
                else _FULL_INTEGER[scheme],
            )
        return
    if role is Role.STATE:
        return
    if role is Role.WEIGHTS and tensor.data is None:
        yield Finding(
            rule="index-constant",
            where=where,
            message=f"its weights {tensor_name(tensor)} are computed at run time.",
            fix="Make the weights constants of the model.",
        )
    wanted_type = DType.INT8 if role is Role.WEIGHTS else scheme.activation
    if wide_weights and tensor.dtype is DType.INT16:
        return
    if tensor.dtype is not wanted_type:
        yield _wrong_dtype(where, role.value, tensor, wanted_type, scheme)


def _wrong_dtype(where: str, what: str, tensor: Tensor, wanted: DType, scheme: Scheme) -> Finding:
    return Finding(
        rule="tensor-dtype",
        where=where,
        message=f"{what} {tensor_name(tensor)} is {tensor.dtype.value}, not {wanted.value}.",
        fix=_FULL_INTEGER[scheme],
    )


def _tensors(graph: Graph) -> Iterator[Finding]:
    misused = {t.index for op in graph.ops for role, t in inputs_by_role(graph, op) if role is not Role.STATE}
    misused |= {*graph.inputs, *graph.outputs}
    used = {i for op in graph.ops for i in (*op.inputs, *op.outputs) if i >= 0} | set(graph.inputs) | set(graph.outputs)
    for tensor in graph.tensors:
        if tensor.index not in used:
            continue
        where = f"tensor {tensor.index} {tensor_name(tensor)}"
        if tensor.is_variable and tensor.index in misused:
            yield Finding(
                rule="variable-tensor",
                where=where,
                message="it keeps its value from one inference to the next, and an op reads it that has no state.",
                fix="Export the layer stateless (stateful=False), or with resource variables.",
            )
        if tensor.elements == 0 and tensor.dtype is not DType.INT32:
            yield Finding(
                rule="empty-tensor",
                where=where,
                message=f"its shape {tensor.shape} has no elements.",
                fix="Give every layer a size of at least 1.",
            )
