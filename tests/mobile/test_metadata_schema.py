"""The metadata, read with nothing of edgeq's: by flatbuffers' own tables, at the places that the public schema gives.

The numbers are those in the accessors that flatc makes of metadata_schema.fbs (in the tflite-support 0.4.4 wheel, which
is for older Pythons; its accessors read the same bytes alike). Each field has two bytes in its table's vtable, behind
the first four.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import flatbuffers
import pytest
from flatbuffers import encode as fb
from flatbuffers import number_types, packer

from edgeq.mobile.metadata.record import InputMetadata, ModelMetadata, OutputMetadata
from edgeq.mobile.metadata.write import encode
from edgeq.records import Normalization

PLACES = {
    "ModelMetadata": {"name": 4, "description": 6, "subgraph_metadata": 10, "min_parser_version": 18},
    "SubGraphMetadata": {"input_tensor_metadata": 8, "output_tensor_metadata": 10},
    "TensorMetadata": {"name": 4, "content": 10, "process_units": 12, "associated_files": 16},
    "AssociatedFile": {"name": 4, "description": 6, "type": 8},
    "Content": {"content_properties_type": 4, "content_properties": 6},
    "ImageProperties": {"color_space": 4, "default_size": 6},
    "ImageSize": {"width": 4, "height": 6},
    "ProcessUnit": {"options_type": 4, "options": 6},
    "NormalizationOptions": {"mean": 4, "std": 6},
}
FEATURE_PROPERTIES, IMAGE_PROPERTIES = 1, 2  # members of ContentProperties
NORMALIZATION_OPTIONS = 1  # of ProcessUnitOptions
TENSOR_AXIS_LABELS = 2  # of AssociatedFileType
RGB, GRAYSCALE = 1, 2  # of ColorSpaceType


@dataclass(frozen=True)
class View:
    """A table of a kind, whose fields are asked for by their names in the schema."""

    kind: str
    table: Any

    def _place(self, name: str) -> int:
        return int(self.table.Offset(PLACES[self.kind][name]))

    def text(self, name: str) -> str:
        place = self._place(name)
        return self.table.String(place + self.table.Pos).decode() if place else ""

    def number(self, name: str, flags: Any) -> int:
        place = self._place(name)
        return int(self.table.Get(flags, place + self.table.Pos)) if place else 0

    def child(self, name: str, kind: str) -> View:
        place = self._place(name)
        assert place, f"{self.kind} has no {name}"
        return View(kind, flatbuffers.table.Table(self.table.Bytes, self.table.Indirect(place + self.table.Pos)))

    def children(self, name: str, kind: str) -> list[View]:
        place = self._place(name)
        if not place:
            return []
        start = self.table.Vector(place)
        places = [self.table.Indirect(start + 4 * i) for i in range(self.table.VectorLen(place))]
        return [View(kind, flatbuffers.table.Table(self.table.Bytes, at)) for at in places]

    def floats(self, name: str) -> list[float]:
        return [float(v) for v in self.table.GetVectorAsNumpy(number_types.Float32Flags, self._place(name))]


def root(raw: bytes) -> View:
    return View("ModelMetadata", flatbuffers.table.Table(raw, fb.Get(packer.uoffset, raw, 0)))


def example(channels: int) -> ModelMetadata:
    return ModelMetadata(
        name="tiny",
        description="The int8 variant.",
        inputs=(
            InputMetadata(
                name="picture", image=(64, 48), channels=channels,
                normalization=Normalization(mean=(124.0, 116.0, 104.0), std=(58.0,)),
            ),
            InputMetadata(name="more"),
        ),
        outputs=(OutputMetadata(name="class", labelled=True), OutputMetadata(name="score")),
        labels=("cat", "dog"),
    )  # fmt: skip


@pytest.mark.parametrize(("channels", "colours"), [(3, RGB), (1, GRAYSCALE)])
def test_every_field_is_where_the_schema_says(channels: int, colours: int) -> None:
    raw = encode(example(channels))
    assert raw[4:8] == b"M001"
    model = root(raw)
    assert (model.text("name"), model.text("description")) == ("tiny", "The int8 variant.")
    assert model.text("min_parser_version") == "1.0.0"
    (graph,) = model.children("subgraph_metadata", "SubGraphMetadata")
    picture, more = graph.children("input_tensor_metadata", "TensorMetadata")
    assert (picture.text("name"), more.text("name")) == ("picture", "more")
    content = picture.child("content", "Content")
    assert content.number("content_properties_type", number_types.Uint8Flags) == IMAGE_PROPERTIES
    image = content.child("content_properties", "ImageProperties")
    assert image.number("color_space", number_types.Int8Flags) == colours
    size = image.child("default_size", "ImageSize")
    sides = [size.number(name, number_types.Uint32Flags) for name in ("width", "height")]
    assert sides == [64, 48]
    (unit,) = picture.children("process_units", "ProcessUnit")
    assert unit.number("options_type", number_types.Uint8Flags) == NORMALIZATION_OPTIONS
    options = unit.child("options", "NormalizationOptions")
    assert (options.floats("mean"), options.floats("std")) == ([124.0, 116.0, 104.0], [58.0])
    other = more.child("content", "Content")
    assert other.number("content_properties_type", number_types.Uint8Flags) == FEATURE_PROPERTIES
    assert not more.children("process_units", "ProcessUnit")


def test_the_labels_file_is_named_by_its_output_alone() -> None:
    (graph,) = root(encode(example(3))).children("subgraph_metadata", "SubGraphMetadata")
    labelled, score = graph.children("output_tensor_metadata", "TensorMetadata")
    (file,) = labelled.children("associated_files", "AssociatedFile")
    assert file.text("name") == "labels.txt"
    assert file.number("type", number_types.Int8Flags) == TENSOR_AXIS_LABELS
    assert not score.children("associated_files", "AssociatedFile")
