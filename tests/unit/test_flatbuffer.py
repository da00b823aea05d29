"""Any bytes end in a Graph or in a ModelError that says what is wrong."""

from __future__ import annotations

import random
import struct

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given, settings
from hypothesis import strategies as st
from tflite_builder import ModelBuilder

from edgeq.errors import ModelError
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.graph import DType, Graph


def conv_model(**conv: object) -> bytes:
    """CONV_2D and RESHAPE, with per-channel weights, a bias, a shape constant, options of several kinds."""
    model = ModelBuilder()
    x = model.tensor("x", (1, 8, 8, 3), scale=0.5, zero_point=-3, signature=(-1, 8, 8, 3))
    weights = np.arange(108).reshape(4, 3, 3, 3) - 50
    w = model.tensor("w", (4, 3, 3, 3), data=weights, scale=(0.01, 0.02, 0.03, 0.04))
    b = model.tensor("b", (4,), "int32", data=[1, -2, 3, 70000], scale=(0.005, 0.01, 0.015, 0.02))
    y = model.tensor("y", (1, 4, 4, 4), scale=0.25, zero_point=7)
    shape = model.tensor("shape", (2,), "int32", data=[1, 64])
    z = model.tensor("z", (1, 64), scale=0.25, zero_point=7)
    options = {"stride_w": 2, "stride_h": 2, "dilation_w_factor": 1, "fused_activation_function": "RELU6", **conv}
    model.op("CONV_2D", [x, w, b], [y], padding="SAME", version=3, **options)
    model.op("RESHAPE", [y, shape], [z], new_shape=(1, 64))
    return model.finish([x], [z])


def test_everything_is_read() -> None:
    content = conv_model(dilation_h_factor=2)
    graph = parse_tflite(content)
    x, w, b, y, shape, z = graph.tensors
    assert (x.name, x.shape, x.dtype, x.data, x.signature) == ("x", (1, 8, 8, 3), DType.INT8, None, (-1, 8, 8, 3))
    assert x.quantization is not None and x.quantization.scale == 0.5 and x.quantization.zero_point == -3
    assert not x.quantization.per_channel
    assert w.quantization is not None and w.quantization.axis == 0
    assert w.quantization.scales == tuple(float(np.float32(s)) for s in (0.01, 0.02, 0.03, 0.04))
    assert w.data is not None and w.data.dtype == np.int8 and not w.data.flags.writeable
    assert (w.data == np.arange(108).reshape(4, 3, 3, 3) - 50).all()
    assert b.data is not None and b.data.dtype == np.int32 and b.data.tolist() == [1, -2, 3, 70000]
    assert shape.data is not None and shape.data.tolist() == [1, 64] and shape.quantization is None
    assert y.signature == () and z.elements == 64
    conv, reshape = graph.ops
    assert (conv.index, conv.name, conv.version, conv.inputs, conv.outputs) == (0, "CONV_2D", 3, (0, 1, 2), (3,))
    assert conv.options == {
        "padding": "SAME",
        "stride_w": 2,
        "stride_h": 2,
        "fused_activation_function": "RELU6",
        "dilation_w_factor": 1,
        "dilation_h_factor": 2,
        "quantized_bias_type": "FLOAT32",
    }
    assert reshape.options == {"new_shape": (1, 64)}
    assert (graph.inputs, graph.outputs, graph.size) == ((0,), (5,), len(content))
    assert len(graph.sha256) == 64


def test_options_that_are_absent_have_the_schemas_defaults() -> None:
    model = ModelBuilder()
    x, y = (model.tensor(n, (1, 4), scale=1.0) for n in "xy")
    model.op("SOFTMAX", [x], [y])
    operator = model.graph.operators[0]
    operator.builtinOptions, operator.builtinOptionsType = None, schema.BuiltinOptions.NONE
    assert parse_tflite(model.finish([x], [y])).ops[0].options == {"beta": 0.0}


