"""What training minimizes: a loss that fits the labels and the model's output."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeq.errors import DataError, InputError
from edgeq.model.runtime import keras3, tensorflow
from edgeq.records import FloatModel, ValueSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CROSS_ENTROPIES = {"sparse_categorical_crossentropy", "categorical_crossentropy"}
_SHORT = {"mse": "mean_squared_error", "mae": "mean_absolute_error", "bce": "binary_crossentropy"}
_TRANSPARENT = {"Reshape", "Flatten", "Dropout", "Identity", "Permute"}


class Labels(Enum):
    """What the labels are: indices of classes, zeros and ones, or other numbers."""

    CLASSES = "classes"
    BINARY = "zeros and ones"
    VALUES = "numbers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """A loss and the labels that it takes.

    `loss` is Keras' name of it; `from_logits` says that the model's output has no softmax or sigmoid. `classes` is the
    size of the output's last dimension. `chosen_because` says why, None if it is the compiled model's or was asked for.
    """

    labels: Labels
    loss: str
    from_logits: bool
    classes: int
    chosen_because: str | None = None

    @property
    def metric_name(self) -> str:
        """What `metric` measures."""
        return "mean absolute error" if self.labels is Labels.VALUES else "top-1 accuracy"

    def losses(self) -> Callable[[Any, Any], Any]:
        """A function of labels (n, …) and outputs (n, …), tensors, that gives one loss per sample, shape (n,)."""
        tf = tensorflow()
        function = _function(self.loss)
        if "from_logits" in inspect.signature(function).parameters:
            function = functools.partial(function, from_logits=self.from_logits)
        sparse = self.loss.startswith("sparse_")

        def per_sample(y: Any, output: Any) -> Any:
            if self.labels is Labels.CLASSES and not sparse:
                y = tf.one_hot(y, self.classes)
            value = function(y, output)
            return tf.reduce_mean(tf.reshape(value, (tf.shape(value)[0], -1)), axis=1)

        return per_sample

    def metrics(self) -> Callable[[Any, Any], Any]:
        """A function like `losses` that gives each sample's metric: share of right answers, or mean absolute error."""
        tf = tensorflow()
        middle = 0.0 if self.from_logits else 0.5

        def per_sample(y: Any, output: Any) -> Any:
            if self.labels is Labels.CLASSES:
                value = tf.cast(tf.equal(tf.argmax(output, axis=-1), tf.cast(y, tf.int64)), tf.float32)
            elif self.labels is Labels.BINARY:
                value = tf.cast(tf.equal(output > middle, y > 0.5), tf.float32)
            else:
                value = tf.abs(output - y)
            return tf.reduce_mean(tf.reshape(value, (tf.shape(value)[0], -1)), axis=1)

        return per_sample

    def prepared(self, y: NDArray[np.generic], output: ValueSpec) -> NDArray[np.generic]:
        """Labels in the form that the loss takes: int32 indices, or float32 of the output's shape."""
        if self.labels is Labels.CLASSES:
            return y.astype(np.int32)
        return y.reshape(len(y), *(size or -1 for size in output.shape)).astype(np.float32)


def choose_objective(model: FloatModel, y: NDArray[np.generic], asked: str | None, source: str) -> Objective:
    """The loss that was asked for, else the compiled model's, else one that fits labels and output.

    Class indices get sparse categorical cross-entropy, zeros and ones for sigmoids binary cross-entropy, everything
    else the mean squared error.

    Args:
        model: a model with one output.
        y: the training labels, as `edgeq.data` reads them.
        asked: Keras' name of a loss, or None.
        source: the data's name, for messages.

    Raises:
        InputError: no such loss, or it does not fit the labels.
        DataError: the labels do not fit the output.
    """
    (output,) = model.outputs
    labels = _kind(y, output, source, model)
    activation = last_activation(model.handle)
    compiled = model.compiled.loss if model.compiled else None
    name = _SHORT.get(asked or "", asked) or _SHORT.get(compiled or "", compiled)
    because = None
    if name is not None and not _exists(name):
        if asked:
            raise InputError(f"Keras has no loss {asked!r}.", hint="Try sparse_categorical_crossentropy or mse.")
        name = None
    if name is None or (labels is Labels.CLASSES and name in _CROSS_ENTROPIES):
        because = (
            None if name else "the model names no loss that Keras has" if compiled else "the model is not compiled"
        )
        name = {
            Labels.CLASSES: "sparse_categorical_crossentropy",
            Labels.BINARY: "binary_crossentropy",
            Labels.VALUES: "mean_squared_error",
        }[labels]
    if labels is Labels.VALUES and name.endswith("crossentropy") and not _are_shares(y):
        raise InputError(
            f"The loss {name} takes classes or shares from 0 to 1; y_train of {source} has other numbers.",
            hint="Ask for another one: --loss mean_squared_error.",
        )
    return Objective(
        labels=labels,
        loss=name,
        from_logits=activation not in {"softmax", "sigmoid"},
        classes=int(output.shape[-1] or 1) if output.shape else 1,
        chosen_because=because,
    )


def last_activation(handle: Any) -> str:
    """The name of the function that makes a Keras model's first output: softmax, sigmoid, linear, …"""
    tensor = handle.outputs[0]
    while True:
        history = tensor._keras_history
        layer: Any = history.operation if hasattr(history, "operation") else history.layer
        kind = type(layer).__name__
        if getattr(layer, "outputs", None) and hasattr(layer, "layers"):
            tensor = layer.outputs[history.tensor_index]
            continue
        if kind in _TRANSPARENT:
            nodes = layer._inbound_nodes
            inputs = nodes[history.node_index].input_tensors
            tensor = inputs[0] if isinstance(inputs, list | tuple) else inputs
            continue
        if kind in {"Softmax", "Sigmoid"}:
            return kind.lower()
        activation = getattr(layer, "activation", None)
        return str(getattr(activation, "__name__", "linear"))


def _kind(y: NDArray[np.generic], output: ValueSpec, source: str, model: FloatModel) -> Labels:
    sizes = tuple(size or 0 for size in output.shape)
    whole = np.issubdtype(y.dtype, np.integer)
    if whole and sizes and sizes[-1] > 1 and y.shape[1:] == sizes[:-1]:
        return Labels.CLASSES
    if int(np.prod(y.shape[1:], dtype=np.int64)) != int(np.prod(sizes, dtype=np.int64)):
        raise DataError(
            f"y_train of {source} has the shape {y.shape}; the output {output.name!r} of {model.path.name} has "
            f"{sizes} for each sample.",
            hint="Labels are class indices, one-hot rows, or numbers of the output's shape.",
        )
    limited = bool(np.isin(y, (0, 1)).all())
    sigmoid = last_activation(model.handle) == "sigmoid"
    return Labels.BINARY if limited and (whole or sigmoid) else Labels.VALUES


def _are_shares(y: NDArray[np.generic]) -> bool:
    values = y.astype(np.float64)
    return bool(((values >= 0.0) & (values <= 1.0)).all())


def _exists(name: str) -> bool:
    return callable(getattr(keras3().losses, name, None)) and name == name.lower()


def _function(name: str) -> Callable[..., Any]:
    function: Callable[..., Any] = getattr(keras3().losses, name)
    return function
