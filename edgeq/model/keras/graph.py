"""A Keras 3 model as a flat graph that can be searched and edited, and the way back to a model.

Keras' own graph is spread over layers, nodes and tensors, and a nested model is one layer of it. Here a model is a list
of calls in the order of execution; nested models are taken apart. Edits return a new graph; a graph's layers belong to
the model that it was read from until `build_model` copies them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from edgeq.errors import UnsupportedError
from edgeq.model.runtime import keras3, quiet


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Value:
    """A tensor between calls. `shape` includes the batch dimension; None is a free size."""

    name: str
    shape: tuple[int | None, ...]
    dtype: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Call:
    """One use of an operation: a Keras layer, or an operation of keras.ops (`x + y` is one).

    `args` and `kwargs` are what it was called with, a `Value` where a tensor was; `inputs` are these values in order.
    A layer that is shared has several calls with the same `operation`.
    """

    operation: Any
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]

    @property
    def name(self) -> str:
        """The layer's name."""
        return str(self.operation.name)

    @property
    def output(self) -> Value:
        """The only output."""
        (value,) = self.outputs
        return value


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KerasGraph:
    """A model. `input_structure` and `output_structure` are what it takes and returns: a value, a list, a dict.

    `calls` are in an order in which they can run. `inputs` and `outputs` are the structures' values in Keras' order.
    """

    name: str
    input_structure: Any
    output_structure: Any
    calls: tuple[Call, ...]

    @property
    def inputs(self) -> tuple[Value, ...]:
        """The model's inputs."""
        return tuple(keras3().tree.flatten(self.input_structure))

    @property
    def outputs(self) -> tuple[Value, ...]:
        """The model's outputs; a value may stand here more than once."""
        return tuple(keras3().tree.flatten(self.output_structure))

    def producer(self, value: Value) -> Call | None:
        """The call that makes a value; None for a model input."""
        return next((call for call in self.calls if value in call.outputs), None)

    def consumers(self, value: Value) -> tuple[Call, ...]:
        """The calls that read a value."""
        return tuple(call for call in self.calls if value in call.inputs)

    def only_consumer(self, value: Value) -> Call | None:
        """The call that reads a value, if it is the only one and the value is no output of the model."""
        found = self.consumers(value)
        return found[0] if len(found) == 1 and value not in self.outputs else None

    def uses(self, operation: Any) -> tuple[Call, ...]:
        """All calls of one layer; more than one if it is shared."""
        return tuple(call for call in self.calls if call.operation is operation)

    def replaced(self, chain: Sequence[Call], operations: Sequence[Any]) -> KerasGraph:
        """The graph with a chain of calls exchanged for other operations, one after the other.

        The first operation is called as the chain's first call was, each further one with the value before it; the
        last one makes the values that the chain's last call made. Values inside the chain are gone.

        Args:
            chain: calls of which each is the only consumer of the one before it.
            operations: built Keras layers or operations; not empty.
        """
        first, last = chain[0], chain[-1]
        new: list[Call] = []
        for i, operation in enumerate(operations):
            final = i == len(operations) - 1
            outputs = last.outputs if final else (_output_value(operation, new[-1].outputs if new else first.inputs),)
            if not new:
                new.append(replace(first, operation=operation, outputs=outputs))
            else:
                new.append(_unary(operation, new[-1].output, outputs))
        calls: list[Call] = []
        for call in self.calls:
            if call is last:
                calls += new
            elif call not in chain:
                calls.append(call)
        return replace(self, calls=tuple(calls))

    def inserted(self, value: Value, operation: Any) -> KerasGraph:
        """The graph with an operation put on a value: who read the value, or returned it, now reads its result."""
        result = Value(name=value.name, shape=value.shape, dtype=value.dtype)
        calls = [_with_input(call, value, result) for call in self.calls]
        producer = next((i for i, call in enumerate(self.calls) if value in call.outputs), -1)
        calls.insert(producer + 1, _unary(operation, value, (result,)))
        outputs = _mapped(self.output_structure, {value: result})
        return replace(self, calls=tuple(calls), output_structure=outputs)

    def returning(self, values: Sequence[Value]) -> KerasGraph:
        """The graph with a list of other values as its outputs; calls that they do not need are left out."""
        needed = set(values)
        calls: list[Call] = []
        for call in reversed(self.calls):
            if needed.intersection(call.outputs):
                needed.update(call.inputs)
                calls.insert(0, call)
        return replace(self, calls=tuple(calls), output_structure=list(values))


