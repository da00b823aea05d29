"""A tf_keras model (also: a legacy .h5) as an equal Keras 3 model, so that one code quantizes both."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from edgeq.errors import UnsupportedError
from edgeq.model.keras.probe import TOLERANCE, gap, predict, random_inputs
from edgeq.model.load import from_keras
from edgeq.model.runtime import keras3, legacy_keras, quiet, tensorflow
from edgeq.records import FloatModel, ModelFormat

_HINT = "Save the model with Keras 3, or quantize it with --method ptq or qat-tfmot, which take it as it is."
_RENAMED = {"LeakyReLU": {"alpha": "negative_slope"}}
_OPERATORS = {
    "__operators__.add": "add", "math.add": "add", "math.subtract": "subtract", "math.multiply": "multiply",
    "nn.relu": "relu", "nn.relu6": "relu6",
}  # fmt: skip


def to_keras3(model: FloatModel) -> FloatModel:
    """The model itself if it is a Keras 3 model; else an equal Keras 3 functional model with the same weights.

    Each layer is rebuilt from its configuration and compared with the original on random inputs. Nested models are
    taken apart.

    Raises:
        UnsupportedError: a SavedModel, a subclassed model, or a layer that Keras 3 does not have or computes
            differently; the message names it.
    """
    keras = keras3()
    if isinstance(model.handle, keras.Model):
        return model
    if model.format is ModelFormat.SAVED_MODEL:
        raise UnsupportedError(
            f"{model.path.name} is a SavedModel, which has no layers that could be trained or changed.",
            hint="Give the .keras file, or quantize it with --method ptq.",
        )
    if not getattr(model.handle, "_is_graph_network", False):
        raise UnsupportedError(
            f"{model.path.name} is no functional or sequential model, so its layers cannot be taken over to Keras 3.",
            hint="Rebuild it as a functional or sequential model with an Input layer and load the weights into it.",
        )
    with quiet():
        transfer = _Transfer(model)
        handle = transfer.model()
    transfer.verify(handle)
    made = from_keras(handle, path=model.path, format=ModelFormat.KERAS3, sha256=model.sha256)
    return replace(made, inputs=model.inputs, outputs=model.outputs, compiled=model.compiled)


class _Transfer:
    """One model on its way: the Keras 3 layer for each tf_keras layer, the symbolic tensor for each tensor."""

    def __init__(self, model: FloatModel) -> None:
        self._model = model
        self._layers: dict[int, Any] = {}
        self._names: set[str] = set()
        self._probes: list[tuple[str, Any, Any]] = []

    def model(self) -> Any:
        """The Keras 3 model."""
        tf, keras = tensorflow(), keras3()
        source = self._model.handle
        tensors = {
            id(t): keras.Input(batch_shape=tuple(t.shape), dtype=t.dtype.name, name=spec.name)
            for t, spec in zip(source.inputs, self._model.inputs, strict=True)
        }
        made = dict(tensors)
        for layer, before, after in self._walk(source, made):
            self._probes.append((layer, before, after))
        inputs = tf.nest.map_structure(lambda t: tensors[id(t)], source._nested_inputs)
        outputs = tf.nest.map_structure(lambda t: made[id(t)], source._nested_outputs)
        handle = keras.Model(inputs, outputs, name=source.name)
        self._set_weights()
        return handle

    def verify(self, handle: Any) -> None:
        """Compare all layers' results on random inputs, in the order in which they run."""
        x = random_inputs(self._model)
        with quiet():
            old = legacy_keras().Model(self._model.handle.inputs, [before for _, before, _ in self._probes])
            new = keras3().Model(handle.inputs, [after for _, _, after in self._probes])
        for (name, _, _), before, after in zip(self._probes, predict(old, x), predict(new, x), strict=True):
            found = gap(before, after) if before.shape == after.shape else np.inf
            if not found <= TOLERANCE:
                raise UnsupportedError(
                    f"Keras 3 computes layer {name!r} of {self._model.path.name} differently from tf_keras: "
                    f"by {found:.1e} of its largest value on random inputs.",
                    hint=_HINT,
                )

    def _walk(self, source: Any, made: dict[int, Any]) -> Iterator[tuple[str, Any, Any]]:
        """Make the tensors of one model; yields layer name, tf_keras tensor, Keras 3 tensor, also of nested models'
        results, but nothing inside these."""
        tf = tensorflow()
        for depth in sorted(source._nodes_by_depth, reverse=True):
            for node in source._nodes_by_depth[depth]:
                if node.is_input:
                    continue
                arguments = (node.call_args, {k: v for k, v in node.call_kwargs.items() if v is not None})
                args, kwargs = tf.nest.map_structure(lambda a: made.get(id(a), a), arguments)
                outputs = tf.nest.flatten(node.outputs)
                if getattr(node.layer, "_is_graph_network", False):
                    inner = dict(zip(map(id, node.layer.inputs), tf.nest.flatten(args), strict=True))
                    for _ in self._walk(node.layer, inner):
                        pass
                    results = [inner[id(t)] for t in node.layer.outputs]
                else:
                    results = tf.nest.flatten(self._call(node.layer, args, kwargs))
                made.update(zip(map(id, outputs), results, strict=True))
                for before, after in zip(outputs, results, strict=True):
                    yield str(node.layer.name), before, after

    def _call(self, layer: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        keras = keras3()
        kind = type(layer).__name__
        if kind == "TFOpLambda":
            name = _OPERATORS.get(layer.get_config()["function"])
            if name is None:
                raise self._unsupported(layer, f"{layer.get_config()['function']} is called outside of a layer")
            kwargs.pop("name", None)
            return getattr(keras.ops, name)(*args, *kwargs.values())
        if id(layer) not in self._layers:
            self._layers[id(layer)] = (layer, self._rebuilt(layer))
        try:
            return self._layers[id(layer)][1](*args, **kwargs)
        except Exception as exc:
            raise self._unsupported(layer, str(exc).strip().partition("\n")[0]) from exc

    def _rebuilt(self, layer: Any) -> Any:
        kind = type(layer).__name__
        target = getattr(keras3().layers, kind, None)
        if target is None or not type(layer).__module__.startswith("tf_keras."):
            raise self._unsupported(layer, "Keras 3 has no such layer")
        known = _parameters(target)
        config: dict[str, Any] = {}
        for key, value in layer.get_config().items():
            name = _RENAMED.get(kind, {}).get(key, key)
            if name in known and not name.endswith("_initializer"):
                config[name] = value
        if kind == "BatchNormalization" and not isinstance(config["axis"], int):
            (config["axis"],) = config["axis"]
        config["name"] = self._unique(str(layer.name))
        try:
            return target.from_config(config)
        except Exception as exc:
            raise self._unsupported(layer, str(exc).strip().partition("\n")[0]) from exc

    def _set_weights(self) -> None:
        for old, new in self._layers.values():
            try:
                new.set_weights(old.get_weights())
            except Exception as exc:
                raise self._unsupported(old, "its weights have other shapes there") from exc

    def _unique(self, name: str) -> str:
        clean = name.replace("/", "_")
        found, number = clean, 1
        while found in self._names:
            number += 1
            found = f"{clean}_{number}"
        self._names.add(found)
        return found

    def _unsupported(self, layer: Any, why: str) -> UnsupportedError:
        return UnsupportedError(
            f"Layer {layer.name!r} ({type(layer).__name__}) of {self._model.path.name} cannot be taken over from "
            f"tf_keras to Keras 3: {why}.",
            hint=_HINT,
        )


def _parameters(target: Any) -> set[str]:
    """What a layer's constructors take."""
    found = {"name", "trainable", "dtype"}
    for parent in target.__mro__:
        if "__init__" in vars(parent):
            found.update(inspect.signature(parent.__init__).parameters)
    return found - {"self", "args", "kwargs"}
