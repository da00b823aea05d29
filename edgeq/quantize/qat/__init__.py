"""Quantization-aware training: a Keras 3 model that rounds as its int8 form will, trained, and converted as trained.

`structure` brings a model into the form that is trained, `placement` finds where the int8 model has int8 tensors,
`insert` puts the rounding `layers` there, `bake` takes them out for the converter, `checks` compares what came out.
"""

from edgeq.quantize.qat.method import continued_float, qat

__all__ = ["continued_float", "qat"]
