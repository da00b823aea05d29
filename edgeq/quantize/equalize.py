"""Cross-layer equalization: channels rescaled so that neighbouring layers share the load of quantization.

Nagel et al., 2019, Data-Free Quantization Through Weight Equalization and Bias Correction (arXiv:1906.04721), equations
9 to 11: with r1 and r2 the largest weights of a channel where it is made and where it is read, dividing the former by
s = √(r1·r2)/r2 and multiplying the latter by it makes both √(r1·r2), the best for the worst of the two. What the model
computes stays the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeq.errors import UnsupportedError
from edgeq.model.keras.graph import Call, read_graph
from edgeq.model.keras.probe import TOLERANCE, gap, predict, random_inputs
from edgeq.quantize.channels import UNREAD, ChannelGroup, find_groups
from edgeq.quantize.fold import fold_batch_norm
from edgeq.records import FloatModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SWEEPS = 100
_SETTLED = 1e-3  # of the natural logarithm of the largest scale in a sweep


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Equalized:
    """An equal model with equalized channels, in Keras 3, batch norms folded.

    `layers` has the names of the layers that were rescaled, in order; `largest` is the largest ratio between the
    factors of two channels of one group (1: nothing was unequal). `reads` and `makes` tell by layer name what each
    input feature of a kernel was multiplied by, and what each output channel of kernel and bias was divided by.
    """

    model: FloatModel
    layers: tuple[str, ...]
    largest: float
    reads: Mapping[str, NDArray[np.float64]]
    makes: Mapping[str, NDArray[np.float64]]


def equalize(model: FloatModel) -> Equalized:
    """Fold batch norms and equalize every group of channels that can be rescaled, over and over until nothing moves.

    The result is compared with the folded model on random inputs.

    Raises:
        UnsupportedError: as `edgeq.quantize.fold.fold_batch_norm`; or rescaling changed the outputs, which only
            extreme weights can cause.
    """
    folded = fold_batch_norm(model)
    groups = find_groups(read_graph(folded.handle, what=model.path.name))
    x = random_inputs(folded)
    before = predict(folded.handle, x)
    weights = _Weights()
    total = [np.ones(group.channels) for group in groups]
    for _ in range(_SWEEPS):
        moved = 0.0
        for i, group in enumerate(groups):
            scale = weights.balance(group)
            total[i] *= scale
            moved = max(moved, float(np.abs(np.log(scale)).max()))
        if moved < _SETTLED:
            break
    weights.store()  # the folded model is a copy that nobody else has
    for spec, a, b in zip(folded.outputs, before, predict(folded.handle, x), strict=True):
        found = gap(a, b)
        if not found <= TOLERANCE:
            raise UnsupportedError(
                f"Equalizing the layers of {model.path.name} changes output {spec.name!r} by {found:.1e} of its "
                "largest value.",
                hint="Its weights are probably extreme; quantize it without --equalize.",
            )
    names = dict.fromkeys(call.name for group in groups for call in (*group.makers, *group.readers))
    spans = [float(product.max() / product.min()) for product in total]
    return Equalized(
        model=folded, layers=tuple(names), largest=max(spans, default=1.0), reads=weights.reads, makes=weights.makes
    )


class _Weights:
    """Kernels and biases of the layers in double precision, changed here and stored once."""

    def __init__(self) -> None:
        self._arrays: dict[int, tuple[Any, list[NDArray[np.float64]]]] = {}
        self.reads: dict[str, NDArray[np.float64]] = {}
        self.makes: dict[str, NDArray[np.float64]] = {}

    def balance(self, group: ChannelGroup) -> NDArray[np.float64]:
        """Rescale one group by equation 11; its scales, 1 for channels that are dead on one side."""
        makers = [(_by_output(call, kernel), bias) for call in group.makers for kernel, *bias in [self._of(call)]]
        readers = [_by_input(call, self._of(call)[0]) for call in group.readers]
        made = np.max([np.abs(view).reshape(-1, group.channels).max(axis=0) for view, _ in makers], axis=0)
        read = np.max([_largest_per_feature(view).reshape(-1, group.channels).max(axis=0) for view in readers], axis=0)
        live = (made > 0) & (read > UNREAD * read.max())
        scale = np.ones(group.channels)
        scale[live] = np.sqrt(made[live] / read[live])
        for view in (view for kernel, biases in makers for view in (kernel, *biases)):
            np.divide(view, scale, out=view)
        for call in group.makers:
            self.makes[call.name] = self.makes.get(call.name, 1.0) * scale
        for call, view in zip(group.readers, readers, strict=True):
            features = np.tile(scale, len(view) // group.channels)  # a flattened map: channel after channel
            self.reads[call.name] = self.reads.get(call.name, 1.0) * features
            np.multiply(view, features.reshape(-1, *[1] * (view.ndim - 1)), out=view)
        return scale

    def store(self) -> None:
        """Write everything back into the layers."""
        for layer, arrays in self._arrays.values():
            layer.set_weights([values.astype(np.float32) for values in arrays])

    def _of(self, call: Call) -> list[NDArray[np.float64]]:
        layer = call.operation
        if id(layer) not in self._arrays:
            self._arrays[id(layer)] = (layer, [np.array(w, np.float64, order="C") for w in layer.get_weights()])
        return self._arrays[id(layer)][1]


def _by_output(call: Call, kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    """A view of the kernel with the output channel as its last axis."""
    kind = type(call.operation).__name__
    if kind.startswith("Depthwise"):
        return kernel.reshape(*kernel.shape[:-2], -1)
    return np.moveaxis(kernel, -2, -1) if kind.endswith("Transpose") else kernel


def _by_input(call: Call, kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    """A view of the kernel with the input channel as its first axis."""
    return np.moveaxis(kernel, -1 if type(call.operation).__name__.endswith("Transpose") else -2, 0)


def _largest_per_feature(view: NDArray[np.float64]) -> NDArray[np.float64]:
    magnitude: NDArray[np.float64] = np.abs(view).reshape(len(view), -1).max(axis=1)
    return magnitude
