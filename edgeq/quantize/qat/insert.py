"""The fake-quantized model: a model of the training form with rounding put in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeq.model.keras.graph import Call, KerasGraph, Value, build_model, read_graph
from edgeq.model.keras.probe import predict
from edgeq.model.runtime import keras3, quiet
from edgeq.quantize.equalize import equalize
from edgeq.quantize.qat.grid import Grid, grid_of
from edgeq.quantize.qat.norms import trained_norm_after
from edgeq.quantize.qat.placement import place
from edgeq.quantize.qat.weighted import copied_layer, is_weighted
from edgeq.records import FloatModel
from edgeq.training.options import RangesInTraining

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOMENTUM = 0.99
"""Of the moving average that ranges follow: they settle within some hundred steps."""

_BATCH = 32


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FakeQuantized:
    """A model that computes in float32 what its int8 form will compute, up to the rounding of sums.

    `model.handle` is the Keras model; `ranges` its `FakeQuant` layers, `kernels` its `FakeQuantKernel` layers. `notes`
    name what is left to calibration.
    """

    model: FloatModel
    ranges: tuple[Any, ...]
    kernels: tuple[Any, ...]
    notes: tuple[str, ...]

    def grids(self) -> tuple[tuple[str, Grid], ...]:
        """The steps of every activation by the name of the layer that makes it, as they are now."""
        return tuple((layer.name.removesuffix(SUFFIX), grid_of(*range_of(layer))) for layer in self.ranges)

    def widths(self) -> NDArray[np.float64]:
        """The width of every activation's range."""
        return np.array([high - low for low, high in map(range_of, self.ranges)], np.float64)


SUFFIX = "_range"
"""Of a `FakeQuant` layer's name, after that of the layer that makes the activation."""


def range_of(layer: Any) -> tuple[float, float]:
    """The range of a `FakeQuant` layer, common to its group."""
    low, high = layer.group.range()
    return float(low), float(high)


def fake_quantized(
    form: FloatModel,
    samples: tuple[NDArray[np.float32], ...],
    ranges_in_training: RangesInTraining | None = None,
) -> FakeQuantized:
    """Put rounding into a copy of a model, between whose layers channels are equalized.

    What is trained are the model's own weights: the factors of equalization are constants around them, so that an
    optimizer's steps are those that it would make without.

    Args:
        form: of `edgeq.quantize.qat.structure.training_form`.
        samples: calibration samples, one array per input; the ranges start at their smallest and largest values.
        ranges_in_training: what becomes of them then; None: they follow a moving average.

    Raises:
        UnsupportedError: as `edgeq.quantize.equalize.equalize`.
    """
    keras3()
    from edgeq.quantize.qat.layers import FakeQuant, FakeQuantKernel, FixedFakeQuant, LearnedFakeQuant, RangeGroup

    kind = LearnedFakeQuant if ranges_in_training == RangesInTraining.LEARNED else FakeQuant
    with quiet():
        graph = read_graph(form.handle, what=form.path.name)
        placement = place(graph)
        names = _Names(graph)
        kernels: list[Any] = []
        equal = equalize(form)
        for call in graph.calls:
            layer = call.operation
            if call not in graph.calls or not is_weighted(call):
                continue
            inner = copied_layer(layer, call.inputs[0].shape, layer.get_weights())
            follower = trained_norm_after(graph, call)
            norm = None if follower is None else _copied_norm(follower)
            reads, makes = equal.reads.get(layer.name), equal.makes.get(layer.name)
            kernels.append(FakeQuantKernel(inner, norm, reads, makes, name=names.unique(layer.name + "_rounded")))
            for use in graph.uses(layer):
                chain = [use] if norm is None else [use, *graph.consumers(use.output)]
                graph = graph.replaced(chain, [kernels[-1]])
        values = [value for group in placement.groups for value in group]
        extremes = dict(zip(values, _extremes(graph, values, samples, kernels), strict=True))
        new: list[Any] = []
        ranges: list[Any] = []
        for group in placement.groups:
            together = RangeGroup()
            for value in group:
                layer = kind(group=together, momentum=MOMENTUM, name=names.unique(value.name + SUFFIX))
                layer.build(value.shape)
                layer.set_range(*extremes[value])
                graph = graph.inserted(value, layer)
                ranges.append(layer)
        for value, (low, high) in placement.fixed.items():
            layer = FixedFakeQuant(low=low, high=high, name=names.unique(value.name + SUFFIX))
            graph = graph.inserted(value, layer)
            new.append(layer)
        handle = build_model(graph, new=[*new, *ranges, *kernels])
    left = [f"{call.name} ({type(call.operation).__name__})" for call in placement.left]
    notes: tuple[str, ...] = ()
    if kind is LearnedFakeQuant:
        notes = ("Activation ranges were trained with the weights.",)
    if left:
        notes = (
            *notes,
            f"Not fake-quantized in training, ranges from calibration: {', '.join(left)}.",
        )
    return FakeQuantized(model=replace(form, handle=handle), ranges=tuple(ranges), kernels=tuple(kernels), notes=notes)


def _copied_norm(call: Call) -> Any:
    norm = call.operation
    return copied_layer(norm, call.output.shape, norm.get_weights())


def _extremes(
    graph: KerasGraph, values: Sequence[Value], samples: tuple[NDArray[np.float32], ...], kernels: Sequence[Any]
) -> list[tuple[float, float]]:
    """The smallest and largest of each value without any rounding."""
    for layer in kernels:
        layer.rounding = False
    probe = build_model(graph.returning(values), new=kernels)
    found: list[tuple[float, float]] = [(0.0, 0.0)] * len(values)
    for start in range(0, len(samples[0]), _BATCH):
        results = predict(probe, tuple(a[start : start + _BATCH] for a in samples))
        found = [
            (min(low, float(r.min())), max(high, float(r.max()))) for (low, high), r in zip(found, results, strict=True)
        ]
    for layer in kernels:
        layer.rounding = True
    return found


class _Names:
    """Layer names that the model does not have yet."""

    def __init__(self, graph: KerasGraph) -> None:
        self._taken = {call.name for call in graph.calls} | {value.name for value in graph.inputs}

    def unique(self, name: str) -> str:
        found, number = name, 1
        while found in self._taken:
            number += 1
            found = f"{name}_{number}"
        self._taken.add(found)
        return found
