"""16x8: int16 activations, int8 weights, int64 biases. Nearly the float model's accuracy, at twice the RAM."""

from __future__ import annotations

import tempfile
from pathlib import Path

from edgeq.model.export import export
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.scheme import Scheme
from edgeq.model.verify import require, verify
from edgeq.quantize.calibration import calibration_samples
from edgeq.quantize.convert import convert
from edgeq.quantize.equalize import equalize
from edgeq.quantize.options import QuantizeOptions
from edgeq.quantize.result import MethodResult
from edgeq.records import Dataset, FloatModel

NOTE = (
    "16x8: activations are int16, so an inference needs twice the RAM of int8 and more cycles: its kernels are plain C"
)


def int16x8(model: FloatModel, dataset: Dataset, options: QuantizeOptions) -> MethodResult:
    """The .tflite of `model` with int16 activations; the same bytes for the same model, samples and seed.

    Raises:
        DataError: no samples to calibrate with.
        UnsupportedError: TensorFlow's converter has no 16-bit form of an op; the message names it.
        VerifyError: what it made is not full-integer 16x8.
    """
    samples = calibration_samples(dataset, options.calibration_samples, options.seed)
    if options.equalize:
        model = equalize(model).model
    with tempfile.TemporaryDirectory(prefix="edgeq-") as folder:
        exported = export(model, Path(folder, "saved_model"))
        content = convert(exported, samples, what=model.path.name, scheme=Scheme.INT16X8)
    require(verify(parse_tflite(content), scheme=Scheme.INT16X8, supported_ops=None, engine="tflm"), converted=True)
    return MethodResult(content=content, recipe="equalized" if options.equalize else None, notes=(NOTE,))
