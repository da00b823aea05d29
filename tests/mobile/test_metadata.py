"""Metadata in a .tflite: read back as written, where the schema wants them, and nothing else is changed."""

from __future__ import annotations

import contextlib
import io
import zipfile

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from projects import tiny_model
from tflite_builder import ModelBuilder

from edgeq.errors import InputError, ModelError
from edgeq.mobile.describe import refuse_second_metadata, same_model
from edgeq.mobile.metadata import InputMetadata, ModelMetadata, OutputMetadata, read_metadata, with_metadata
from edgeq.mobile.metadata.layout import IDENTIFIER
from edgeq.mobile.metadata.read import decode
from edgeq.mobile.metadata.write import encode
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.tables import Corrupt
from edgeq.records import Normalization

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
NUMBERS = st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=4).map(tuple)
INPUTS = st.builds(
    InputMetadata,
    name=TEXT,
    normalization=st.none() | st.builds(Normalization, mean=NUMBERS, std=NUMBERS),
)
IMAGES = st.builds(
    InputMetadata, name=TEXT, image=st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)),
    channels=st.sampled_from([1, 3]),
)  # fmt: skip
METADATA = st.builds(
    ModelMetadata,
    name=TEXT,
    description=TEXT,
    inputs=st.lists(INPUTS | IMAGES, max_size=3).map(tuple),
    outputs=st.lists(st.builds(OutputMetadata, name=TEXT), max_size=3).map(tuple),
)

EXAMPLE = ModelMetadata(
    name="tiny",
    description="The int8 variant.",
    inputs=(InputMetadata(name="picture", normalization=Normalization(mean=(127.5,), std=(127.5,))),),
    outputs=(OutputMetadata(name="class", labelled=True),),
    labels=("cat", "Zürich", "鳥"),
)


@settings(suppress_health_check=[HealthCheck.too_slow])  # the first draw, on a busy machine
@given(METADATA)
def test_what_is_written_is_read(metadata: ModelMetadata) -> None:
    assert decode(encode(metadata)) == (metadata, None)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(METADATA, st.data())
def test_damaged_metadata_are_an_error_and_nothing_worse(metadata: ModelMetadata, data: st.DataObject) -> None:
    raw = bytearray(encode(metadata))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(Corrupt):
        decode(bytes(raw[: data.draw(st.integers(0, len(raw)))]))


def test_where_others_look_for_it() -> None:
    """By the schema's own accessors: a buffer named TFLITE_METADATA, and a zip archive behind the flatbuffer."""
    content = with_metadata(tiny_model(1), EXAMPLE)
    model = schema.Model.GetRootAs(content)
    entries = {model.Metadata(i).Name(): model.Metadata(i).Buffer() for i in range(model.MetadataLength())}
    raw = model.Buffers(entries[b"TFLITE_METADATA"]).DataAsNumpy().tobytes()
    assert flatbuffers.util.BufferHasIdentifier(raw, 0, IDENTIFIER)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.namelist() == ["labels.txt"]
        assert archive.read("labels.txt").decode() == "cat\nZürich\n鳥\n"
        assert archive.testzip() is None


def test_the_model_is_the_same() -> None:
    plain = tiny_model(1)
    content = with_metadata(plain, EXAMPLE)
    assert read_metadata(plain) is None
    assert read_metadata(content) == EXAMPLE
    assert same_model(parse_tflite(plain), parse_tflite(content))
    rng = np.random.default_rng(0)
    shape = parse_tflite(plain).input_tensors[0].shape
    x = rng.integers(-128, 128, shape, np.int8)
    assert np.array_equal(answer(plain, x), answer(content, x))


def test_constants_without_dimensions_are_compared() -> None:
    """Such as EXPAND_DIMS' axis, which every Conv1D brings."""

    def model(axis: int) -> bytes:
        m = ModelBuilder()
        x, y = m.tensor("x", (1, 4), "float32"), m.tensor("y", (1, 1, 4), "float32")
        m.op("EXPAND_DIMS", [x, m.tensor("axis", (), "int32", data=np.array(axis, np.int32))], [y])
        return m.finish([x], [y])

    one = parse_tflite(model(0))
    assert same_model(one, parse_tflite(with_metadata(model(0), EXAMPLE)))
    assert not same_model(one, parse_tflite(model(1)))


def test_constants_stay_aligned() -> None:
    content = with_metadata(tiny_model(1), EXAMPLE)
    model, start = schema.Model.GetRootAs(content), np.frombuffer(content, np.uint8).ctypes.data
    buffers = [model.Buffers(i) for i in range(model.BuffersLength())]
    places = [b.DataAsNumpy().ctypes.data - start for b in buffers if b.DataLength()]
    assert len(places) >= 2
    assert not [place for place in places if place % 16]


def test_same_arguments_same_bytes_and_no_second_copy() -> None:
    content = with_metadata(tiny_model(1), EXAMPLE)
    assert content == with_metadata(tiny_model(1), EXAMPLE)
    again = with_metadata(content, EXAMPLE)
    assert read_metadata(again) == EXAMPLE
    assert schema.Model.GetRootAs(again).MetadataLength() == schema.Model.GetRootAs(content).MetadataLength()


def test_a_missing_label_file_is_named() -> None:
    content = with_metadata(tiny_model(1), EXAMPLE)
    with pytest.raises(ModelError, match=r"label file 'labels\.txt', which cannot be read"):
        read_metadata(content[: content.rindex(b"PK\x03\x04")])


def test_a_second_set_is_refused() -> None:
    content = with_metadata(tiny_model(1), EXAMPLE)
    refuse_second_metadata(content, flags="")
    refuse_second_metadata(tiny_model(1), flags="--labels")
    with pytest.raises(InputError, match=r"--labels cannot be given: the \.tflite has metadata already"):
        refuse_second_metadata(content, flags="--labels")


def answer(content: bytes, x: np.ndarray) -> np.ndarray:
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
