"""Quantization-aware training by `tensorflow_model_optimization.quantization.keras` (tfmot), and its control."""

from edgeq.quantize.qat_tfmot.method import continued_float_tfmot, qat_tfmot

__all__ = ["continued_float_tfmot", "qat_tfmot"]
