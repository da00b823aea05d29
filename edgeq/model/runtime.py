"""TensorFlow and Keras, imported late and kept quiet."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from edgeq.caches import keras_home
from edgeq.errors import InputError
from edgeq.interruption import not_swallowed

# Read by the C++ libraries once, when they are loaded. oneDNN sums in an order that depends on the host's CPU, so a
# float model's outputs would differ between machines.
_ENVIRONMENT = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0"}

_LEGACY_SWITCH = "TF_USE_LEGACY_KERAS"

_LEFT_OUT = "sklearn"
"""Keras imports it, if it is there, for wrappers that edgeq has no use for: a fifth of the time of its import."""

_leaves_out: list[str] = []


def import_less() -> None:
    """For processes that are edgeq's own: TensorFlow and Keras are imported without what only others need.

    In a user's process that would be missing: `keras.wrappers` would say that scikit-learn is not installed.
    """
    _leaves_out[:] = [_LEFT_OUT]


@contextlib.contextmanager
def quiet() -> Iterator[Callable[[], str]]:
    """Swallow everything that is written to stdout and stderr, from Python or C++; yields a function that returns it.

    TensorFlow's C++ parts write to the file descriptors, whatever Python's streams are. What Python code of this
    process prints meanwhile, from any thread, is swallowed too; Ctrl-C is not (`edgeq.interruption`).
    """
    sys.stdout.flush()
    sys.stderr.flush()
    with not_swallowed(), tempfile.TemporaryFile() as sink, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        saved = [(fd, os.dup(fd)) for fd in (1, 2)]
        try:
            for fd, _ in saved:
                os.dup2(sink.fileno(), fd)

            def captured() -> str:
                sys.stdout.flush()
                sys.stderr.flush()
                size = os.fstat(sink.fileno()).st_size
                return os.pread(sink.fileno(), size, 0).decode(errors="replace")

            yield captured
        finally:
            # Python's buffers first: what they hold was written inside.
            sys.stdout.flush()
            sys.stderr.flush()
            for fd, copy in saved:
                os.dup2(copy, fd)
                os.close(copy)


@contextlib.contextmanager
def _without(packages: list[str]) -> Iterator[None]:
    """Within the block packages that are not imported yet seem not to be installed."""
    hidden = [name for name in packages if name not in sys.modules]
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment] # what makes an import fail
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


def tensorflow() -> Any:
    """The tensorflow module, imported without its chatter (seconds the first time).

    Raises:
        InputError: KERAS_BACKEND asks for a backend that has no TFLite converter.
    """
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    if backend != "tensorflow":
        raise InputError(
            f"KERAS_BACKEND is {backend!r}, but only Keras on TensorFlow can be converted to a .tflite.",
            hint="Unset KERAS_BACKEND, or set it to tensorflow; .keras files saved with another backend load, too.",
        )
    if "tensorflow" in sys.modules:
        return sys.modules["tensorflow"]
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    home = keras_home()
    if home is not None:
        os.environ.setdefault("KERAS_HOME", str(home))
    with quiet(), _without(_leaves_out):
        import tensorflow as tf

        tf.get_logger().setLevel(logging.ERROR)
        logging.getLogger("absl").setLevel(logging.ERROR)
    return tf


def keras3() -> Any:
    """The Keras 3 module on its TensorFlow backend.

    Raises:
        InputError: as `tensorflow`, or Keras was configured for another backend (~/.keras/keras.json).
    """
    tensorflow()
    with quiet():
        import keras
    if keras.backend.backend() != "tensorflow":
        raise InputError(
            f"Keras uses the backend {keras.backend.backend()!r}, but only TensorFlow's can be converted to a .tflite.",
            hint="Set the environment variable KERAS_BACKEND=tensorflow.",
        )
    return keras


def legacy_keras() -> Any:
    """The tf_keras module (Keras 2)."""
    tensorflow()
    with quiet():
        import tf_keras
    return tf_keras


def tfmot_keras() -> Any:
    """`tensorflow_model_optimization.quantization.keras`, which works on tf_keras models.

    Importing it sets TF_USE_LEGACY_KERAS, which would make `tf.keras` tf_keras for whatever is imported later, in this
    process and its children; here the variable is as it was afterwards, and `tf.keras` is resolved before.
    """
    tf = tensorflow()
    legacy_keras()
    before = os.environ.get(_LEGACY_SWITCH)
    with quiet():
        _ = tf.keras.layers
        try:
            from tensorflow_model_optimization.quantization import keras as found
        finally:
            if before is None:
                os.environ.pop(_LEGACY_SWITCH, None)
            else:
                os.environ[_LEGACY_SWITCH] = before
    return found
