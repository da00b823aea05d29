"""Keras layers that round as the int8 model will. Import this after `edgeq.model.runtime.keras3()`.

Gradients pass rounding as if it were not there (straight-through: Bengio et al., 2013, arXiv:1308.3432).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from edgeq.quantize.fold import norm_scale_and_shift, scaled_kernel
from edgeq.quantize.qat.grid import LEVELS, SMALLEST_WIDTH

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SMALLEST_WEIGHT = 1e-8

_PACE = 10.0
"""Of trained ranges: with a learning rate of 1e-4 a step of Adam moves an end by a thousandth, so that some hundred
steps settle it, as with the moving average."""


class RangeGroup:
    """The `FakeQuant` layers that stand for tensors of one scale. (A class of its own: a list would be tracked.)"""

    def __init__(self) -> None:
        """An empty group."""
        self.members: list[FakeQuant] = []

    def range(self) -> tuple[Any, Any]:
        """The smallest range that has the clipped ranges of all members, tensors."""
        low, high = self.members[0].clipped()
        for member in self.members[1:]:
            other_low, other_high = member.clipped()
            low, high = tf.minimum(low, other_low), tf.maximum(high, other_high)
        return low, tf.maximum(high, low + SMALLEST_WIDTH)


class FakeQuant(keras.layers.Layer):  # type: ignore[misc]
    """Rounds an activation to 256 steps of a range that has zero on a step, and clips it to the range.

    `low` and `high` follow the smallest and largest value of each training batch, by an exponential moving average.
    Of these, the values up to `clip` times the larger magnitude are in the range: 1 is all of them, and less gives
    finer steps at the price of the largest values. 0 switches rounding off. Layers of one `group` have one range.
    """

    def __init__(self, *, group: RangeGroup, momentum: float, **options: Any) -> None:
        """`group` gets the layer as a member; `momentum` is the moving average's, below 1."""
        super().__init__(**options)
        self.supports_masking = True
        self.momentum = momentum
        self.group = group
        group.members.append(self)

    def build(self, input_shape: Any) -> None:
        """Make the range; `set_range` gives it values."""
        self.low, self.high, self.clip = (
            self.add_weight(name=name, shape=(), initializer=initializer, trainable=False)
            for name, initializer in (("low", "zeros"), ("high", "ones"), ("clip", "ones"))
        )

    def set_range(self, low: float, high: float) -> None:
        """Give the layer its own smallest and largest value; zero becomes part of the range."""
        self.low.assign(min(low, 0.0))
        self.high.assign(max(high, 0.0))

    def clipped(self) -> tuple[Any, Any]:
        """The layer's own range, tensors."""
        low, high = self.low.value, self.high.value
        limit = self.clip.value * tf.maximum(-low, high)
        return tf.maximum(low, -limit), tf.minimum(high, limit)

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Observe (in training) and round."""
        if training:
            self._observe(inputs)
        return tf.where(self.clip.value > 0.0, self._rounded(inputs, *self.group.range()), inputs)

    def compute_output_spec(self, inputs: Any, training: bool | None = None) -> Any:
        """As the input: Keras cannot tell for the result of `x * 2`, which might be sparse."""
        return keras.KerasTensor(inputs.shape, dtype=self.compute_dtype)

    def _observe(self, inputs: Any) -> None:
        self.low.assign(self._moved(self.low, tf.minimum(tf.reduce_min(inputs), 0.0)))
        self.high.assign(self._moved(self.high, tf.maximum(tf.reduce_max(inputs), 0.0)))

    def _moved(self, value: Any, seen: Any) -> Any:
        return self.momentum * value + (1.0 - self.momentum) * tf.stop_gradient(seen)

    def _rounded(self, inputs: Any, low: Any, high: Any) -> Any:
        return tf.quantization.fake_quant_with_min_max_vars(inputs, low, high, num_bits=8)


class LearnedFakeQuant(FakeQuant):
    """A `FakeQuant` whose range is trained with the weights, and follows no batch.

    Each end of the clipped range that it starts with is multiplied by exp(`_PACE` · t), t trained: steps are in
    proportion to the range (Jain et al., 2019, arXiv:1903.08066). The gradient of an end is that of the values beyond
    it, and of the rounding errors within, which a wider range makes larger; over √(features · 255) for optimizers that
    do not normalize (Esser et al., 2019, arXiv:1902.08153, sections 2.1 and 2.2; both ends: Bhalgat et al., 2020,
    arXiv:2004.09576).
    """

    def build(self, input_shape: Any) -> None:
        """Make the range and the trained factors."""
        super().build(input_shape)
        self.low_moved, self.high_moved = (
            self.add_weight(name=name, shape=(), initializer="zeros", trainable=True)
            for name in ("low_moved", "high_moved")
        )
        features = math.prod(size or 1 for size in input_shape[1:])
        self._share = 1.0 / math.sqrt(features * LEVELS)

    def clipped(self) -> tuple[Any, Any]:
        """The range that training has reached."""
        low, high = super().clipped()
        return low * self._factor(self.low_moved), high * self._factor(self.high_moved)

    def _factor(self, moved: Any) -> Any:
        value = moved.value
        return tf.exp(_PACE * (self._share * value + (1.0 - self._share) * tf.stop_gradient(value)))

    def _observe(self, inputs: Any) -> None:
        """Nothing: batches do not move the range."""

    def _rounded(self, inputs: Any, low: Any, high: Any) -> Any:
        rounded = super()._rounded(inputs, low, high)
        step = (high - low) / LEVELS
        inside = tf.logical_and(inputs >= low, inputs <= high)
        error = tf.stop_gradient(tf.where(inside, (rounded - inputs) / step, 0.0))
        return rounded + (step - tf.stop_gradient(step)) * error  # the value is `rounded`, to the last bit


class FixedFakeQuant(keras.layers.Layer):  # type: ignore[misc]
    """Rounds to the steps that TFLite prescribes for an op's output: of softmax, sigmoid and tanh."""

    def __init__(self, *, low: float, high: float, **options: Any) -> None:
        """`low` and `high`: the real values of −128 and 127."""
        super().__init__(**options)
        self.supports_masking = True
        self.low, self.high = low, high

    def call(self, inputs: Any) -> Any:
        """Round and clip."""
        return tf.quantization.fake_quant_with_min_max_args(inputs, self.low, self.high, num_bits=8)

    def compute_output_spec(self, inputs: Any) -> Any:
        """As the input."""
        return keras.KerasTensor(inputs.shape, dtype=self.compute_dtype)


