"""Float model to full-integer .tflite. A method is a function in `METHODS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from edgeq.quantize.auto import auto
from edgeq.quantize.calibration import calibration_source
from edgeq.quantize.int16x8 import int16x8
from edgeq.quantize.options import QuantizeOptions, check_options
from edgeq.quantize.ptq import ptq
from edgeq.quantize.qat import qat as native_qat
from edgeq.quantize.qat_tfmot import qat_tfmot
from edgeq.quantize.result import MethodResult
from edgeq.records import Dataset, FloatModel, Method, Quantized

__all__ = ["METHODS", "MethodResult", "QuantizeOptions", "from_tflite", "quantize"]

METHODS: Mapping[Method, Callable[[FloatModel, Dataset, QuantizeOptions], MethodResult]] = {
    Method.PTQ: ptq,
    Method.AUTO: auto,
    Method.QAT: native_qat,
    Method.INT16X8: int16x8,
    Method.QAT_TFMOT: qat_tfmot,
}


def quantize(model: FloatModel, dataset: Dataset, options: QuantizeOptions | None = None) -> Quantized:
    """Make `model` full-integer: int8 inputs and outputs, int8 weights per channel, int32 biases.

    `Method.INT16X8` alone gives int16 inputs and outputs, and int64 biases.

    The data calibrate the activation ranges: x_calib if there is one, else training, else validation samples; never
    test samples. The data must have passed `edgeq.data.check_dataset`.

    Raises:
        InputError: an option that the method does not take.
        DataError: no samples to calibrate with.
        UnsupportedError: a layer that cannot be quantized; the message names it where the converter does.
        VerifyError: what a method made is not full-integer.
    """
    from edgeq.model.flatbuffer import parse_tflite

    options = options or QuantizeOptions()
    check_options(options)
    _, source = calibration_source(dataset)
    made = METHODS[options.method](model, dataset, options)
    return Quantized(
        content=made.content,
        graph=parse_tflite(made.content),
        method=options.method,
        float_model=model,
        calibration_samples=min(options.calibration_samples, len(source)),
        seed=options.seed,
        trained=made.trained,
        history=made.history,
        notes=made.notes,
        recipe=made.recipe,
        agreement=made.agreement,
    )


def from_tflite(content: bytes, path: Path) -> Quantized:
    """An already quantized model, as it is. `path` is where it came from, for messages.

    Raises:
        ModelError: no readable .tflite.
    """
    from edgeq.errors import ModelError
    from edgeq.model.flatbuffer import parse_tflite

    try:
        graph = parse_tflite(content)
    except ModelError as exc:
        raise ModelError(f"{path}: {exc.message}", hint=exc.hint) from exc
    return Quantized(content=content, graph=graph, method=None, float_model=None, calibration_samples=0, seed=0)
