"""A float model as .tflite variants."""

from __future__ import annotations

import tempfile
from pathlib import Path

from edgeq.errors import UnsupportedError, VerifyError
from edgeq.mobile.variant import Variant, Variants
from edgeq.model.export import Exported, export
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.runtime import quiet, tensorflow
from edgeq.model.scheme import Scheme
from edgeq.model.verify import require, verify
from edgeq.quantize import QuantizeOptions, quantize
from edgeq.quantize.convert import in_model_order, translated
from edgeq.quantize.options import check_options
from edgeq.records import Dataset, FloatModel, Method, Progress, RefusedVariant, VariantKind

_SCHEMES = {VariantKind.INT8: Scheme.INT8, VariantKind.INT16X8: Scheme.INT16X8}


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
