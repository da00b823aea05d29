"""What training can be told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class RangesInTraining(StrEnum):
    """What an activation's range does while a fake-quantized model is trained."""

    EMA = "ema"
    """It follows the smallest and largest values of the batches, by a moving average."""
    LEARNED = "learned"
    """It is trained with the weights, by the gradient of the loss."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOptions:
    """How a model is trained further. None: from the compiled model, where it is compiled; else a default.

    Attributes:
        epochs: how often every training sample is seen, at most.
        batch_size: samples in a step.
        learning_rate: of the optimizer, constant; None: a tenth of the compiled model's (of a schedule: its highest),
            at most 1e-3; 1e-4 for a model that is not compiled.
        optimizer: Keras' name of it ("adam", "sgd", …).
        loss: Keras' name of it; None: the compiled model's, else chosen from the labels and the outputs.
        patience: epochs without a better validation loss after which training stops; 0: never.
        ranges_in_training: what activation ranges do in edgeq's own quantization-aware training, the one method that
            takes it; None: a moving average.
    """

    epochs: int = 10
    batch_size: int = 32
    learning_rate: float | None = None
    optimizer: str | None = None
    loss: str | None = None
    patience: int = 5
    ranges_in_training: RangesInTraining | None = None
