"""Walks a Keras 3 model's graph and builds the same graph of tf_keras layers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from edgeq.errors import UnsupportedError
from edgeq.model.runtime import keras3, legacy_keras, quiet
from edgeq.records import FloatModel
from edgeq.transfer.translate import copy_weights, refusals, translated

HINT = "Use --method qat, which trains Keras 3 models as they are; or build the model in tf_keras."
"""What to do about a model that cannot be transferred."""

_ADDITION = ("keras.src.ops.numpy", "Add")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Call:
    """One call of a Keras 3 layer or operation, and the tf_keras tensors that stand for what goes in and comes out.

    `is_list`: the call takes its inputs as a list.
    """

    operation: Any
    where: str
    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]
    is_list: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rebuilt:
    """A tf_keras model, and where each of its tensors comes from."""

    model: Any
    calls: tuple[Call, ...]


def rebuild(model: FloatModel) -> Rebuilt:
    """The tf_keras model; nested models are flattened, layers that are used several times stay one layer.

    Raises:
        UnsupportedError: all layers and operations that cannot be transferred, by name.
    """
    keras_model = model.handle
    problems = list(_problems(keras_model))
    if problems:
        raise _refused(model, problems)
    builder = _Builder()
    with quiet():
        try:
            inputs = [builder.input(tensor) for tensor in keras_model.inputs]
            outputs = builder.run(keras_model, inputs, prefix="")
            made = legacy_keras().Model(_single(inputs), _single(outputs), name=_legal(keras_model.name))
        except Exception as exc:
            raise UnsupportedError(
                f"{model.path.name} cannot be built as a tf_keras model: {_first_line(exc)}", hint=HINT
            ) from exc
        problems = list(builder.copy_weights())
    if problems:
        raise _refused(model, problems)
    return Rebuilt(model=made, calls=tuple(builder.calls))


class _Builder:
    """What was built so far: one tf_keras layer per Keras 3 layer."""

    def __init__(self) -> None:
        self._layers: dict[int, tuple[Any, Any]] = {}
        self._names: set[str] = set()
        self.calls: list[Call] = []

    def input(self, tensor: Any) -> Any:
        name = self._unique(tensor._keras_history.operation.name)
        return legacy_keras().Input(batch_shape=tuple(tensor.shape), dtype=tensor.dtype, name=name)

    def run(self, model: Any, inputs: Sequence[Any], prefix: str) -> list[Any]:
        """The outputs of `model`'s graph for these tf_keras tensors."""
        keras = keras3()
        values = {id(tensor): value for tensor, value in zip(model.inputs, inputs, strict=True)}
        for node in _nodes(model):
            operation = node.operation
            arguments = [values[id(tensor)] for tensor in node.input_tensors]
            if isinstance(operation, keras.Model):
                results = self.run(operation, arguments, f"{prefix}{operation.name}_")
            else:
                is_list = _takes_list(node)
                made = self._layer(operation, prefix)(arguments if is_list else arguments[0])
                results = keras.tree.flatten(made)
                self.calls.append(
                    Call(
                        operation=operation,
                        where=place(operation),
                        inputs=tuple(arguments),
                        outputs=tuple(results),
                        is_list=is_list,
                    )
                )
            values.update({id(tensor): value for tensor, value in zip(node.outputs, results, strict=True)})
        return [values[id(tensor)] for tensor in model.outputs]

    def copy_weights(self) -> Iterator[str]:
        for source, target in self._layers.values():
            if isinstance(source, keras3().layers.Layer):
                reason = copy_weights(source, target)
                if reason is not None:
                    yield f"{place(source)}: {reason}"

    def _layer(self, operation: Any, prefix: str) -> Any:
        if id(operation) not in self._layers:
            name = self._unique(prefix + operation.name if _legal(operation.name) in self._names else operation.name)
            is_layer = isinstance(operation, keras3().layers.Layer)
            made = translated(operation, name) if is_layer else legacy_keras().layers.Add(name=name)
            self._layers[id(operation)] = (operation, made)
        return self._layers[id(operation)][1]

    def _unique(self, name: str) -> str:
        base = unique = _legal(name)
        number = 1
        while unique in self._names:
            number += 1
            unique = f"{base}_{number}"
        self._names.add(unique)
        return unique


