"""Post-training quantization: TensorFlow's converter, with ranges from calibration samples."""

from __future__ import annotations

import tempfile
from pathlib import Path

from edgeq.quantize.calibration import calibration_samples
from edgeq.quantize.convert import convert
from edgeq.quantize.export import export
from edgeq.quantize.options import QuantizeOptions
from edgeq.quantize.result import MethodResult
from edgeq.records import Dataset, FloatModel


def ptq(model: FloatModel, dataset: Dataset, options: QuantizeOptions) -> MethodResult:
    """The full-integer .tflite of `model`; the same bytes for the same model, samples and seed.

    Raises:
        DataError: no samples to calibrate with.
        UnsupportedError: TensorFlow's converter cannot do it.
    """
    samples = calibration_samples(dataset, options.calibration_samples, options.seed)
    with tempfile.TemporaryDirectory(prefix="edgeq-") as folder:
        exported = export(model, Path(folder, "saved_model"))
        return MethodResult(content=convert(exported, samples, what=model.path.name))
