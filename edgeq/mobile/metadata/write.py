"""ModelMetadata to the bytes of its flatbuffer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from edgeq.mobile.metadata.layout import (
    IDENTIFIER,
    LABELS_FILE,
    MIN_PARSER_VERSION,
    Content,
    File,
    Image,
    Model,
    ProcessUnit,
    SubGraph,
    Tensor,
)
from edgeq.mobile.metadata.record import InputMetadata, ModelMetadata, OutputMetadata
from edgeq.records import Normalization


def encode(metadata: ModelMetadata) -> bytes:
    """The flatbuffer, with its identifier; the same metadata give the same bytes."""
    import flatbuffers

    builder = flatbuffers.Builder(1024)
    inputs = _vector(builder, [_input(builder, one) for one in metadata.inputs])
    outputs = _vector(builder, [_output(builder, one) for one in metadata.outputs])
    subgraph = _table(builder, {SubGraph.INPUTS: inputs, SubGraph.OUTPUTS: outputs})
    fields = {
        Model.NAME: builder.CreateString(metadata.name),
        Model.DESCRIPTION: builder.CreateString(metadata.description),
        Model.SUBGRAPHS: _vector(builder, [subgraph]),
        Model.MIN_PARSER_VERSION: builder.CreateString(MIN_PARSER_VERSION),
    }
    builder.Finish(_table(builder, fields), IDENTIFIER)
    return bytes(builder.Output())


def _input(builder: Any, one: InputMetadata) -> int:
    fields = {Tensor.NAME: builder.CreateString(one.name), Tensor.CONTENT: _content(builder, one)}
    if one.normalization is not None:
        unit = _union(builder, ProcessUnit.OPTIONS_TYPE, ProcessUnit.NORMALIZATION, _scale(builder, one.normalization))
        fields[Tensor.PROCESS_UNITS] = _vector(builder, [unit])
    return _table(builder, fields)


def _output(builder: Any, one: OutputMetadata) -> int:
    fields = {
        Tensor.NAME: builder.CreateString(one.name),
        Tensor.CONTENT: _union(builder, Content.PROPERTIES_TYPE, Content.FEATURE, _table(builder, {})),
    }
    if one.labelled:
        names = {
            File.NAME: builder.CreateString(LABELS_FILE),
            File.DESCRIPTION: builder.CreateString("Names of the classes, one a line."),
        }
        file = _table(builder, names, numbers={File.TYPE: File.AXIS_LABELS})
        fields[Tensor.FILES] = _vector(builder, [file])
    return _table(builder, fields)


def _content(builder: Any, one: InputMetadata) -> int:
    if one.image is None:
        return _union(builder, Content.PROPERTIES_TYPE, Content.FEATURE, _table(builder, {}))
    width, height = one.image
    size = _table(builder, {}, sizes={Image.WIDTH: width, Image.HEIGHT: height})
    colours = Image.RGB if one.channels == 3 else Image.GRAYSCALE
    properties = _table(builder, {Image.DEFAULT_SIZE: size}, numbers={Image.COLOR_SPACE: colours})
    return _union(builder, Content.PROPERTIES_TYPE, Content.IMAGE, properties)


def _scale(builder: Any, normalization: Normalization) -> int:
    mean, std = (builder.CreateNumpyVector(np.array(v, np.float32)) for v in (normalization.mean, normalization.std))
    return _table(builder, {ProcessUnit.MEAN: mean, ProcessUnit.STD: std})


def _union(builder: Any, slot: int, kind: int, value: int) -> int:
    """A table whose one field is a union: its type in `slot`, its value in the next."""
    return _table(builder, {slot + 1: value}, numbers={slot: kind})


def _table(
    builder: Any,
    offsets: Mapping[int, int],
    *,
    numbers: Mapping[int, int] | None = None,
    sizes: Mapping[int, int] | None = None,
) -> int:
    """A table: `offsets` to what was written before, `numbers` of one byte and `sizes` of four, by field."""
    builder.StartObject(1 + max((*offsets, *(numbers or {}), *(sizes or {})), default=-1))
    for slot, offset in offsets.items():
        builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
    for slot, size in (sizes or {}).items():
        builder.PrependUint32Slot(slot, size, 0)
    for slot, number in (numbers or {}).items():
        builder.PrependByteSlot(slot, number, 0)
    return int(builder.EndObject())


def _vector(builder: Any, tables: Sequence[int]) -> int:
    builder.StartVector(4, len(tables), 4)
    for table in reversed(tables):
        builder.PrependUOffsetTRelative(table)
    return int(builder.EndVector())