class FakeQuantKernel(keras.layers.Layer):  # type: ignore[misc]
    """A layer whose kernel is rounded to −127 … 127 steps of each output channel's largest weight.

    A batch norm after it multiplies whole channels, and these steps with them: rounding before it gives the integers
    that rounding the folded kernel would, whatever its statistics are.
    """

    def __init__(self, layer: Any, norm: Any = None, reads: Any = None, makes: Any = None, **options: Any) -> None:
        """Put constants around what is trained.

        Args:
            layer: built, one of `edgeq.quantize.qat.weighted.WEIGHTED`.
            norm: the built batch norm after it; None: there is none.
            reads: what each input feature of the kernel is multiplied by before it is rounded; None: nothing.
            makes: what each output channel is divided by in the end; None: nothing.
            options: Keras' own.
        """
        super().__init__(**options)
        self.layer, self.norm = layer, norm
        self._reads = _by_feature(reads, layer)
        self._makes = None if makes is None else np.asarray(makes, np.float32)
        self.rounding = True
        self.built = True

    def _kernel(self) -> Any:
        value = tf.convert_to_tensor(self.layer.kernel)
        value = value if self._reads is None else value * self._reads
        return rounded_kernel(value, type(self.layer).__name__) if self.rounding else value

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """The layer's result with the rounded kernel; the norm takes the batch's moments in training, else its own."""
        rounded = self._kernel()
        kernel = next(v for v in self.layer.variables if v is self.layer.kernel)
        replaced = [
            [rounded if v is kernel else v.value for v in variables]
            for variables in (self.layer.trainable_variables, self.layer.non_trainable_variables)
        ]
        result, _ = self.layer.stateless_call(*replaced, inputs)
        if self.layer.activity_regularizer is not None:  # applied by Layer.__call__, which nobody called
            self.add_loss(self.layer.activity_regularizer(result) / tf.cast(tf.shape(result)[0], result.dtype))
        if self.norm is not None:
            result = self.norm(result, training=training, mask=self.compute_mask(inputs, mask))
        return result if self._makes is None else result / self._makes

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The input's Keras mask if the layer passes it on: what it leaves out does not count in the norm's moments."""
        return previous_mask if self.layer.supports_masking else None

    def folded(self) -> list[NDArray[np.float64]]:
        """The rounded kernel, and the bias if there is one, with the norm's moments and all factors folded in."""
        kernel = np.asarray(self._kernel(), np.float64)
        bias = [np.asarray(w, np.float64) for w in self.layer.get_weights()[1:]]
        makes = 1.0 if self._makes is None else self._makes.astype(np.float64)
        factor: Any = 1.0
        if self.norm is not None:
            factor, shift = norm_scale_and_shift(self.norm)
            bias = [shift + sum(b * factor for b in bias)]
        scale = np.asarray(factor / makes)
        if scale.ndim:
            kernel = scaled_kernel(kernel, type(self.layer).__name__, scale)
        return [kernel, *(b / makes for b in bias)]


def _by_feature(factors: Any, layer: Any) -> Any:
    """A factor for each input feature in a shape that multiplies the kernel."""
    if factors is None:
        return None
    values = np.asarray(factors, np.float32)
    return values if type(layer).__name__.endswith("Transpose") else values[:, None]


def rounded_kernel(kernel: Any, kind: str) -> Any:
    """A kernel's int8 values times their scales, by output channel; `kind` is the layer's class name."""
    value = tf.convert_to_tensor(kernel)
    shape = tuple(value.shape)
    if kind.endswith("Transpose"):  # (…, out, in)
        swapped = [*range(len(shape) - 2), len(shape) - 1, len(shape) - 2]
        return tf.transpose(_rounded_by_last_axis(tf.transpose(value, swapped)), swapped)
    if kind.startswith("Depthwise"):  # (…, in, multiplier)
        return tf.reshape(_rounded_by_last_axis(tf.reshape(value, (*shape[:-2], -1))), shape)
    return _rounded_by_last_axis(value)


def _rounded_by_last_axis(value: Any) -> Any:
    limit = tf.reduce_max(tf.abs(tf.stop_gradient(value)), axis=list(range(value.shape.rank - 1)))
    limit = tf.maximum(limit, _SMALLEST_WEIGHT)
    return tf.quantization.fake_quant_with_min_max_vars_per_channel(value, -limit, limit, num_bits=8, narrow_range=True)