def test_optional_inputs_and_custom_ops() -> None:
    model = ModelBuilder()
    x, y, z = (model.tensor(n, (1, 4), scale=1.0) for n in "xyz")
    w = model.tensor("w", (4, 4), data=np.ones((4, 4)), scale=1.0)
    model.op("FULLY_CONNECTED", [x, w, -1], [y])
    model.op("CUSTOM:Mine", [y], [z])
    graph = parse_tflite(model.finish([x], [z]))
    assert graph.ops[0].inputs == (0, 3, -1)
    assert graph.ops[1].name == "CUSTOM:Mine"


def test_codes_above_127() -> None:
    model = ModelBuilder()
    x, y = (model.tensor(n, (1, 4), scale=1.0) for n in "xy")
    model.op("GELU", [x], [y])
    assert parse_tflite(model.finish([x], [y])).ops[0].name == "GELU"


def test_variable_tensors_are_marked() -> None:
    model = ModelBuilder()
    x, y = (model.tensor(n, (1, 4), scale=1.0) for n in "xy")
    state = model.tensor("state", (1, 4), scale=1.0, variable=True)
    model.op("ADD", [x, state], [y])
    graph = parse_tflite(model.finish([x], [y]))
    assert [t.is_variable for t in graph.tensors] == [False, False, True]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "m.tflite is empty (0 bytes)"),
        (b"PK\x03\x04" + bytes(100), "a Keras 3 .keras file"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "a legacy .h5 model"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"garbage that is long enough", 'not the identifier "TFL3"'),
        (b"\xff\xff\xff\xffTFL3", "is damaged"),
        (b"\x00\x00\x00\x00TFL3", "is damaged"),
    ],
)
def test_what_is_no_tflite_is_named(content: bytes, message: str) -> None:
    with pytest.raises(ModelError) as caught:
        parse_tflite(content, where="m.tflite")
    assert message in str(caught.value)
    assert caught.value.hint


def build(change: object) -> bytes:
    """The conv model, changed on the level of the schema's objects."""
    model = schema.ModelT.InitFromPackedBuf(conv_model())
    change(model)  # type: ignore[operator]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _tensor(index: int, **values: object) -> object:
    def change(model: schema.ModelT) -> None:
        for name, value in values.items():
            setattr(model.subgraphs[0].tensors[index], name, value)

    return change


def _op(index: int, **values: object) -> object:
    def change(model: schema.ModelT) -> None:
        for name, value in values.items():
            setattr(model.subgraphs[0].operators[index], name, value)

    return change


def _two_subgraphs(model: schema.ModelT) -> None:
    model.subgraphs.append(model.subgraphs[0])


def _while(model: schema.ModelT) -> None:
    model.operatorCodes[1].deprecatedBuiltinCode = schema.BuiltinOperator.WHILE
    model.operatorCodes[1].builtinCode = schema.BuiltinOperator.WHILE


def _stride_text(model: schema.ModelT) -> None:
    model.subgraphs[0].operators[0].builtinOptions = schema.Pool2DOptionsT()
    model.subgraphs[0].operators[0].builtinOptionsType = schema.BuiltinOptions.Pool2DOptions


def _padding(model: schema.ModelT) -> None:
    model.subgraphs[0].operators[0].builtinOptions.padding = 9