def _nodes(model: Any) -> list[Any]:
    """The nodes between a model's inputs and outputs, each after those that it needs."""
    known = {id(tensor) for tensor in model.inputs}
    ordered: list[Any] = []
    stack = list(reversed(model.outputs))
    while stack:  # a stack, because a model may be deeper than Python recurses
        tensor = stack[-1]
        if id(tensor) in known:
            stack.pop()
            continue
        history = tensor._keras_history
        node = history.operation._inbound_nodes[history.node_index]
        missing = [t for t in node.input_tensors if id(t) not in known]
        if missing:
            stack.extend(reversed(missing))
            continue
        ordered.append(node)
        known.update(id(t) for t in node.outputs)
    return ordered


def _problems(model: Any) -> Iterator[str]:
    keras = keras3()
    seen: set[int] = set()
    for node in _nodes(model):
        operation = node.operation
        reason = _call_problem(node)
        if reason is not None:
            yield f"{place(operation)}: {reason}"
        if id(operation) in seen:
            continue
        seen.add(id(operation))
        if isinstance(operation, keras.Model):
            if getattr(operation, "inputs", None) and type(operation).__module__.startswith("keras.src.models"):
                yield from (f"{place(operation)}, {problem}" for problem in _problems(operation))
            else:
                yield f"{place(operation)}: it is a subclassed model, whose layers cannot be followed."
        elif isinstance(operation, keras.layers.Layer):
            yield from (f"{place(operation)}: {reason}" for reason in refusals(operation))


def _call_problem(node: Any) -> str | None:
    """Why this call of a layer or operation cannot be repeated in tf_keras."""
    keras = keras3()
    operation, arguments = node.operation, node.arguments
    # Keras 3 overrides a stored `training` with the model's own: it has no effect.
    extra = {key: value for key, value in arguments.kwargs.items() if key != "training" and value is not None}
    if not isinstance(operation, keras.layers.Layer):
        same_shape = len({tuple(t.shape) for t in node.input_tensors}) == 1
        is_addition = (type(operation).__module__, type(operation).__name__) == _ADDITION
        if is_addition and len(node.input_tensors) == 2 and same_shape and not extra:
            return None
        return "it is an operation, no layer, and only x + y of two tensors of one shape has an equal in tf_keras."
    if extra or len(arguments.args) != 1:
        return "it is called with more than its input."
    value = arguments.args[0]
    listed = isinstance(value, list | tuple) and all(isinstance(item, keras.KerasTensor) for item in value)
    if not listed and not isinstance(value, keras.KerasTensor):
        return "it is called with something else than a tensor or a list of tensors."
    return None


def _takes_list(node: Any) -> bool:
    is_layer = isinstance(node.operation, keras3().layers.Layer)
    return not is_layer or isinstance(node.arguments.args[0], list | tuple)


def _refused(model: FloatModel, problems: Sequence[str]) -> UnsupportedError:
    lines = [f"{model.path.name} is a Keras 3 model that cannot be transferred to tf_keras exactly:"]
    lines += [f"  {problem}" for problem in dict.fromkeys(problems)]
    return UnsupportedError("\n".join(lines), hint=HINT)


def place(operation: Any) -> str:
    """What to call a Keras 3 layer or operation in messages."""
    kind = type(operation).__name__
    return f"{'layer' if isinstance(operation, keras3().layers.Layer) else 'operation'} {operation.name!r} ({kind})"


def _legal(name: str) -> str:
    """A name that TensorFlow takes for a scope."""
    clean = re.sub(r"[^\w.-]", "_", name, flags=re.ASCII)
    return clean if re.match(r"[A-Za-z0-9.]", clean) else f"layer{clean}"


def _single(tensors: list[Any]) -> Any:
    return tensors[0] if len(tensors) == 1 else tensors


def _first_line(exc: Exception) -> str:
    lines = [line.strip() for line in str(exc).splitlines() if line.strip()]
    return lines[0] if lines else type(exc).__name__
