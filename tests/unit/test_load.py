"""Every model format loads; everything else ends in one clear message."""

from __future__ import annotations

import io
import random
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq.errors import InputError, ModelError
from edgeq.model.load import detect_format, from_keras, load_float_model, read_tflite
from edgeq.model.runtime import keras3, legacy_keras, quiet
from edgeq.records import ModelFormat
from edgeq.reference.float_model import float_outputs

pytestmark = pytest.mark.xdist_group("tensorflow")

X = np.random.default_rng(0).random((5, 6, 6, 2)).astype(np.float32)


def small(library: Any) -> Any:
    image = library.Input((6, 6, 2), name="image")
    x = library.layers.Conv2D(3, 3, activation="relu")(image)
    x = library.layers.BatchNormalization()(x)
    x = library.layers.Flatten()(x)
    model = library.Model(image, library.layers.Dense(4, activation="softmax", name="kind")(x))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, np.ndarray]]:
    """Paths and expected outputs of the same small architecture in every format."""
    folder = tmp_path_factory.mktemp("models")
    saved: dict[str, tuple[Path, np.ndarray]] = {}
    with quiet():
        model = small(keras3())
        expected = model.predict(X, verbose=0)
        for name in ("keras3.keras", "keras3.h5"):
            model.save(folder / name)
            saved[name] = (folder / name, expected)
        model.export(folder / "keras3_export", verbose=False)
        saved["keras3_export"] = (folder / "keras3_export", expected)
        model.save_weights(folder / "only.weights.h5")
        model = small(legacy_keras())
        expected = model.predict(X, verbose=0)
        for name in ("legacy.keras", "legacy.h5"):
            model.save(folder / name)
            saved[name] = (folder / name, expected)
        model.save(folder / "legacy_saved_model", save_format="tf")
        saved["legacy_saved_model"] = (folder / "legacy_saved_model", expected)
    saved["only.weights.h5"] = (folder / "only.weights.h5", expected)
    return saved


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("keras3.keras", ModelFormat.KERAS3),
        ("keras3.h5", ModelFormat.H5),
        ("keras3_export", ModelFormat.SAVED_MODEL),
        ("legacy.keras", ModelFormat.TF_KERAS),
        ("legacy.h5", ModelFormat.H5),
        ("legacy_saved_model", ModelFormat.SAVED_MODEL),
    ],
)
def test_formats(files: dict[str, Any], name: str, found: ModelFormat, capfd: pytest.CaptureFixture[str]) -> None:
    path, expected = files[name]
    model = load_float_model(path)
    assert model.format is found
    assert [(spec.shape, spec.dtype) for spec in model.inputs] == [((6, 6, 2), "float32")]
    assert [spec.shape for spec in model.outputs] == [(4,)]
    assert model.inputs[0].name == "image"
    assert model.parameters == 3 * (3 * 3 * 2 + 1) + 4 * 3 + 4 * (3 * 4 * 4 + 1)
    assert len(model.sha256) == 64
    assert model.path == path
    np.testing.assert_allclose(float_outputs(model, (X,))[0], expected, atol=1e-5)
    assert capfd.readouterr() == ("", "")


def test_the_content_decides_and_not_the_suffix(files: dict[str, Any], tmp_path: Path) -> None:
    swapped = tmp_path / "model.h5"
    swapped.write_bytes(files["keras3.keras"][0].read_bytes())
    assert load_float_model(swapped).format is ModelFormat.KERAS3
    swapped = tmp_path / "model.keras"
    swapped.write_bytes(files["legacy.h5"][0].read_bytes())
    assert load_float_model(swapped).format is ModelFormat.H5


def test_float_outputs_do_not_depend_on_the_batch(files: dict[str, Any]) -> None:
    model = load_float_model(files["keras3.keras"][0])
    many = np.tile(X, (60, 1, 1, 1))
    (outputs,) = float_outputs(model, (many,))
    assert outputs.shape == (300, 4)
    assert outputs.dtype == np.float32
    np.testing.assert_allclose(outputs.reshape(60, 5, 4), np.broadcast_to(outputs[:5], (60, 5, 4)), atol=1e-6)
    assert float_outputs(model, (X[:0],))[0].shape == (0, 4)