def _int32(*values: int) -> np.ndarray:
    return np.asarray(values, np.int32)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_two_subgraphs, "2 subgraphs, which means control flow"),
        (_while, "op 1 is WHILE: control flow"),
        (_tensor(0, type=schema.TensorType.STRING), 'tensor 0 "x" has element type STRING'),
        (_tensor(0, type=schema.TensorType.INT4), 'tensor 0 "x" has element type INT4'),
        (_tensor(1, sparsity=schema.SparsityParametersT()), 'tensor 1 "w" is stored sparsely'),
        (_tensor(1, shape=_int32(4, 3, 3, 4)), "takes 144 bytes, its buffer has 108"),
        (_tensor(1, shape=_int32(4, 3, 3, -3)), "impossible shape"),
        (_tensor(3, shape=_int32(2**30, 2**30)), "impossible shape"),
        (_tensor(3, shape=_int32(*[1] * 40)), "40 dimensions"),
        (_tensor(1, buffer=77), "uses buffer 77"),
        (_tensor(0, shapeSignature=_int32(1, 2)), "4 dimensions in its shape and 2 in its signature"),
        (_op(0, inputs=_int32(0, 1, 99)), "refer to tensor 99 of 6"),
        (_op(0, inputs=_int32(0, 1, -2)), "refer to tensor -2"),
        (_op(0, outputs=_int32(-1)), "refer to tensor -1"),
        (_op(0, outputs=_int32()), "has no output"),
        (_op(0, inputs=_int32(5, 1, 2)), 'op 0 CONV_2D reads tensor 5 "z" before any op computes it'),
        (_op(1, outputs=_int32(3)), 'writes tensor 3 "y", which has a value already'),
        (_op(0, outputs=_int32(1)), 'writes tensor 1 "w", which has a value already'),
        (_op(0, opcodeIndex=5), "uses operator code 5 of 2"),
        (_stride_text, "CONV_2D has Pool2DOptions where Conv2DOptions belong"),
        (_padding, "option padding has a value that the schema does not know"),
        (lambda m: setattr(m, "version", 2), "schema version is 2"),
        (lambda m: setattr(m.subgraphs[0], "operators", []), "no operators"),
        (lambda m: setattr(m.subgraphs[0], "inputs", _int32(0, 0)), "twice as the model's input"),
        (lambda m: setattr(m.subgraphs[0], "inputs", _int32(1)), "both an input and a constant"),
        (lambda m: setattr(m.subgraphs[0], "outputs", _int32()), "1 inputs and 0 outputs"),
        (lambda m: setattr(m.subgraphs[0].tensors[1].quantization, "quantizedDimension", 1), "4 scales along axis 1"),
        (lambda m: setattr(m.subgraphs[0].tensors[1].quantization, "quantizedDimension", 9), "4 scales along axis 9"),
        (lambda m: setattr(m.subgraphs[0].tensors[0].quantization, "zeroPoint", None), "1 scales and 0 zero points"),
        (lambda m: setattr(m.buffers[m.subgraphs[0].tensors[1].buffer], "offset", 4096), "behind the flatbuffer"),
    ],
)
def test_what_is_inconsistent_or_unsupported_is_named(change: object, message: str) -> None:
    with pytest.raises(ModelError) as caught:
        parse_tflite(build(change))
    assert message in str(caught.value)
    assert caught.value.hint


def outcome(content: bytes) -> Graph | ModelError:
    try:
        return parse_tflite(content)
    except ModelError as error:
        return error


def test_every_truncation_is_a_model_error() -> None:
    content = conv_model()
    assert all(isinstance(outcome(content[:length]), ModelError) for length in range(len(content)))


def test_every_single_byte_changed() -> None:
    content = conv_model()
    results = []
    for position in range(len(content)):
        for value in (0x00, 0xFF, 0x80, content[position] ^ 1):
            results.append(outcome(content[:position] + bytes([value]) + content[position + 1 :]))
    assert any(isinstance(r, ModelError) for r in results)
    assert any(isinstance(r, Graph) for r in results)


def test_every_word_replaced_by_extremes() -> None:
    content = conv_model()
    words = (0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0x7FFFFFF0, len(content), len(content) - 4)
    for position in range(0, len(content) - 4, 2):
        for word in words:
            outcome(content[:position] + struct.pack("<I", word) + content[position + 4 :])


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_many_random_changes_at_once(seed: int, count: int) -> None:
    random_source = random.Random(seed)  # noqa: S311 (reproducible, not secret)
    content = bytearray(conv_model())
    for _ in range(count):
        content[random_source.randrange(8, len(content))] = random_source.randrange(256)
    outcome(bytes(content))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_random_bytes_behind_the_identifier(tail: bytes) -> None:
    outcome(b"\x08\x00\x00\x00TFL3" + tail)


