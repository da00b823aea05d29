"""Metadata into a .tflite, and out of it again."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from typing import Any

import numpy as np

from edgeq.errors import ModelError
from edgeq.mobile.metadata.layout import BUFFER, LABELS_FILE
from edgeq.mobile.metadata.read import decode
from edgeq.mobile.metadata.record import ModelMetadata
from edgeq.mobile.metadata.write import encode
from edgeq.model.tables import Bytes, Corrupt

_ALIGNMENT = 16  # of constants, as the TFLite schema asks for
_METADATA, _BUFFERS = 6, 4  # fields of the TFLite schema's table Model
_NAME, _INDEX = 0, 1  # of its table Metadata


def with_metadata(content: bytes, metadata: ModelMetadata) -> bytes:
    """The .tflite with metadata in it; what it had of them is replaced. Graph, constants and signatures stay as they
    are. The same arguments give the same bytes.

    Args:
        content: a .tflite without an archive behind it, or with one, which is dropped.
        metadata: in the order of the model's inputs and outputs.
    """
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(content, 0)
    buffer, entry = schema.BufferT(), schema.MetadataT()
    buffer.data = np.frombuffer(encode(metadata), np.uint8)
    entries = [other for other in model.metadata or [] if other.name != BUFFER.encode()]
    entry.name, entry.buffer = BUFFER, len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*entries, entry]
    made = _packed(model)
    return made + _archive(metadata.labels, len(made)) if metadata.labels else made


def read_metadata(content: bytes) -> ModelMetadata | None:
    """The metadata in a .tflite, None if it has none.

    Raises:
        ModelError: they are damaged, or name a label file that is not there.
    """
    try:
        model = Bytes(content).root()
        entry = next((e for e in model.tables(_METADATA) if e.text(_NAME) == BUFFER), None)
        if entry is None:
            return None
        buffers, index = model.tables(_BUFFERS), entry.integer(_INDEX, "I")
        found = buffers[index].array(0, "uint8") if index < len(buffers) else None
        if found is None:
            raise Corrupt(f"its metadata are in buffer {index}, which is not there")
        metadata, file = decode(found.tobytes())
    except Corrupt as exc:
        raise ModelError(f"The model's metadata cannot be read: {exc}.") from exc
    return metadata if file is None else replace(metadata, labels=_labels(content, file))


def _packed(model: Any) -> bytes:
    import flatbuffers

    class Aligned(flatbuffers.Builder):  # type: ignore[misc]
        """Python's flatbuffers know nothing of the schema's `force_align`."""

        def StartVector(self, elemSize: int, numElems: int, alignment: int) -> Any:  # noqa: N802, N803
            return super().StartVector(elemSize, numElems, _ALIGNMENT if elemSize == 1 else alignment)

    builder = Aligned(4096)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _archive(labels: tuple[str, ...], start: int) -> bytes:
    """A zip archive with the label file, for a place `start` bytes behind the file's beginning."""
    stream = io.BytesIO()
    stream.write(bytes(start))
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_STORED) as archive:
        info = zipfile.ZipInfo(LABELS_FILE)  # of 1980: the same bytes every time
        info.external_attr = 0o644 << 16
        archive.writestr(info, "".join(label + "\n" for label in labels))
    return stream.getvalue()[start:]


def _labels(content: bytes, file: str) -> tuple[str, ...]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return tuple(archive.read(file).decode("utf-8").splitlines())
    except (zipfile.BadZipFile, KeyError, ValueError, NotImplementedError, OSError) as exc:
        raise ModelError(f"The model's metadata name the label file {file!r}, which cannot be read: {exc}.") from exc
