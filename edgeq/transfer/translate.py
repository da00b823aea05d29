"""One Keras 3 layer as a tf_keras layer of the same function."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from edgeq.model.runtime import keras3, legacy_keras
from edgeq.transfer.rules import ACTIVATIONS, CONSTRAINTS, REGULARIZERS, RULES

_COMMON = frozenset({"name", "trainable", "dtype"})


def refusals(layer: Any) -> Iterator[str]:
    """Why a Keras 3 layer has no equal in tf_keras, one sentence per reason; nothing if it has one."""
    kind = type(layer).__name__
    if kind not in RULES or type(layer) is not getattr(keras3().layers, kind, None):
        yield "tf_keras has no layer that is known to be the same."
        return
    rule = RULES[kind]
    config = layer.get_config()
    if layer.compute_dtype != "float32":
        yield f"it computes in {layer.compute_dtype}; only float32 can be quantized."
    for key, value in config.items():
        if key in _COMMON or key in rule.same or key in rule.renamed or key in rule.ignored:
            continue
        if key.endswith("_initializer"):
            continue  # every weight is copied
        if key in rule.neutral:
            if value != rule.neutral[key]:
                yield f"tf_keras has no {key}={value!r}, only {rule.neutral[key]!r}."
        elif key == "activation":
            if not isinstance(value, str) or value not in ACTIVATIONS:
                yield f"tf_keras has no activation {_function_name(value)!r} that is the same."
        elif key.endswith("_regularizer"):
            yield from _foreign(key, value, REGULARIZERS)
        elif key.endswith("_constraint"):
            yield from _foreign(key, value, CONSTRAINTS)
        else:
            yield f"its attribute {key}={value!r} is not known to have an equal in tf_keras."


def translated(layer: Any, name: str) -> Any:
    """The tf_keras layer, not yet built. `refusals` found nothing."""
    library = legacy_keras()
    rule = RULES[type(layer).__name__]
    arguments: dict[str, Any] = {"name": name, "trainable": layer.trainable}
    for key, value in layer.get_config().items():
        if key in rule.same:
            arguments[key] = value
        elif key in rule.renamed:
            arguments[rule.renamed[key]] = value
        elif key == "activation":
            arguments[key] = ACTIVATIONS[value]
        elif key.endswith("_regularizer") and value is not None:
            arguments[key] = getattr(library.regularizers, value["class_name"])(**value["config"])
        elif key.endswith("_constraint") and value is not None:
            arguments[key] = getattr(library.constraints, value["class_name"])(**value["config"])
    return getattr(library.layers, type(layer).__name__)(**arguments)


def copy_weights(source: Any, target: Any) -> str | None:
    """Set the weights of `target` (tf_keras, built) to those of `source` (Keras 3) by name; why not, if it cannot be.

    The names are the variables' own ("kernel"), without the layer's.
    """
    renamed = RULES[type(source).__name__].weights
    values = {
        renamed.get(weight.name, weight.name): value
        for weight, value in zip(source.weights, source.get_weights(), strict=True)
    }
    wanted = {_own_name(weight.name): tuple(weight.shape) for weight in target.weights}
    found = {name: value.shape for name, value in values.items()}
    if found != wanted or len(found) != len(source.weights) or len(wanted) != len(target.weights):
        return f"its weights are {_listed(found)}, those of tf_keras {_listed(wanted)}."
    target.set_weights([values[_own_name(weight.name)] for weight in target.weights])
    return None


def _foreign(key: str, value: Any, known: frozenset[str]) -> Iterator[str]:
    if value is not None and (not isinstance(value, Mapping) or value.get("class_name") not in known):
        yield f"tf_keras has no {key} {_function_name(value)!r} that is the same."


def _function_name(value: Any) -> str:
    return str(value.get("class_name", value)) if isinstance(value, Mapping) else str(value)


def _own_name(name: str) -> str:
    return name.rpartition("/")[2].partition(":")[0]


def _listed(shapes: Mapping[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} {shape}" for name, shape in shapes.items()) or "none"
