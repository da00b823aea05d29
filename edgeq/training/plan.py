"""Everything that decides a training run, so that several models can be trained in exactly the same way."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeq.errors import DataError, InputError, UnsupportedError
from edgeq.model.runtime import keras3
from edgeq.records import Compiled, Dataset, FloatModel, ModelFormat, Split
from edgeq.training.objective import Objective, choose_objective
from edgeq.training.options import TrainingOptions

if TYPE_CHECKING:
    from numpy.typing import NDArray

VALIDATION_SHARE = 0.15
"""Part of the training samples that is split off for validation where the data have none."""

SMALLEST_BATCH = 8
"""Moments of fewer samples would be noise: no step has fewer, but those of a plan whose batches are smaller."""

DEFAULT_OPTIMIZER = "adam"
DEFAULT_LEARNING_RATE = 1e-4
LARGEST_LEARNING_RATE = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingPlan:
    """How a model is trained further: the same plan gives every model the same batches in the same order.

    `train` and `validation` have float32 inputs and labels as `objective` takes them. `optimizer` is Keras' snake-case
    name, `optimizer_settings` its numbers without the learning rate. `seed` decides the order of the samples and what
    dropout drops. The other fields are those of `TrainingOptions` and `TrainingHistory`.
    """

    train: Split
    validation: Split
    objective: Objective
    optimizer: str
    optimizer_settings: Mapping[str, bool | int | float] = field(default_factory=dict)
    learning_rate: float
    epochs: int
    batch_size: int
    patience: int
    seed: int
    validation_seen: bool
    notes: tuple[str, ...] = ()

    def order(self, epoch: int) -> NDArray[np.int32]:
        """The training samples' indices in the order of an epoch (the first is 0)."""
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.train))
        return order.astype(np.int32)

    @property
    def steps(self) -> int:
        """Of an epoch. A rest of fewer than `SMALLEST_BATCH` samples is part of the last whole batch's step."""
        whole, rest = divmod(len(self.train), self.batch_size)
        return whole + (rest >= (SMALLEST_BATCH if self.batch_size >= SMALLEST_BATCH else 1))

    def fingerprint(self) -> str:
        """SHA-256 of everything that the result depends on."""
        digest = hashlib.sha256()
        for split in (self.train, self.validation):
            for array in (*split.x, split.y):
                digest.update(f"{None if array is None else (array.dtype, array.shape)}".encode())
                digest.update(b"" if array is None else np.ascontiguousarray(array).tobytes())
        settings = sorted(self.optimizer_settings.items())
        facts = (self.objective, self.optimizer, settings, self.learning_rate, self.epochs, self.batch_size)
        digest.update(repr((*facts, self.patience, self.seed)).encode())
        return digest.hexdigest()


def plan_training(model: FloatModel, dataset: Dataset, options: TrainingOptions, seed: int) -> TrainingPlan:
    """How `model` is trained on `dataset`: from the options, else the compiled model, else defaults.

    Validation samples are x_val, y_val; else a part of the training samples, split by class.

    Args:
        model: a Keras model with one output.
        dataset: has passed `edgeq.data.check_dataset`.
        options: what was asked for.
        seed: of the order of the samples, of the split, of dropout.

    Raises:
        InputError: an option is wrong, or a loss or optimizer unknown.
        DataError: no training samples or labels, one class only, or labels that do not fit the output.
        UnsupportedError: the model has several outputs, or nothing that can be trained.
    """
    _check_options(options)
    _check_model(model)
    train = _labelled(dataset.train, "train", dataset.source)
    objective = choose_objective(model, train.y, options.loss, dataset.source)  # type: ignore[arg-type]
    _check_classes(train, dataset.source)
    validation, seen = dataset.validation, False
    if validation is None or validation.y is None or len(validation) == 0:
        train, validation = split_off(train, VALIDATION_SHARE, seed)
        seen = True
    optimizer, settings, rate = _optimizer(options, model.compiled)
    notes = []
    if objective.chosen_because:
        notes.append(f"Trained with {objective.loss}: {objective.chosen_because}.")
    if seen:
        notes.append(
            f"The data have no validation samples: {len(validation)} training samples were split off, which the float "
            "model has seen."
        )
    return TrainingPlan(
        train=_prepared(train, objective, model),
        validation=_prepared(validation, objective, model),
        objective=objective,
        optimizer=optimizer,
        optimizer_settings=settings,
        learning_rate=rate,
        epochs=options.epochs,
        batch_size=1 if model.handle.inputs[0].shape[0] == 1 else min(options.batch_size, len(train)),
        patience=options.patience,
        seed=seed,
        validation_seen=seen,
        notes=tuple(notes),
    )


