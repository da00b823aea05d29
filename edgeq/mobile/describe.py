"""A variant's metadata: put together from what is known, written, and read back."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edgeq.errors import InputError, ModelError
from edgeq.mobile.metadata import InputMetadata, ModelMetadata, OutputMetadata, read_metadata, with_metadata
from edgeq.mobile.signatures import interface_names
from edgeq.mobile.variant import Variant
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.graph import Graph, Tensor
from edgeq.records import Normalization


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What an app must know: see `edgeq.mobile.labels` and `edgeq.mobile.normalization`. `images` says that the inputs
    are known to be images."""

    name: str
    labels: tuple[str, ...]
    labelled: int | None
    normalization: Normalization | None
    images: bool


def described(variant: Variant, facts: Facts) -> Variant:
    """The variant with its metadata in it, read back and compared; what it computes is the same.

    Args:
        variant: any.
        facts: what to write.

    Raises:
        ModelError: what was read back is not what was written, or the model is another one.
    """
    inputs, outputs = interface_names(variant.content, variant.graph)
    metadata = ModelMetadata(
        name=facts.name,
        description=f"The {variant.kind.value} variant.",
        inputs=tuple(_input(n, t, facts) for n, t in zip(inputs, variant.graph.input_tensors, strict=True)),
        outputs=tuple(OutputMetadata(name=n, labelled=i == facts.labelled) for i, n in enumerate(outputs)),
        labels=facts.labels if facts.labelled is not None else (),
    )
    content = with_metadata(variant.content, metadata)
    graph = parse_tflite(content)
    if read_metadata(content) != metadata or not same_model(variant.graph, graph):
        raise ModelError(
            f"Writing metadata changed the {variant.kind.value} variant.",
            hint="That is a fault of edgeq's: please report it, with the model.",
        )
    quantized = variant.quantized and replace(variant.quantized, content=content, graph=graph)
    return replace(variant, content=content, graph=graph, quantized=quantized)


def refuse_second_metadata(content: bytes, *, flags: str) -> None:
    """Nothing, unless a .tflite of the user's has metadata already and is to get others.

    Raises:
        InputError: it has.
        ModelError: they are damaged.
    """
    if flags and read_metadata(content) is not None:
        raise InputError(
            f"{flags} cannot be given: the .tflite has metadata already, which are kept.",
            hint="Leave it out, or take the .tflite without metadata.",
        )


def same_model(one: Graph, other: Graph) -> bool:
    """Whether two files hold the same ops on the same tensors with the same constants."""
    return (
        (one.inputs, one.outputs) == (other.inputs, other.outputs)
        and len(one.tensors) == len(other.tensors)
        and all(_same_tensor(a, b) for a, b in zip(one.tensors, other.tensors, strict=True))
        and [(o.name, o.version, o.inputs, o.outputs, o.options) for o in one.ops]
        == [(o.name, o.version, o.inputs, o.outputs, o.options) for o in other.ops]
    )


def _same_tensor(a: Tensor, b: Tensor) -> bool:
    if any(getattr(a, name) != getattr(b, name) for name in ("name", "shape", "dtype", "quantization", "signature")):
        return False
    if a.data is None or b.data is None:
        return a.data is b.data
    return a.data.tobytes() == b.data.tobytes()


def _input(name: str, tensor: Tensor, facts: Facts) -> InputMetadata:
    is_image = len(tensor.shape) == 4 and (tensor.shape[-1] == 3 or (facts.images and tensor.shape[-1] == 1))
    return InputMetadata(
        name=name,
        normalization=facts.normalization,
        image=(tensor.shape[2], tensor.shape[1]) if is_image else None,
        channels=tensor.shape[-1] if is_image else 0,
    )
