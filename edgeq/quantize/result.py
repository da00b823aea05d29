"""What a quantization method gives."""

from __future__ import annotations

from dataclasses import dataclass

from edgeq.records import Agreement, FloatModel
from edgeq.training import TrainingHistory


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MethodResult:
    """The .tflite, and for methods that train what it should agree with.

    `content` has integer inputs and outputs in the float model's order. `trained` is the fake-quantized model whose
    predictions the .tflite must repeat, `history` how it was trained, and `agreement` how the .tflite repeats
    them; None for methods that do not train. `notes` are sentences for the report, `recipe` says
    in a few words what a method without training did.
    """

    content: bytes
    trained: FloatModel | None = None
    history: TrainingHistory | None = None
    notes: tuple[str, ...] = ()
    recipe: str | None = None
    agreement: Agreement | None = None
