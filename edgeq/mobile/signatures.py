"""How an app calls a .tflite: its signature, in the order of the model's inputs and outputs."""

from __future__ import annotations

from edgeq.errors import ModelError
from edgeq.model.graph import Graph
from edgeq.model.tables import Bytes, Corrupt, Table
from edgeq.records import Signature

# Fields of the TFLite schema's tables Model, SignatureDef and TensorMap.
_SIGNATURES = 7
_INPUTS, _OUTPUTS, _KEY = 0, 1, 2
_NAME, _TENSOR = 0, 1


def read_signature(content: bytes, graph: Graph) -> Signature | None:
    """The first signature; None if the file has none, or one of other tensors than the model's inputs and outputs.

    Raises:
        ModelError: it is damaged.
    """
    try:
        found = Bytes(content).root().tables(_SIGNATURES)
        if not found:
            return None
        inputs, outputs = _names(found[0], _INPUTS), _names(found[0], _OUTPUTS)
        key = found[0].text(_KEY)
    except Corrupt as exc:
        raise ModelError(f"The model's signature cannot be read: {exc}.") from exc
    if sorted(inputs) != sorted(graph.inputs) or sorted(outputs) != sorted(graph.outputs):
        return None
    return Signature(
        key=key, inputs=tuple(inputs[i] for i in graph.inputs), outputs=tuple(outputs[i] for i in graph.outputs)
    )


def interface_names(content: bytes, graph: Graph) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What to call the inputs and outputs: as the signature does, else as their tensors are called."""
    signature = read_signature(content, graph)
    if signature is not None:
        return signature.inputs, signature.outputs
    return tuple(t.name for t in graph.input_tensors), tuple(t.name for t in graph.output_tensors)


def _names(signature: Table, slot: int) -> dict[int, str]:
    return {entry.integer(_TENSOR, "I"): entry.text(_NAME) for entry in signature.tables(slot)}
