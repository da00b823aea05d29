"""The bytes of the metadata's flatbuffer to ModelMetadata; anybody's, not only edgeq's own."""

from __future__ import annotations

from edgeq.mobile.metadata.layout import IDENTIFIER, Content, File, Image, Model, ProcessUnit, SubGraph, Tensor
from edgeq.mobile.metadata.record import InputMetadata, ModelMetadata, OutputMetadata
from edgeq.model.tables import Bytes, Corrupt, Table
from edgeq.records import Normalization


def decode(content: bytes) -> tuple[ModelMetadata, str | None]:
    """The metadata without the labels, and the name of the label file in the archive, None if it names none.

    Raises:
        edgeq.model.tables.Corrupt: the bytes are damaged, or no such metadata.
    """
    if content[4:8] != IDENTIFIER:
        raise Corrupt(f"its metadata have the identifier {content[4:8]!r} and not {IDENTIFIER!r}")
    model = Bytes(content).root()
    subgraphs = model.tables(Model.SUBGRAPHS)
    if not subgraphs:
        raise Corrupt("its metadata describe no subgraph")
    outputs = subgraphs[0].tables(SubGraph.OUTPUTS)
    files = [_labels_file(output) for output in outputs]
    metadata = ModelMetadata(
        name=model.text(Model.NAME),
        description=model.text(Model.DESCRIPTION),
        inputs=tuple(_input(table) for table in subgraphs[0].tables(SubGraph.INPUTS)),
        outputs=tuple(
            OutputMetadata(name=table.text(Tensor.NAME), labelled=file is not None)
            for table, file in zip(outputs, files, strict=True)
        ),
    )
    return metadata, next((file for file in files if file is not None), None)


def _input(table: Table) -> InputMetadata:
    normalization = None
    for unit in table.tables(Tensor.PROCESS_UNITS):
        options = unit.table(ProcessUnit.OPTIONS)
        if unit.integer(ProcessUnit.OPTIONS_TYPE, "B") == ProcessUnit.NORMALIZATION and options is not None:
            normalization = Normalization(mean=options.floats(ProcessUnit.MEAN), std=options.floats(ProcessUnit.STD))
    name = table.text(Tensor.NAME)
    content = table.table(Tensor.CONTENT)
    image = content.table(Content.PROPERTIES) if content is not None else None
    if content is None or image is None or content.integer(Content.PROPERTIES_TYPE, "B") != Content.IMAGE:
        return InputMetadata(name=name, normalization=normalization)
    size = image.table(Image.DEFAULT_SIZE)
    return InputMetadata(
        name=name,
        normalization=normalization,
        image=(0, 0) if size is None else (size.integer(Image.WIDTH, "I"), size.integer(Image.HEIGHT, "I")),
        channels={Image.RGB: 3, Image.GRAYSCALE: 1}.get(image.integer(Image.COLOR_SPACE, "b"), 0),
    )


def _labels_file(table: Table) -> str | None:
    for file in table.tables(Tensor.FILES):
        if file.integer(File.TYPE, "b") == File.AXIS_LABELS:
            return file.text(File.NAME)
    return None