def test_tables_that_share_one_long_vector_are_refused_before_they_cost_time() -> None:
    """20,000 tensors that all point to the same table of 20,000 scales: 4·10⁸ numbers in a file of under 1 MB."""
    count = 20_000
    builder = flatbuffers.Builder(1 << 20)
    scales = builder.CreateNumpyVector(np.ones(count, np.float32))
    zeros = builder.CreateNumpyVector(np.zeros(count, np.int64))
    schema.QuantizationParametersStart(builder)
    schema.QuantizationParametersAddScale(builder, scales)
    schema.QuantizationParametersAddZeroPoint(builder, zeros)
    quantization = schema.QuantizationParametersEnd(builder)
    shape = builder.CreateNumpyVector(np.asarray([count], np.int32))
    schema.TensorStart(builder)
    schema.TensorAddShape(builder, shape)
    schema.TensorAddType(builder, schema.TensorType.INT8)
    schema.TensorAddQuantization(builder, quantization)
    tensor = schema.TensorEnd(builder)
    schema.SubGraphStartTensorsVector(builder, count)
    for _ in range(count):
        builder.PrependUOffsetTRelative(tensor)
    tensors = builder.EndVector()
    schema.SubGraphStart(builder)
    schema.SubGraphAddTensors(builder, tensors)
    subgraph = schema.SubGraphEnd(builder)
    schema.ModelStartSubgraphsVector(builder, 1)
    builder.PrependUOffsetTRelative(subgraph)
    subgraphs = builder.EndVector()
    buffer = schema.BufferT().Pack(builder)
    schema.ModelStartBuffersVector(builder, 1)
    builder.PrependUOffsetTRelative(buffer)
    buffers = builder.EndVector()
    schema.ModelStart(builder)
    schema.ModelAddVersion(builder, 3)
    schema.ModelAddSubgraphs(builder, subgraphs)
    schema.ModelAddBuffers(builder, buffers)
    builder.Finish(schema.ModelEnd(builder), b"TFL3")
    with pytest.raises(ModelError, match="overlap over and over"):
        parse_tflite(bytes(builder.Output()))


def _with_variable(*, dtype: str = "int8", late: bool = False, computed: bool = False) -> bytes:
    model = ModelBuilder()
    x = model.tensor("x", (1, 4), scale=0.1)
    old, other = model.tensor("old", (1, 4), scale=0.1), model.tensor("other", (1, 4), dtype, scale=0.1)
    first = (np.zeros((1, 4), np.int8), {"scale": 0.1})
    if not late:
        model.call_once({"v": first})
    model.op("READ_VARIABLE", [model.variable("v")], [old])
    if late:
        model.call_once({"v": first})
    model.op("READ_VARIABLE", [model.variable("v")], [other])
    if computed:
        model.model.subgraphs[1].tensors[0].buffer = 0
    return model.finish([x], [old])


def test_handles_become_the_variable_that_they_name() -> None:
    graph = parse_tflite(_with_variable())
    names = [op.name for op in graph.ops]
    assert names == ["CALL_ONCE", "VAR_HANDLE", "READ_VARIABLE", "VAR_HANDLE", "READ_VARIABLE"]
    (handle,) = graph.ops[2].inputs
    assert graph.ops[4].inputs == graph.ops[0].outputs == (handle,)
    variable = graph.tensors[handle]
    assert variable.is_variable and graph.is_stateful
    assert (variable.shape, variable.dtype.value) == ((1, 4), "int8")
    assert variable.initial is not None and variable.initial.tolist() == [[0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (_with_variable(dtype="int32"), "takes variable '/v' for int32"),
        (_with_variable(late=True), "CALL_ONCE comes behind an op that uses a variable"),
        (_with_variable(computed=True), "are computed, by ASSIGN_VARIABLE"),
    ],
)
def test_variables_that_do_not_fit(content: bytes, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        parse_tflite(content)