def test_several_inputs_keep_their_order(zoo: Any, tmp_path: Path) -> None:
    with quiet():
        zoo.zoo_keras("two_in_two_out").save(tmp_path / "model.keras")
    model = load_float_model(tmp_path / "model.keras")
    assert [spec.name for spec in model.inputs] == ["picture", "extra"]
    assert [spec.name for spec in model.outputs] == ["kind", "box"]
    x = zoo.zoo_inputs("two_in_two_out", 3)
    expected = model.handle.predict(list(x), verbose=0)
    for found, wanted in zip(float_outputs(model, x), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize("name", ["keras3.keras", "keras3.h5", "legacy.keras", "legacy.h5"])
def test_damaged_files_end_in_a_message(files: dict[str, Any], tmp_path: Path, name: str) -> None:
    content = files[name][0].read_bytes()
    path = tmp_path / name
    rng = random.Random(name)  # noqa: S311
    refused = 0
    for trial in range(24):
        damaged = bytearray(content)
        if trial % 2:
            del damaged[rng.randrange(1, len(damaged)) :]
        else:
            damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        try:
            load_float_model(path)
        except ModelError as exc:
            refused += 1
            assert str(path) in str(exc)
            assert "Traceback" not in str(exc)
    assert refused >= (24 if name.endswith(".keras") else 12)  # .h5 has no checksum: a flipped weight may pass


def _zip(**members: bytes) -> bytes:
    """Without the time: these bytes name tests, and must be the same in each of pytest's processes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name.replace("__", ".")), content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.keras", b"", "is empty"),
        ("text.keras", b"not a model at all", "does not start like one"),
        ("model.pt", b"\x80\x02}q\x00.", "is no model that edgeq can read"),
        ("data.npz", _zip(x_test__npy=b""), "is a NumPy archive"),
        ("other.zip", _zip(readme__txt=b""), "no config.json"),
        ("zip.keras", b"PK\x03\x04 and nothing else", "damaged or cut off"),
        ("saved_model.pb", b"\x08\x01\x12\x00", "is one file of a SavedModel"),
        ("model.tflite", b"\x1c\x00\x00\x00TFL3" + bytes(24), "is a .tflite file, no float model"),
    ],
)
def test_what_is_no_float_model(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        load_float_model(path)
    assert message in str(caught.value)
    assert name in str(caught.value)


def test_paths_that_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "model.keras").write_bytes(b"x")
    with pytest.raises(ModelError, match=r"does not exist\.\nDid you mean .*model\.keras"):
        load_float_model(tmp_path / "modle.keras")
    with pytest.raises(ModelError, match=r"no SavedModel: it has no saved_model\.pb"):
        load_float_model(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"\x00garbage")
    with pytest.raises(ModelError, match="damaged or cut off"):
        load_float_model(tmp_path)


def test_read_tflite(tmp_path: Path) -> None:
    content = b"\x1c\x00\x00\x00TFL3" + bytes(24)
    (tmp_path / "model.bin").write_bytes(content)
    assert detect_format(tmp_path / "model.bin") is ModelFormat.TFLITE
    assert read_tflite(tmp_path / "model.bin") == content


@pytest.mark.parametrize("library", ["keras", "tf_keras"])
def test_a_custom_class_is_named_with_what_to_do(tmp_path: Path, library: str) -> None:
    """An .h5 names classes without their modules: only the loader knows which are Keras' own."""
    layers = pytest.importorskip(library).layers

    class Mine(layers.Layer):  # type: ignore[misc, name-defined]
        def call(self, x: Any) -> Any:
            return x

    model = pytest.importorskip(library).Sequential([layers.Input((3,)), Mine(), layers.Dense(2)])
    path = tmp_path / "m.h5"
    model.save(path)
    for trusted in (False, True):
        with pytest.raises(ModelError, match="class 'Mine' is no part of") as caught:
            load_float_model(path, trusted=trusted)
        assert "Keras' own layers" in str(caught.value)


def test_weights_only(files: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match="holds no model, only weights"):
        load_float_model(files["only.weights.h5"][0])


def test_models_without_fixed_sizes_are_refused(tmp_path: Path) -> None:
    keras = keras3()

    class Subclassed(keras.Model):  # type: ignore[misc, name-defined]
        def call(self, x: Any) -> Any:
            return x

    free = keras.Input((None, 3), name="signal")
    batch = keras.Input((4,), batch_size=8, name="batched")
    cases = [
        (
            keras.Model(free, keras.layers.GlobalAveragePooling1D()(free)),
            r"Input 'signal' of .* has a free size: \(None, 3\)",
        ),
        (keras.Model(batch, keras.layers.Dense(2)(batch)), r"Input 'batched' of .* has a batch size of 8"),
        (Subclassed(), r"no fixed inputs and outputs"),
    ]
    for model, message in cases:
        with pytest.raises(ModelError, match=message):
            from_keras(model, path=tmp_path / "model.keras")


def test_weights_that_are_not_numbers(tmp_path: Path) -> None:
    keras = keras3()
    model = small(keras)
    kernel, bias = model.get_layer("kind").get_weights()
    bias[1] = np.nan
    model.get_layer("kind").set_weights([kernel, bias])
    model.save(tmp_path / "model.keras")
    with pytest.raises(ModelError, match=r"bias of layer 'kind' in .* holds NaN"):
        load_float_model(tmp_path / "model.keras")


def test_names_that_tensorflow_cannot_use(tmp_path: Path) -> None:
    """Models of another backend of Keras may have them; a name of an input may be anything."""
    keras, legacy = keras3(), legacy_keras()

    def named(library: Any, model: str, layer: str) -> Any:
        image = library.Input((3,), name="the image" if library is keras else "image")
        inner = library.Sequential([library.layers.Dense(2, name=layer)], name="inner")
        return library.Model(image, inner(image), name=model)

    def message(model: Any) -> str:
        with pytest.raises(ModelError) as raised:
            from_keras(model, path=tmp_path / "m.keras")
        return str(raised.value)

    from_keras(named(keras, "a.b-c", "_1-x>y"), path=tmp_path / "m.keras")
    assert "its name to 'my_model'" in message(named(keras, "my model", "dense"))
    assert "its name to 'x'" in message(named(keras, "_x", "dense"))
    assert "its _name to 'my_model'" in message(named(legacy, "my model", "dense"))
    model = named(keras, "model", "dense")
    model.get_layer("inner").layers[0].name = "größe | 2"
    assert "The Dense layer 'größe | 2' in" in message(model)
    assert "the layer's name to 'gr_e_2'" in message(model)


def test_other_backends_are_named(files: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with pytest.raises(InputError, match=r"KERAS_BACKEND is 'jax'.*\n.*set it to tensorflow"):
        load_float_model(files["keras3.keras"][0])