def split_off(split: Split, share: float, seed: int) -> tuple[Split, Split]:
    """Two parts of a labelled split, the second with about `share` of each class (at least one sample in all)."""
    rng = np.random.default_rng(seed)
    y = np.asarray(split.y)
    indexed = y.ndim == 1 and np.issubdtype(y.dtype, np.integer)
    groups = [np.flatnonzero(y == c) for c in np.unique(y)] if indexed else [np.arange(len(split))]
    chosen = [rng.permutation(group)[: round(share * len(group))] for group in groups]
    second = np.sort(np.concatenate(chosen))
    if len(second) == 0:
        second = rng.permutation(len(split))[:1]
    first = np.setdiff1d(np.arange(len(split)), second)
    return _rows(split, first), _rows(split, second)


def _rows(split: Split, rows: NDArray[np.int64]) -> Split:
    return Split(x=tuple(a[rows] for a in split.x), y=None if split.y is None else split.y[rows])


def _prepared(split: Split, objective: Objective, model: FloatModel) -> Split:
    x = tuple(np.ascontiguousarray(a, dtype=spec.dtype) for a, spec in zip(split.x, model.inputs, strict=True))
    return Split(x=x, y=objective.prepared(np.asarray(split.y), model.outputs[0]))


def _check_options(options: TrainingOptions) -> None:
    for name, value, least in (
        ("epochs", options.epochs, 1), ("batch size", options.batch_size, 1), ("patience", options.patience, 0),
    ):  # fmt: skip
        if value < least:
            raise InputError(f"The {name} is {value}; it must be at least {least}.")
    rate = options.learning_rate
    if rate is not None and not 0.0 < rate < np.inf:
        raise InputError(f"The learning rate is {rate}; it must be a positive number.")


def _check_model(model: FloatModel) -> None:
    if model.format is ModelFormat.SAVED_MODEL or not hasattr(model.handle, "trainable_variables"):
        raise UnsupportedError(
            f"{model.path.name} is a {model.format.value}, which cannot be trained.", hint="Give the .keras file."
        )
    if len(model.outputs) != 1:
        names = ", ".join(spec.name for spec in model.outputs)
        raise UnsupportedError(
            f"{model.path.name} has {len(model.outputs)} outputs ({names}), and the data labels for one: it cannot be "
            "trained.",
            hint="Quantize it with --method ptq, which needs no labels.",
        )
    if not model.handle.trainable_variables:
        raise UnsupportedError(
            f"{model.path.name} has no weights that can be trained.",
            hint="Set trainable = True on its layers and save it again; or quantize it with --method ptq.",
        )


def _labelled(split: Split | None, name: str, source: str) -> Split:
    if split is None or len(split) == 0:
        raise DataError(f"{source} has no training samples.", hint="Add x_train and y_train, or use --method ptq.")
    if split.y is None:
        raise DataError(f"{source} has x_{name}, but no labels for it.", hint=f"Add y_{name}, or use --method ptq.")
    if len(split) < 2:
        raise DataError(f"{source} has one training sample.", hint="Training needs hundreds.")
    return split


def _check_classes(train: Split, source: str) -> None:
    y = np.asarray(train.y)
    if (y == y[:1]).all():
        label = y.reshape(-1)[0]
        raise DataError(
            f"All {len(y)} training samples of {source} have the same label ({label}): nothing can be learned.",
            hint="Give samples of every class.",
        )


def _optimizer(
    options: TrainingOptions, compiled: Compiled | None
) -> tuple[str, Mapping[str, bool | int | float], float]:
    """Name, settings and learning rate. A model that is trained further needs smaller steps than its training did."""
    own = compiled.optimizer if compiled else None
    asked = options.optimizer.lower() if options.optimizer else None
    if asked and optimizer_class(asked) is None:
        raise InputError(f"Keras has no optimizer {options.optimizer!r}.", hint="Try adam, sgd or rmsprop.")
    name = asked or (own if own and optimizer_class(own) else DEFAULT_OPTIMIZER)
    settings: Mapping[str, bool | int | float] = {}
    if compiled and own == name:
        known = set(inspect.signature(optimizer_class(name).__init__).parameters)
        settings = {key: value for key, value in compiled.optimizer_settings.items() if key in known}
    rate = options.learning_rate
    if rate is None:
        last = compiled.learning_rate if compiled else None
        rate = DEFAULT_LEARNING_RATE if last is None else min(last / 10, LARGEST_LEARNING_RATE)
    return name, settings, rate


def optimizer_class(name: str, library: Any = None) -> Any:
    """The optimizer's class in a Keras library (Keras 3 if None) by its name in any spelling; None if unknown."""
    module = (library or keras3()).optimizers
    wanted = name.lower().replace("_", "")
    for candidate in vars(module).values():
        if isinstance(candidate, type) and candidate.__name__.lower() == wanted and hasattr(candidate, "get_config"):
            return candidate
    return None