def read_graph(model: Any, *, what: str) -> KerasGraph:
    """The graph of a built functional or sequential Keras 3 model.

    Args:
        model: of Keras 3.
        what: the model's name, for messages.

    Raises:
        UnsupportedError: the model, or a model in it, has Python code of its own instead of a graph.
    """
    keras = keras3()
    function = _function_of(model)
    if function is None:
        raise UnsupportedError(
            f"{what} is no functional or sequential Keras model, so its layers cannot be taken apart.",
            hint="Rebuild it as a functional or sequential model with an Input layer and load the weights into it.",
        )
    values = {
        id(t): Value(name=str(t.name), shape=tuple(t.shape), dtype=str(t.dtype))
        for t in keras.tree.flatten(function._inputs_struct)
    }
    structure = keras.tree.map_structure(lambda t: values[id(t)], function._inputs_struct)
    calls: list[Call] = []
    results = _walk(function, dict(values), calls, what)
    return KerasGraph(
        name=str(model.name),
        input_structure=structure,
        output_structure=keras.tree.map_structure(lambda t: results[id(t)], function._outputs_struct),
        calls=tuple(calls),
    )


def build_model(graph: KerasGraph, *, name: str | None = None, new: Collection[Any] = ()) -> Any:
    """A new Keras 3 functional model; every layer is copied once, with its weights, so that nothing is shared.

    Args:
        graph: what it computes.
        name: the model's; None takes the graph's.
        new: operations that belong to no other model: they are used as they are, under their own names.

    Raises:
        UnsupportedError: a layer cannot be copied; the message names it.
    """
    keras = keras3()
    copies: dict[int, Any] = {id(operation): operation for operation in new}
    taken: set[str] = {str(operation.name) for operation in new}
    with quiet():
        tensors = {
            value: keras.Input(batch_shape=value.shape, dtype=value.dtype, name=_unique(value.name, taken))
            for value in graph.inputs
        }
        symbols = dict(tensors)
        for call in graph.calls:
            key = id(call.operation)
            if key not in copies:
                copies[key] = _copied(call.operation, _unique(call.name, taken))
            args, kwargs = _mapped((call.args, dict(call.kwargs)), symbols)
            results = keras.tree.flatten(copies[key](*args, **kwargs))
            symbols.update(zip(call.outputs, results, strict=True))
        for call in graph.calls:
            if call.operation is not copies[id(call.operation)] and hasattr(call.operation, "get_weights"):
                copies[id(call.operation)].set_weights(call.operation.get_weights())
        inputs = _mapped(graph.input_structure, tensors)
        return keras.Model(inputs, _mapped(graph.output_structure, symbols), name=name or graph.name)


def _function_of(model: Any) -> Any:
    """The Functional that a model is or holds; None for one with code of its own."""
    inner = getattr(model, "_functional", model)
    return inner if hasattr(inner, "_nodes_by_depth") and inner.__class__.__module__.startswith("keras.") else None


