"""The compiled part of training: one call of a TensorFlow function makes as many steps as take a moment.

Within a call no signal is answered: an epoch of minutes, were it one call, would make Ctrl-C wait as long.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeq.interruption import raise_if_swallowed
from edgeq.model.runtime import keras3, legacy_keras, tensorflow
from edgeq.training.plan import TrainingPlan, optimizer_class

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edgeq.records import Split

_EVALUATION_BATCH = 256
_CALL_SECONDS = 0.25


class Steps:
    """A model, its optimizer, and functions that train and evaluate it. For Keras 3 and for tf_keras models."""

    def __init__(self, model: Any, plan: TrainingPlan) -> None:
        """Make the optimizer and its state; nothing is traced yet."""
        self._model = model
        self._plan = plan
        self._is_keras3 = isinstance(model, keras3().Model)
        library = keras3() if self._is_keras3 else legacy_keras()
        kind = optimizer_class(plan.optimizer, library)
        self.optimizer = kind(learning_rate=plan.learning_rate, **plan.optimizer_settings)
        self.optimizer.build(model.trainable_variables)
        self._losses, self._metrics = plan.objective.losses(), plan.objective.metrics()
        self._seed_dropout()
        tf = tensorflow()
        self._train = _tensors(plan.train)
        self._validation = _tensors(plan.validation)
        # No autograph: no layer needs its code converted, and that of tf_keras and tfmot takes seconds.
        self._epoch = tf.function(self._traced_epoch, autograph=False)
        self._evaluate = tf.function(self._traced_evaluation, autograph=False, input_signature=self._any_samples())
        self._training_calls, self._evaluation_calls = _Calls(), _Calls()

    @property
    def variables(self) -> list[Any]:
        """The model's variables: weights, statistics, activation ranges, the state of dropout."""
        return list(self._model.variables)

    @property
    def optimizer_variables(self) -> list[Any]:
        """The optimizer's state."""
        return list(self.optimizer.variables)

    def train(self, order: NDArray[np.int32]) -> float:
        """Train one epoch in the given order of samples; the mean loss. NaN if the loss ever was."""
        tf = tensorflow()
        rows = tf.constant(order)
        (total,) = self._training_calls.make(
            self._plan.steps,
            lambda first, last, total: (self._epoch(*self._train, rows, first, last, total),),
            (tf.constant(0.0),),
        )
        return float(total / tf.cast(len(order), tf.float32))

    def evaluate(self, *, on_training_samples: bool = False) -> tuple[float, float]:
        """The mean loss and metric in inference mode, on the validation samples or the training samples."""
        tf = tensorflow()
        x, y = self._train if on_training_samples else self._validation
        loss, metric = self._evaluation_calls.make(
            -(-len(y) // self._evaluation_batch),
            lambda first, last, loss, metric: self._evaluate(x, y, first, last, loss, metric),
            (tf.constant(0.0), tf.constant(0.0)),
        )
        count = tf.cast(len(y), tf.float32)
        return float(loss / count), float(metric / count)

    @property
    def _evaluation_batch(self) -> int:
        return 1 if self._plan.batch_size == 1 else _EVALUATION_BATCH

    def _seed_dropout(self) -> None:
        """The same masks for every model that has dropout layers of the same names, in whatever order."""
        tensorflow().random.set_seed(self._plan.seed)
        layers = sorted(self._model.layers, key=lambda layer: str(layer.name))
        states = [v for layer in layers for v in layer.variables if "seed_generator_state" in v.name]
        for number, variable in enumerate(states):
            variable.assign(np.array([self._plan.seed, number], dtype=np.uint32))

    def _arguments(self, x: list[Any]) -> Any:
        structure = getattr(self._model, "_inputs_struct", None)
        if structure is None:
            structure = getattr(self._model, "_nested_inputs", None)
        if structure is None:
            return x[0] if len(x) == 1 else x
        return tensorflow().nest.pack_sequence_as(structure, x)

    def _output(self, x: list[Any], *, training: bool) -> Any:
        (output,) = tensorflow().nest.flatten(self._model(self._arguments(x), training=training))
        return output

    def _any_samples(self) -> tuple[Any, ...]:
        """The signature of `_traced_evaluation` for any number of samples: traced once for both splits."""
        tf = tensorflow()
        x, y = tf.nest.map_structure(lambda a: tf.TensorSpec((None, *a.shape[1:]), a.dtype), self._validation)
        index, number = tf.TensorSpec((), tf.int32), tf.TensorSpec((), tf.float32)
        return x, y, index, index, number, number

    def _traced_epoch(self, x: Any, y: Any, order: Any, first: Any, last: Any, total: Any) -> Any:
        tf = tensorflow()
        batch, steps = self._plan.batch_size, self._plan.steps

        def step(i: Any, total: Any) -> tuple[Any, Any]:
            rows = order[i * batch : tf.where(i + 1 == steps, tf.size(order), (i + 1) * batch)]
            inputs, labels = self._batch(x, y, rows, batch)
            with tf.GradientTape() as tape:
                output = self._output(inputs, training=True)
                per_sample = self._losses(labels, output)
                loss = tf.add_n([tf.reduce_mean(per_sample), *self._model.losses])
            variables = self._model.trainable_variables
            handles = [getattr(v, "value", v) if self._is_keras3 else v for v in variables]
            gradients = tape.gradient(loss, handles)
            pairs = [(g, v) for g, v in zip(gradients, variables, strict=True) if g is not None]
            self.optimizer.apply_gradients(pairs)
            return i + 1, total + tf.reduce_sum(per_sample)

        _, total = tf.while_loop(lambda i, _: i < last, step, (first, total), parallel_iterations=1)
        return total

    def _traced_evaluation(self, x: Any, y: Any, first: Any, last: Any, loss: Any, metric: Any) -> tuple[Any, Any]:
        tf = tensorflow()
        n, batch = tf.shape(y)[0], self._evaluation_batch

        def step(i: Any, loss: Any, metric: Any) -> tuple[Any, Any, Any]:
            rows = tf.range(i * batch, tf.minimum(n, (i + 1) * batch))
            inputs, labels = self._batch(x, y, rows, batch)
            output = self._output(inputs, training=False)
            return (
                i + 1,
                loss + tf.reduce_sum(self._losses(labels, output)),
                metric + tf.reduce_sum(self._metrics(labels, output)),
            )

        start = (first, loss, metric)
        _, loss, metric = tf.while_loop(lambda i, *_: i < last, step, start, parallel_iterations=1)
        return loss, metric

    def _batch(self, x: Any, y: Any, rows: Any, batch: int) -> tuple[list[Any], Any]:
        tf = tensorflow()
        if batch == 1:  # a model may have been built for one sample at a time
            rows = tf.ensure_shape(rows, (1,))
        return [tf.gather(a, rows) for a in x], tf.gather(y, rows)


class _Calls:
    """Divides steps into calls of about `_CALL_SECONDS`; the steps and their sums are the same for any division."""

    def __init__(self) -> None:
        """The first call makes one step: it is compiled then."""
        self._steps = 1

    def make(self, steps: int, call: Callable[..., tuple[Any, ...]], sums: tuple[Any, ...]) -> tuple[Any, ...]:
        """`call(first, last, *sums)` makes the steps from first to before last and gives the new sums.

        Raises:
            KeyboardInterrupt: a signal came; after the call in which it was swallowed, if it was.
        """
        tf, first = tensorflow(), 0
        while first < steps:
            raise_if_swallowed()
            last = min(steps, first + self._steps)
            begin = time.monotonic()
            sums = call(tf.constant(first), tf.constant(last), *sums)
            affordable = (last - first) * _CALL_SECONDS / max(time.monotonic() - begin, 1e-6)
            self._steps = max(1, min(2 * self._steps, int(affordable)))
            first = last
        return sums


def _tensors(split: Split) -> tuple[tuple[Any, ...], Any]:
    tf = tensorflow()
    return tuple(tf.constant(a) for a in split.x), tf.constant(split.y)
