"""Channels rescaled so that an optimizer's steps mean as much for each of them.

A channel that is made large and read by tiny weights computes what others compute, but an optimizer whose steps are of
one size for all weights (Adam) turns its tiny weights over within a few. In the trained form a channel's size is that
of the activations, which batch norm keeps; the weights that read it are of one order of magnitude for all channels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edgeq.model.keras.graph import Call, KerasGraph, build_model, read_graph
from edgeq.quantize.channels import UNREAD, find_groups
from edgeq.quantize.fold import folded_graph, scaled_kernel
from edgeq.quantize.qat.norms import trained_norm_after

if TYPE_CHECKING:
    from numpy.typing import NDArray

_USUAL = 0.75
"""The quantile of a group's sizes that is the usual one: up to three in four channels may be read by tiny weights, or
one in four by huge ones."""

_REACH = 10.0
"""How far from the usual size weights may be. Closer ones are left alone: a channel that counts for too much is one
that training takes back sooner where its weights are small."""


def with_balanced_readers(graph: KerasGraph) -> KerasGraph:
    """A copy of a graph in which the weights that read a channel are about as large for every channel of a group.

    Groups are those of `edgeq.quantize.channels.find_groups`; size is the root mean square, of several readers the
    geometric mean of theirs. Channels whose weights are within `_REACH` of the usual size stay as they are, and so do
    those that nothing reads; the others are rescaled to its end. What the model computes stays the same. Batch norms
    that are trained must have scale and shift.
    """
    handle = build_model(graph)
    graph = read_graph(handle, what=graph.name)
    calls = {call.name: call for call in graph.calls}
    folded = read_graph(build_model(folded_graph(graph)[0]), what=graph.name)
    for group in find_groups(folded):
        readers = [calls[call.name] for call in group.readers]
        sizes = [_sizes(call, group.channels) for call in readers]
        live = np.all([s > UNREAD * s.max() for s in sizes], axis=0)
        if not live.any():
            continue
        scale = np.ones(group.channels)
        size = np.exp(np.mean([np.log(s[live]) for s in sizes], axis=0))
        usual = np.quantile(size, _USUAL)
        scale[live] = np.clip(size, usual / _REACH, usual * _REACH) / size
        for call in readers:
            kernel, *rest = call.operation.get_weights()
            features = np.tile(scale, _features(call) // group.channels)
            call.operation.set_weights([kernel * _by_feature(call, features), *rest])
        for maker in group.makers:
            _divide(graph, calls[maker.name], scale)
    return graph


def _divide(graph: KerasGraph, call: Call, scale: NDArray[np.float64]) -> None:
    """Divide what a layer makes, with its batch norm if it has one."""
    norm = trained_norm_after(graph, call)
    if norm is not None:
        gamma, beta, *moments = norm.operation.get_weights()
        norm.operation.set_weights([gamma / scale, beta / scale, *moments])
        return
    kernel, *bias = call.operation.get_weights()
    smaller = scaled_kernel(np.asarray(kernel, np.float64), type(call.operation).__name__, 1.0 / scale)
    call.operation.set_weights([smaller, *(b / scale for b in bias)])


def _features(call: Call) -> int:
    kernel = call.operation.get_weights()[0]
    return int(kernel.shape[-1 if type(call.operation).__name__.endswith("Transpose") else -2])


def _by_feature(call: Call, features: NDArray[np.float64]) -> NDArray[np.float64]:
    return features if type(call.operation).__name__.endswith("Transpose") else features[:, None]


def _sizes(call: Call, channels: int) -> NDArray[np.float64]:
    """The root mean square of the weights that read each channel."""
    kernel = np.asarray(call.operation.get_weights()[0], np.float64)
    axis = -1 if type(call.operation).__name__.endswith("Transpose") else -2
    squares = np.square(np.moveaxis(kernel, axis, 0)).reshape(_features(call), -1).mean(axis=1)
    sizes: NDArray[np.float64] = np.sqrt(squares.reshape(-1, channels).mean(axis=0))
    return sizes