def _walk(function: Any, values: dict[int, Value], calls: list[Call], what: str) -> dict[int, Value]:
    """Append a model's calls; `values` has a value for each of its input tensors, the result one for every tensor."""
    keras = keras3()
    for depth in sorted(function._nodes_by_depth, reverse=True):
        for node in function._nodes_by_depth[depth]:
            if node.is_input:
                continue
            given = node.arguments
            arguments = (given.args, {k: v for k, v in given.kwargs.items() if _kept(node.operation, k, v)})
            args, kwargs = keras.tree.map_structure(
                lambda a: values[id(a)] if isinstance(a, keras.KerasTensor) else a, arguments
            )
            operation = node.operation
            nested = _function_of(operation) if isinstance(operation, keras.Model) else None
            if nested is not None:
                if kwargs or len(args) != 1:
                    raise UnsupportedError(
                        f"The model {operation.name!r} in {what} is called with {', '.join(kwargs) or 'several'} "
                        "arguments beside its input.",
                        hint="Call it with its input only.",
                    )
                inner = dict(
                    zip(map(id, keras.tree.flatten(nested._inputs_struct)), keras.tree.flatten(args[0]), strict=True)
                )
                results = _walk(nested, inner, calls, what)
                outputs = [results[id(t)] for t in keras.tree.flatten(nested._outputs_struct)]
                values.update(zip(map(id, node.output_tensors), outputs, strict=True))
                continue
            made = tuple(
                Value(name=str(operation.name), shape=tuple(t.shape), dtype=str(t.dtype)) for t in node.output_tensors
            )
            values.update(zip(map(id, node.output_tensors), made, strict=True))
            inputs = tuple(v for v in keras.tree.flatten((args, kwargs)) if isinstance(v, Value))
            calls.append(Call(operation=operation, args=tuple(args), kwargs=kwargs, inputs=inputs, outputs=made))
    return values


def _kept(operation: Any, name: str, value: Any) -> bool:
    """Whether an argument belongs to the call.

    Keras adds masks itself when the copy is called; and a model that is trained tells its own layers so, whatever the
    call in it said (`base(x, training=False)`).
    """
    if name == "training" and value is False and type(operation).__module__.startswith("keras."):
        return False
    return value is not None and name not in {"mask", "_layer_mask"}


def _copied(operation: Any, name: str) -> Any:
    """A layer or operation like the given one, without its weights."""
    keras = keras3()
    try:
        config = dict(operation.get_config())
        config["name"] = name
        return type(operation).from_config(config)
    except Exception as exc:
        if isinstance(operation, keras.layers.Layer) and not operation.weights:
            return operation  # a Lambda, say: nothing in it can change
        raise UnsupportedError(
            f"Layer {operation.name!r} ({type(operation).__name__}) cannot be copied: {exc}",
            hint="Give the class a get_config() that returns everything its constructor takes.",
        ) from exc


def _unique(name: str, taken: set[str]) -> str:
    """A layer name that no other layer has; nested models may use a name twice."""
    clean = name.replace("/", "_")
    found, number = clean, 1
    while found in taken:
        number += 1
        found = f"{clean}_{number}"
    taken.add(found)
    return found


def _mapped(structure: Any, values: Mapping[Value, Any]) -> Any:
    return keras3().tree.map_structure(lambda v: values.get(v, v) if isinstance(v, Value) else v, structure)


def _with_input(call: Call, old: Value, new: Value) -> Call:
    if old not in call.inputs:
        return call
    args, kwargs = _mapped((call.args, dict(call.kwargs)), {old: new})
    inputs = tuple(new if value is old else value for value in call.inputs)
    return replace(call, args=tuple(args), kwargs=kwargs, inputs=inputs)


def _unary(operation: Any, value: Value, outputs: tuple[Value, ...]) -> Call:
    return Call(operation=operation, args=(value,), kwargs={}, inputs=(value,), outputs=outputs)


def _output_value(operation: Any, inputs: tuple[Value, ...]) -> Value:
    keras = keras3()
    tensors = [keras.KerasTensor(value.shape, dtype=value.dtype) for value in inputs]
    spec = operation.compute_output_spec(tensors[0] if len(tensors) == 1 else tensors)
    return Value(name=str(operation.name), shape=tuple(spec.shape), dtype=str(spec.dtype))
