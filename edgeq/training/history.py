"""What happened while a model was trained."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """One pass over the training samples.

    `loss` is the mean over the epoch's steps, `validation_loss` and `validation_metric` are taken after it
    (`validation_metric`: top-1 accuracy for class labels, mean absolute error for other targets). `range_change` is
    the largest relative change of an activation range's width during the epoch; None where nothing is fake-quantized.
    """

    loss: float
    validation_loss: float
    validation_metric: float
    learning_rate: float
    range_change: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingHistory:
    """A training run. `start` has the figures before the first step (its `loss` is on the training samples).

    `best` is the number of epochs after which the weights that were kept had been reached: the lowest validation loss
    (0: the start was best). `validation_seen` says that no validation split was given, so that samples which the float
    model was trained on were split off. `notes` are sentences for the report: what was assumed, what was resumed.
    """

    start: Epoch
    epochs: tuple[Epoch, ...]
    best: int
    stopped_early: bool
    optimizer: str
    loss: str
    batch_size: int
    training_samples: int
    validation_samples: int
    validation_seen: bool
    notes: tuple[str, ...] = ()
