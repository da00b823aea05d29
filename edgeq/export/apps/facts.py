"""What an app must know of a model, of one variant of a build: names, shapes, conversions, labels, golden values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeq.errors import UnsupportedError
from edgeq.export.apps.golden import Conversion, Picture, dequantized, little_endian, normalized, picture, quantized
from edgeq.export.apps.words import Word, value_words
from edgeq.mobile.builds import MobileBuild
from edgeq.mobile.checks import enough_db
from edgeq.mobile.metadata import InputMetadata, ModelMetadata, read_metadata
from edgeq.mobile.normalization import IDENTITY
from edgeq.mobile.signatures import interface_names, read_signature
from edgeq.mobile.variant import Variant
from edgeq.model.graph import DType, Tensor
from edgeq.model.quantization import dequantize_output
from edgeq.records import Normalization, VariantKind

_TYPES = (DType.FLOAT32, DType.INT8, DType.UINT8, DType.INT16)
_EXPORTED_KINDS = "float32, int8, uint8 and int16"


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """One input or output. `scale` and `zero_point` are None for real values; `normalization` is what the app does to
    its own values before an input, None where nothing is known or nothing is to do; `picture` says how pixels become an
    input, None if it is no image, or nobody knows; `labels` name the entries of an output. `golden_values` are those of
    a sample, real ones: what goes in, or what the host answered."""

    kind: str
    index: int
    name: str
    word: Word
    dtype: DType
    shape: tuple[int, ...]
    elements: int
    scale: float | None
    zero_point: int | None
    normalization: Normalization | None
    picture: Picture | None
    labels: tuple[str, ...]
    normalizing: Conversion | None
    quantizing: Conversion | None
    dequantizing: Conversion | None
    golden_values: bytes

    @property
    def ranked(self) -> bool:
        """Whether each entry has a label, so that the best can be named."""
        return len(self.labels) == self.elements

    @property
    def golden_file(self) -> str:
        """The name of the file with the sample's values."""
        return f"golden_{self.kind}_{self.index}.bin"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Facts:
    """A variant. `signature` is its key, None if it has none. `golden_db` is what the outputs of other machines for the
    golden sample may be away from this host's, where they are real values: an SQNR in dB."""

    kind: VariantKind
    content: bytes
    sha256: str
    signature: str | None
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    stateful: bool
    golden_db: float

    @property
    def values(self) -> tuple[Value, ...]:
        """Inputs, then outputs."""
        return (*self.inputs, *self.outputs)


def facts_of(build: MobileBuild, kind: VariantKind) -> Facts:
    """The facts of a variant of a build.

    Raises:
        InputError: the build has no such variant.
        UnsupportedError: an input or output is of a type, or has a free size, that the exported sources cannot have.
    """
    variant, answers = build.variant(kind)
    graph = variant.graph
    for what, tensors in (("input", graph.input_tensors), ("output", graph.output_tensors)):
        for tensor in tensors:
            _check(variant, what, tensor)
    names = interface_names(variant.content, graph)
    words = value_words(*names)
    signature, about = read_signature(variant.content, graph), read_metadata(variant.content)
    samples = [values[0] for values in build.samples.inputs]
    answered = [dequantize_output(a[0], t) for a, t in zip(answers.outputs, graph.output_tensors, strict=True)]
    row = next(row for row in build.info.rows if row.kind is variant.kind)
    return Facts(
        kind=variant.kind,
        content=variant.content,
        sha256=graph.sha256,
        signature=None if signature is None else signature.key,
        inputs=tuple(
            _value("input", i, names[0][i], words[0][i], tensor, samples[i], about=_input(about, i))
            for i, tensor in enumerate(graph.input_tensors)
        ),
        outputs=tuple(
            _value("output", i, names[1][i], words[1][i], tensor, answered[i], labels=_labels(about, i))
            for i, tensor in enumerate(graph.output_tensors)
        ),
        stateful=graph.is_stateful,
        golden_db=max(enough_db(row), 0.0),
    )


def _value(
    kind: str, index: int, name: str, word: Word, tensor: Tensor, values: NDArray[np.generic], *,
    about: InputMetadata | None = None, labels: Sequence[str] = (),
) -> Value:  # fmt: skip
    how = tensor.quantization if tensor.dtype is not DType.FLOAT32 else None
    known = about.normalization if about is not None and _fits(about.normalization, tensor) else None
    normalization = None if known == IDENTITY else known
    return Value(
        kind=kind, index=index, name=name, word=word, dtype=tensor.dtype, shape=tensor.shape,
        elements=tensor.elements, scale=None if how is None else how.scale,
        zero_point=None if how is None else how.zero_point, normalization=normalization,
        picture=_picture(about, known, tensor), labels=tuple(labels), normalizing=normalized(normalization),
        quantizing=quantized(tensor), dequantizing=dequantized(tensor), golden_values=little_endian(values),
    )  # fmt: skip


def _check(variant: Variant, what: str, tensor: Tensor) -> None:
    quantization = tensor.quantization
    if tensor.dtype not in _TYPES:
        raise UnsupportedError(
            f"{what.capitalize()} {tensor.name!r} of the {variant.kind.value} variant is {tensor.dtype.value}; sources "
            f"can be exported for {_EXPORTED_KINDS}.",
            hint="Export another variant: --variant NAME.",
        )
    if tensor.dtype is not DType.FLOAT32 and (quantization is None or quantization.per_channel):
        raise UnsupportedError(
            f"{what.capitalize()} {tensor.name!r} of the {variant.kind.value} variant is {tensor.dtype.value} without "
            "one scale for all of it.",
            hint="Export another variant: --variant NAME.",
        )
    if -1 in tensor.signature:
        raise UnsupportedError(
            f"{what.capitalize()} {tensor.name!r} has the shape {tensor.signature}, with sizes that are free.",
            hint="Fix the sizes when the .tflite is made, for example to a batch of 1.",
        )


def _input(about: ModelMetadata | None, index: int) -> InputMetadata | None:
    return about.inputs[index] if about is not None and index < len(about.inputs) else None


def _fits(found: Normalization | None, tensor: Tensor) -> bool:
    """Whether an app can do what the metadata, which may be anybody's, say: not with another number of channels, or a
    std of 0."""
    if found is None:
        return False
    channels = {1, tensor.shape[-1]} if tensor.shape else {1}
    finite = bool(np.isfinite([*found.mean, *found.std]).all())
    return {len(found.mean), len(found.std)} <= channels and finite and 0.0 not in found.std


def _picture(about: InputMetadata | None, known: Normalization | None, tensor: Tensor) -> Picture | None:
    """How pixels become an input of one image, where the metadata say that it is one, and how it is normalized."""
    if about is None or about.image is None or known is None or about.channels not in (1, 3):
        return None
    width, height = about.image
    if tensor.shape != (1, height, width, about.channels):
        return None
    return picture(width, height, about.channels, known)


def _labels(about: ModelMetadata | None, index: int) -> tuple[str, ...]:
    if about is None or index >= len(about.outputs) or not about.outputs[index].labelled:
        return ()
    return about.labels
