"""The demo's model and data: a small CNN, trained on the spot on scikit-learn's handwritten digits."""

from __future__ import annotations

import hashlib
import json
import re
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from edgeq.errors import InputError
from edgeq.interruption import raise_if_swallowed
from edgeq.model.runtime import keras3, quiet, tensorflow
from edgeq.records import Progress

MODEL, DATA, MARK = "model.keras", "data.npz", "demo.json"
"""What the demo writes. The mark has the SHA-256 of the other two: a later demo replaces these and no others."""

_BATCH = 32
_TEST_SAMPLES = 500
_VALIDATION_SAMPLES = 197
_SHARED_OBJECT = re.compile(rb'"shared_object_id": (\d+)')


def check_demo_folder(folder: Path) -> None:
    """Refuse a folder whose model and data the demo must not replace: only an empty or missing one, or an earlier
    demo's whose model and data are still the demo's own, will do.

    Raises:
        InputError: says what is there.
    """
    hint = "Give another folder with --out."
    try:
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise InputError(f"{folder} exists and is no folder.", hint=hint)
        if not folder.is_dir() or not any(folder.iterdir()):
            return
        if not (folder / MARK).is_file():
            raise InputError(
                f"{folder} has files in it, but is not an earlier demo (it has no {MARK}); it is left as it is.",
                hint=hint,
            )
        try:
            written = json.loads((folder / MARK).read_text("utf-8"))["sha256"]
            files = {name: str(written[name]) for name in (MODEL, DATA)}
        except (ValueError, KeyError, TypeError) as exc:
            raise InputError(f"{folder / MARK} is damaged; the folder is left as it is.", hint=hint) from exc
        for name, sha256 in files.items():
            if (folder / name).exists() and hashlib.sha256((folder / name).read_bytes()).hexdigest() != sha256:
                raise InputError(
                    f"{folder / name} is not the demo's any more; the folder is left as it is.",
                    hint=f"{hint} Or remove that file, if you do not need it.",
                )
    except OSError as exc:
        raise InputError(f"{folder} cannot be read: {exc.strerror or exc}.", hint=hint) from exc


def make_demo(folder: Path, *, seed: int = 0, epochs: int = 30, progress: Progress | None = None) -> tuple[Path, Path]:
    """Train the demo's CNN and write it with its data; the same seed gives the same files on one machine.

    The data are scikit-learn's digits: 1797 images of 8×8 grey values, real handwriting, part of the package. They are
    split by class into 1100 for training, 197 for validation and 500 for testing; the test samples take no part in
    training. The model is trained for a fixed number of epochs, so nothing is chosen by its accuracy.

    Args:
        folder: where to write; made if missing.
        seed: of the split, the weights and the order of samples.
        epochs: how often every training sample is seen; 30 gave .982 to .990 on the test samples (4 seeds).
        progress: told of every epoch.

    Returns:
        The paths of model.keras (inputs float32 (8, 8, 1), 0 to 1; 10 classes) and data.npz.

    Raises:
        InputError: as `check_demo_folder`, or the folder cannot be written.
    """
    progress = progress or Progress()
    check_demo_folder(folder)
    arrays = _digits(seed)
    tf, keras = tensorflow(), keras3()
    progress.start("Train the demo's model", epochs)
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(seed)
    model = _build(keras)
    steps = len(arrays["x_train"]) // _BATCH * epochs
    rate = keras.optimizers.schedules.CosineDecay(4e-3, steps)
    model.compile(
        optimizer=keras.optimizers.Adam(rate, name="adam"), loss="sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    told = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: progress.step(), on_train_batch_begin=lambda batch, logs: raise_if_swallowed()
    )
    with quiet():
        model.fit(
            arrays["x_train"],
            arrays["y_train"],
            validation_data=(arrays["x_val"], arrays["y_val"]),
            epochs=epochs,
            batch_size=_BATCH,
            verbose=0,
            callbacks=[told],
        )
    try:
        return _write(folder, model, arrays)
    except OSError as exc:
        raise InputError(
            f"{folder} cannot be written: {exc.strerror or exc}.", hint="Give another folder with --out."
        ) from exc


def _write(folder: Path, model: Any, arrays: dict[str, Any]) -> tuple[Path, Path]:
    """Both files and the mark; each replaces its old one at once."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=folder) as unfinished:
        made = Path(unfinished)
        model.save(made / MODEL)
        _make_reproducible(made / MODEL)
        np.savez_compressed(made / DATA, allow_pickle=False, **arrays)
        sha256 = {name: hashlib.sha256((made / name).read_bytes()).hexdigest() for name in (MODEL, DATA)}
        (made / MARK).write_text(json.dumps({"sha256": sha256}, indent=2) + "\n", encoding="utf-8")
        # An interruption in between leaves a folder that is refused, never one whose files are taken for the demo's.
        for name in (MARK, MODEL, DATA):
            (made / name).replace(folder / name)
    return folder / MODEL, folder / DATA


def _digits(seed: int) -> dict[str, Any]:
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    x = (digits.images / 16.0).astype(np.float32)[..., None]
    y = digits.target.astype(np.int64)
    x, x_test, y, y_test = train_test_split(x, y, test_size=_TEST_SAMPLES, random_state=seed, stratify=y)
    x, x_val, y, y_val = train_test_split(x, y, test_size=_VALIDATION_SAMPLES, random_state=seed, stratify=y)
    return {
        "x_train": x,
        "y_train": y,
        "x_val": x_val,
        "y_val": y_val,
        "x_test": x_test,
        "y_test": y_test,
        "class_names": np.array([str(name) for name in digits.target_names]),
    }


def _build(keras: Any) -> Any:
    """Convolution, a depthwise-separable residual block, a strided convolution, pooling and a softmax."""
    layers = keras.layers

    def normalized(x: Any, name: str, relu: bool = True) -> Any:
        x = layers.BatchNormalization(name=f"{name}_bn", momentum=0.9)(x)
        return layers.ReLU(name=f"{name}_relu")(x) if relu else x

    image = keras.Input((8, 8, 1), name="image")
    x = normalized(layers.Conv2D(16, 3, padding="same", use_bias=False, name="stem")(image), "stem")
    y = normalized(layers.DepthwiseConv2D(3, padding="same", use_bias=False, name="depthwise")(x), "depthwise")
    y = normalized(layers.Conv2D(16, 1, use_bias=False, name="pointwise")(y), "pointwise", relu=False)
    x = layers.ReLU(name="residual_relu")(layers.Add(name="residual")([x, y]))
    x = normalized(layers.Conv2D(24, 3, strides=2, padding="same", use_bias=False, name="down")(x), "down")
    x = layers.MaxPooling2D(2, name="pool")(x)
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dropout(0.2, name="dropout")(x)
    return keras.Model(image, layers.Dense(10, activation="softmax", name="digit")(x), name="digits")


def _make_reproducible(path: Path) -> None:
    """Take the time of saving and memory addresses out of a .keras file, so that the same model has the same hash."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    metadata = json.loads(members["metadata.json"])
    metadata.pop("date_saved", None)
    members["metadata.json"] = json.dumps(metadata).encode()
    # Keras marks objects that layers share with their addresses; any numbers will do.
    addresses = list(dict.fromkeys(_SHARED_OBJECT.findall(members["config.json"])))
    members["config.json"] = _SHARED_OBJECT.sub(
        lambda match: b'"shared_object_id": %d' % (addresses.index(match.group(1)) + 1), members["config.json"]
    )
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0)), content)
