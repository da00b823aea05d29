"""Trains a model by a plan, and keeps the weights with the lowest validation loss."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeq.errors import CheckFailed
from edgeq.interruption import not_swallowed
from edgeq.model.runtime import quiet
from edgeq.records import Progress
from edgeq.training.checkpoint import Checkpoint, checkpoint_path, read_checkpoint, write_checkpoint
from edgeq.training.history import Epoch, TrainingHistory
from edgeq.training.key import key_of
from edgeq.training.plan import TrainingPlan
from edgeq.training.steps import Steps

if TYPE_CHECKING:
    from numpy.typing import NDArray


_ALIKE = 0.01
"""Of two losses, how far apart rounding may bring them: a last bit may change to which step a value is rounded."""


def train(
    keras_model: Any,
    plan: TrainingPlan,
    *,
    checkpoints: Path | None = None,
    origin: str | None = None,
    progress: Progress | None = None,
    what: str = "Training",
    ranges: Callable[[], NDArray[np.float64]] | None = None,
) -> TrainingHistory:
    """Train a model in place; afterwards it has the weights of the epoch with the lowest validation loss.

    The start counts as an epoch: a model that training only harms is left as it was. Batches, their order and what
    dropout drops follow from the plan alone. Each epoch's state is kept in `checkpoints`; a run with the same model,
    weights and plan goes on from there if it starts with the same losses, and a finished one is not repeated.

    Args:
        keras_model: a built Keras 3 or tf_keras model with one output.
        plan: how.
        checkpoints: the folder for this run's state; None: nothing is kept.
        origin: what `keras_model` was made from (`edgeq.training.key.origin_of`); None: only itself identifies it.
        progress: told of every epoch.
        what: the stage's name, for `progress` and messages.
        ranges: gives the widths of all activation ranges, for `Epoch.range_change`.

    Raises:
        CheckFailed: the loss became NaN or infinite.
        InputError: the checkpoint cannot be written.
    """
    progress = progress or Progress()
    run = _Run(keras_model, plan, origin, ranges, what)
    notes = list(plan.notes)
    progress.start(what, plan.epochs)
    with quiet():
        note = run.begin(checkpoints)
        if note:
            notes.append(note)
        progress.step(len(run.epochs))
        while not run.finished:
            with not_swallowed():
                run.epoch()
            if checkpoints is not None:
                write_checkpoint(checkpoints, run.checkpoint())
            progress.step()
        run.restore_best()
    return TrainingHistory(
        start=run.start,
        epochs=tuple(run.epochs),
        best=run.best,
        stopped_early=len(run.epochs) < plan.epochs,
        optimizer=plan.optimizer,
        loss=plan.objective.loss,
        batch_size=plan.batch_size,
        training_samples=len(plan.train),
        validation_samples=len(plan.validation),
        validation_seen=plan.validation_seen,
        notes=tuple(notes),
    )


class _Run:
    """The state of a training run between two epochs."""

    start: Epoch

    def __init__(
        self,
        model: Any,
        plan: TrainingPlan,
        origin: str | None,
        ranges: Callable[[], NDArray[np.float64]] | None,
        what: str,
    ) -> None:
        self._steps = Steps(model, plan)
        self._plan = plan
        self._ranges = ranges
        self._what = what
        self.epochs: list[Epoch] = []
        self.best = 0
        self._best_variables = _values(self._steps.variables)
        self._key = key_of(self._best_variables, plan, origin)

    @property
    def finished(self) -> bool:
        """All epochs are done, or the last `patience` ones brought nothing better."""
        waited = len(self.epochs) - self.best
        return len(self.epochs) >= self._plan.epochs or (0 < self._plan.patience <= waited)

    def begin(self, folder: Path | None) -> str | None:
        """Evaluate the start, and go on from a checkpoint if there is one; a note about it."""
        loss, _ = self._steps.evaluate(on_training_samples=True)
        validation_loss, metric = self._steps.evaluate()
        self._check(loss, "before the first step")
        self._check(validation_loss, "on the validation samples before the first step")
        self.start = Epoch(
            loss=loss, validation_loss=validation_loss, validation_metric=metric, learning_rate=self._plan.learning_rate
        )
        found, note = read_checkpoint(folder, self._key) if folder is not None else (None, None)
        if folder is None or found is None:
            return note
        if not _alike(found.start, self.start):
            name = checkpoint_path(folder, self._key).name
            return f"{name} in {folder.name} is of a training with another start, and was not used."
        self.start, self.epochs, self.best = found.start, list(found.epochs), found.best
        self._best_variables = list(found.best_variables)
        _assign(self._steps.variables, found.variables)
        _assign(self._steps.optimizer_variables, found.optimizer)
        return note

    def epoch(self) -> None:
        """Train one epoch."""
        number = len(self.epochs)
        before = self._ranges() if self._ranges else None
        loss = self._steps.train(self._plan.order(number))
        self._check(loss, f"in epoch {number + 1}")
        validation_loss, metric = self._steps.evaluate()
        self._check(validation_loss, f"on the validation samples after epoch {number + 1}")
        self.epochs.append(
            Epoch(
                loss=loss,
                validation_loss=validation_loss,
                validation_metric=metric,
                learning_rate=self._plan.learning_rate,
                range_change=None if self._ranges is None else _largest_change(before, self._ranges()),
            )
        )
        lowest = min([self.start, *self.epochs[:-1]], key=lambda e: e.validation_loss).validation_loss
        if validation_loss < lowest:
            self.best = number + 1
            self._best_variables = _values(self._steps.variables)

    def checkpoint(self) -> Checkpoint:
        """The state as it is now."""
        return Checkpoint(
            key=self._key,
            start=self.start,
            epochs=tuple(self.epochs),
            best=self.best,
            variables=_values(self._steps.variables),
            optimizer=_values(self._steps.optimizer_variables),
            best_variables=self._best_variables,
        )

    def restore_best(self) -> None:
        """Give the model the best weights that it had."""
        _assign(self._steps.variables, self._best_variables)

    def _check(self, loss: float, when: str) -> None:
        if not math.isfinite(loss):
            raise CheckFailed(
                f"{self._what}: the loss is {loss} {when} (learning rate {self._plan.learning_rate:g}, "
                f"{self._plan.optimizer}).",
                hint="Train with a smaller --learning-rate; if the loss is wrong before the first step, look at the "
                "labels and at the model's last activation.",
            )


def _largest_change(before: Any, after: Any) -> float:
    if len(before) == 0:
        return 0.0
    return float(np.max(np.abs(after - before) / np.maximum(np.abs(before), 1e-12)))


def _values(variables: Sequence[Any]) -> list[NDArray[np.generic]]:
    return [np.array(v.numpy()) for v in variables]


def _assign(variables: Sequence[Any], values: Sequence[NDArray[np.generic]]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _alike(a: Epoch, b: Epoch) -> bool:
    """Whether two starts are the same model, computed by other numbers of threads."""
    pairs = (a.loss, b.loss), (a.validation_loss, b.validation_loss)
    return all(math.isclose(x, y, rel_tol=_ALIKE, abs_tol=1e-6) for x, y in pairs)
