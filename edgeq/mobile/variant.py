"""A .tflite among its variants, and what a given one is."""

from __future__ import annotations

from dataclasses import dataclass

from edgeq.model.graph import DType, Graph
from edgeq.records import Quantized, RefusedVariant, VariantKind


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Variant:
    """One .tflite. `quantized` says how it was quantized; None for those that need no calibration."""

    kind: VariantKind
    content: bytes
    graph: Graph
    quantized: Quantized | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Variants:
    """What could be made, in the order of `VariantKind`, and what could not."""

    made: tuple[Variant, ...]
    refused: tuple[RefusedVariant, ...]


def given_variant(content: bytes, graph: Graph) -> Variants:
    """A .tflite that the user has already: the one variant that it is."""
    return Variants(made=(Variant(kind=kind_of(graph), content=content, graph=graph),), refused=())


def kind_of(graph: Graph) -> VariantKind:
    """What a .tflite computes in, by its tensors: integer activations, integer weights alone, or neither."""
    values = {t.dtype for t in graph.tensors if t.data is None and t.quantization is not None}
    weights = {t.dtype for t in graph.tensors if t.data is not None and t.elements > 1}
    if DType.INT16 in values:
        return VariantKind.INT16X8
    if values & {DType.INT8, DType.UINT8}:
        return VariantKind.INT8
    if weights & {DType.INT8, DType.UINT8}:
        return VariantKind.DYNAMIC_RANGE
    return VariantKind.FLOAT16 if DType.FLOAT16 in weights else VariantKind.FLOAT32
