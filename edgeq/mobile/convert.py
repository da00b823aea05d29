"""A float model as .tflite variants, and what a given .tflite is."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from edgeq.errors import UnsupportedError, VerifyError
from edgeq.model.export import Exported, export
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.graph import DType, Graph
from edgeq.model.runtime import quiet, tensorflow
from edgeq.model.scheme import Scheme
from edgeq.model.verify import require, verify
from edgeq.quantize import QuantizeOptions, quantize
from edgeq.quantize.convert import in_model_order, translated
from edgeq.quantize.options import check_options
from edgeq.records import Dataset, FloatModel, Method, Progress, Quantized, RefusedVariant, VariantKind

_SCHEMES = {VariantKind.INT8: Scheme.INT8, VariantKind.INT16X8: Scheme.INT16X8}


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


def make_variants(model: FloatModel, dataset: Dataset, options: QuantizeOptions, progress: Progress) -> Variants:
    """Every variant of a float model; int8 by the method of `options`, 16x8 with the same calibration samples.

    All have the float model's inputs and outputs in its order, and one signature with the same names.

    Raises:
        UnsupportedError: not even a float32 .tflite can be made.
        DataError: no samples to calibrate with.
        InputError: an option that the method does not take.
    """
    check_options(options)
    with tempfile.TemporaryDirectory(prefix="edgeq-") as folder:
        exported = export(model, Path(folder, "saved_model"))
        made, refused = [], []
        for kind in VariantKind:
            progress.start(f"Making the {kind.value} variant")
            try:
                if kind in _SCHEMES:
                    made.append(_quantized(kind, model, dataset, options))
                else:
                    content = _converted(kind, exported, model.path.name)
                    made.append(Variant(kind=kind, content=content, graph=parse_tflite(content)))
            except (UnsupportedError, VerifyError) as exc:
                if kind is VariantKind.FLOAT32:
                    raise
                refused.append(RefusedVariant(kind=kind, reason=exc.message))
    return Variants(made=tuple(made), refused=tuple(refused))


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


def _quantized(kind: VariantKind, model: FloatModel, dataset: Dataset, options: QuantizeOptions) -> Variant:
    if kind is VariantKind.INT16X8:
        options = QuantizeOptions(
            method=Method.INT16X8, calibration_samples=options.calibration_samples, seed=options.seed,
            equalize=options.equalize, progress=options.progress,
        )  # fmt: skip
    quantized = quantize(model, dataset, options)
    findings = verify(quantized.graph, scheme=_SCHEMES[kind], supported_ops=None, engine="litert")
    require(findings, converted=True)
    return Variant(kind=kind, content=quantized.content, graph=quantized.graph, quantized=quantized)


def _converted(kind: VariantKind, exported: Exported, what: str) -> bytes:
    """By the converter alone: float32, float16 weights, or int8 weights."""
    tf = tensorflow()
    with quiet() as captured:
        try:
            converter = tf.lite.TFLiteConverter.from_saved_model(str(exported.folder))
            if kind is not VariantKind.FLOAT32:
                converter.optimizations = [tf.lite.Optimize.DEFAULT]
            if kind is VariantKind.FLOAT16:
                converter.target_spec.supported_types = [tf.float16]
            content = bytes(converter.convert())
        except Exception as exc:
            error = translated(f"{exc}\n{captured()}", exported.layers, what)
            message = error.message.replace("no int8 form of", "no form of")
            raise UnsupportedError(message, hint=error.hint) from exc
    return in_model_order(content, exported, what)
