"""Model files that carry code are refused before any loader sees them."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from edgeq import process
from edgeq.errors import ModelError
from edgeq.model.scan import find_suspects, read_archive, scan_model
from edgeq.records import ModelFormat

pytestmark = pytest.mark.xdist_group("tensorflow")


def layer(class_name: Any, module: Any = "keras.layers", name: str = "suspect", **config: Any) -> dict[str, Any]:
    return {
        "module": module,
        "class_name": class_name,
        "config": {"name": name, **config},
        "registered_name": None,
    }


def functional(*layers: dict[str, Any], **extra: Any) -> dict[str, Any]:
    return {
        "module": "keras.src.models.functional",
        "class_name": "Functional",
        "config": {"name": "net", "layers": [layer("InputLayer", name="image"), *layers]},
        "registered_name": "Functional",
        **extra,
    }


def keras_file(path: Path, config: Any, **members: bytes) -> Path:
    text = config if isinstance(config, bytes) else json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.12.0"}))
        archive.writestr("config.json", text)
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)
    return path


def suspects(tmp_path: Path, config: Any) -> list[str]:
    path = keras_file(tmp_path / "model.keras", config)
    return [f"{s.where}: {s.why}" for s in find_suspects(path, ModelFormat.KERAS3)]


HARMLESS = [
    layer("Dense", activation="relu", kernel_initializer=layer("GlorotUniform", "keras.initializers", seed=None)),
    layer("Dense", dtype=layer("DTypePolicy", "keras", name="float32")),
    layer("Dense", activation={"module": "builtins", "class_name": "function", "config": "relu6"}),
    layer("TimeDistributed", layer=layer("Dense")),
    layer("Multiply", "keras.src.ops.numpy"),
    layer("TFOpLambda", "tf_keras.src.layers.core.tf_op_layer", function="math.multiply"),
    layer("SlicingOpLambda", "tf_keras.src.layers.core.tf_op_layer", function="__operators__.getitem"),
    layer("StringLookup", vocabulary=["a", "b"]),
    {"class_name": "__keras_tensor__", "config": {"shape": [None, 8], "keras_history": ["image", 0, 0]}},
    {"class_name": "Custom>Adam", "config": {"name": "Adam"}},
    {"class_name": "Conv2D", "config": {"name": "old"}},
]
HARMFUL = [
    (layer("Lambda", function={"class_name": "__lambda__", "config": {"code": "4wEAAAA="}}), "Python bytecode"),
    (layer("Lambda", None), "Python bytecode"),
    ({"class_name": "Custom>Lambda", "config": {"name": "suspect"}}, "Python bytecode"),
    (layer("Dense", activation={"class_name": "__lambda__", "config": {"code": "4wEAAAA="}}), "serialized Python"),
    (layer("Dense", activation={"function_type": "lambda", "function": ["4wE=", None, None]}), "serialized Python"),
    (layer("TimeDistributed", layer=layer("Bidirectional", layer=layer("Lambda"))), "Python bytecode"),
    (layer("system", "os"), "module 'os'"),
    (layer("Dense", "keras.layers.evil; import os"), "not part of Keras"),
    (layer("Dense", "kerasx.layers"), "module 'kerasx.layers'"),
    (layer("Dense", "keras.utils"), "module 'keras.utils'"),
    (layer("get_file", "keras.utils"), "module 'keras.utils'"),
    (layer("utils.get_file", "keras"), "no class of Keras"),
    (layer("load_model", "keras.models"), "no class of Keras"),
    (layer("enable_unsafe_deserialization", "keras.config"), "not part of Keras"),
    (layer("Dense", ["os"]), "no name"),
    (layer(["Dense"]), "no name"),
    (layer("Dense", activation={"module": "os", "class_name": "function", "config": "system"}), "module 'os'"),
    (
        layer("Dense", activation={"module": "keras.activations", "class_name": "function", "config": "a.b"}),
        "no function of Keras",
    ),
    ({**layer("Block", "my_project.layers"), "registered_name": "my_project>Block"}, "'my_project>Block'"),
    ({**layer("Dense"), "registered_name": "Custom>Dense"}, "'Custom>Dense'"),
    ({**layer("Block", None), "registered_name": "Block"}, "custom class 'Block'"),
    ({"class_name": "Custom>Thing", "config": {"name": "suspect"}}, "'Custom>Thing'"),
    (layer("TorchModuleWrapper", module="gASV"), "unpickles"),
    (layer("TFSMLayer", filepath="/somewhere"), "SavedModel"),
    (layer("TensorFlowOpLayer", None, node_def="…"), "any operation"),
    (layer("TFOpLambda", "tf_keras.src.layers.core.tf_op_layer", function="io.write_file"), "tf.io.write_file"),
    (layer("TFOpLambda", "tf_keras.src.layers.core.tf_op_layer", function="numpy_function"), "tf.numpy_function"),
    (layer("TFOpLambda", "tf_keras.src.layers.core.tf_op_layer", function="raw_ops.WriteFile"), "not on the list"),
    (layer("StringLookup", vocabulary="/etc/passwd"), "reads the file '/etc/passwd'"),
    ({"class_name": "__typespec__", "spec_name": "x", "module": "os", "registered_name": None}, "module 'os'"),
]


@pytest.mark.parametrize("part", HARMLESS, ids=lambda part: str(part["class_name"]))
def test_keras_own_parts_pass(tmp_path: Path, part: dict[str, Any]) -> None:
    assert suspects(tmp_path, functional(part)) == []


@pytest.mark.parametrize(
    ("part", "reason"), HARMFUL, ids=[f"{i}-{p['class_name']}" for i, (p, _) in enumerate(HARMFUL)]
)
def test_code_is_found_wherever_it_is(tmp_path: Path, part: dict[str, Any], reason: str) -> None:
    nested = layer("Functional", "keras", name="inner", layers=[part])
    for config in (
        functional(part),
        functional(nested),
        functional(layer("Dense"), compile_config={"loss": part, "optimizer": "adam"}),
        functional(layer("Dense"), build_config={"input_shape": [part]}),
    ):
        found = suspects(tmp_path, config)
        assert len(found) == 1
        assert reason in found[0]


def test_message_names_layer_reason_and_flag(tmp_path: Path) -> None:
    path = keras_file(tmp_path / "model.keras", functional(layer("Lambda", name="squash")))
    with pytest.raises(ModelError) as caught:
        scan_model(path, ModelFormat.KERAS3)
    message = str(caught.value)
    assert "layer 'squash' (Lambda)" in message
    assert "Python bytecode" in message
    assert "--trust-model" in message
    scan_model(path, ModelFormat.KERAS3, trusted=True)


def test_depth_does_not_matter(tmp_path: Path) -> None:
    deep = b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    with pytest.raises(ModelError, match=r"no valid JSON"):
        read_archive(keras_file(tmp_path / "deep.keras", deep), "config.json")
    value: Any = layer("Lambda")
    for _ in range(300):
        value = {"layers": [value]}
    assert len(suspects(tmp_path, functional(value))) == 1


def test_archive_tricks_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("config.json", json.dumps(functional(layer("Lambda"))))
        archive.writestr("config.json", json.dumps(functional()))
    with pytest.raises(ModelError, match="same or an unsafe name"):
        read_archive(path, "config.json")
    keras_file(path, functional(), **{"../outside": b"x"})
    with pytest.raises(ModelError, match="same or an unsafe name"):
        read_archive(path, "config.json")
    keras_file(path, b"[1, 2")
    with pytest.raises(ModelError, match="no valid JSON"):
        read_archive(path, "config.json")


def test_zip_bombs_are_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", b" " * (65 << 20))
    with pytest.raises(ModelError, match=r"config\.json in .* is larger than"):
        read_archive(path, "config.json")
    content = bytearray(path.read_bytes())
    directory = content.rindex(b"PK\x01\x02")
    content[directory + 24 : directory + 28] = (0xF0000000).to_bytes(4, "little")  # the declared size
    path.write_bytes(content)
    with pytest.raises(ModelError, match="unpacks to 4,026,531,840 bytes"):
        read_archive(path, "config.json")


def test_damaged_weights_are_found_by_their_checksum(tmp_path: Path) -> None:
    path = keras_file(tmp_path / "model.keras", functional(), model__weights__h5=b"W" * 100)
    content = bytearray(path.read_bytes())
    content[content.index(b"WWWW") + 7] ^= 0x10
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"checksum of model\.weights\.h5 is wrong"):
        list(find_suspects(path, ModelFormat.KERAS3))


def test_h5_attributes_and_links(tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps(functional(layer("Dense")))
        file.attrs["training_config"] = json.dumps(
            {"loss": {"class_name": "function", "module": "os", "config": "rmdir"}}
        )
        file["weights"] = np.zeros(3)
        file["elsewhere"] = h5py.ExternalLink("/etc/other.h5", "/x")
        file.create_dataset("raw", (4,), "u1", external=[("/etc/passwd", 0, 4)])
    found = [f"{s.where}: {s.why}" for s in find_suspects(path, ModelFormat.H5)]
    assert len(found) == 3
    assert "module 'os'" in found[0]
    assert "link into the file '/etc/other.h5'" in found[1]
    assert "another file" in found[2]


def _field(number: int, content: bytes) -> bytes:
    """A length-delimited protobuf field of less than 2 MB."""
    size = len(content)
    length = bytes([size & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size >> 14])
    return bytes([number << 3 | 2]) + length + content


def saved_model(folder: Path, **functions: list[tuple[str, str]]) -> Path:
    """A SavedModel whose functions hold nodes of (op, called function)."""
    library = b""
    for name, nodes in functions.items():
        body = _field(1, _field(1, name.encode()))
        for op, called in nodes:
            node = _field(1, b"node") + _field(2, op.encode())
            if called:
                node += _field(5, _field(1, b"f") + _field(2, _field(10, _field(1, called.encode()))))
            body += _field(3, node)
        library += _field(1, body)
    graph = _field(1, _field(1, b"saver") + _field(2, b"RestoreV2")) + _field(2, library)
    folder.mkdir(exist_ok=True)
    (folder / "saved_model.pb").write_bytes(_field(2, _field(2, graph)))
    return folder


def test_saved_model_operations(tmp_path: Path) -> None:
    def found(**functions: list[tuple[str, str]]) -> list[str]:
        path = saved_model(tmp_path / "model", **functions)
        return [f"{s.where}: {s.why}" for s in find_suspects(path, ModelFormat.SAVED_MODEL)]

    saver = {"__inference__traced_save_12": [("SaveV2", "")], "__inference__traced_restore_13": [("RestoreV2", "")]}
    assert found(__inference_call_1=[("Conv2D", ""), ("PartitionedCall", "other")], **saver) == []
    for op in ("PyFunc", "EagerPyFunc", "ReadFile", "WriteFile", "TFRecordDataset", "TextLineReaderV2", "PrintV2"):
        assert found(__inference_call_1=[(op, "")]) == [next(iter(found(__inference_call_1=[(op, "")])))]
        assert f"operation {op} in __inference_call_1" in found(__inference_call_1=[(op, "")])[0]
    assert "SaveV2" in found(__inference_call_1=[("SaveV2", "")])[0]
    calls_saver = found(__inference_call_1=[("PartitionedCall", "__inference__traced_save_12")], **saver)
    assert len(calls_saver) == 1
    assert "checkpoints" in calls_saver[0]


def test_saved_model_keras_metadata(tmp_path: Path) -> None:
    path = saved_model(tmp_path / "model")
    (path / "keras_metadata.pb").write_bytes(_field(1, _field(5, json.dumps(layer("Lambda")).encode())))
    assert len(list(find_suspects(path, ModelFormat.SAVED_MODEL))) == 1


@pytest.mark.parametrize("size", [1, 7, 30])
def test_damaged_saved_model(tmp_path: Path, size: int) -> None:
    path = saved_model(tmp_path / "model", call=[("Conv2D", "")])
    (path / "saved_model.pb").write_bytes((path / "saved_model.pb").read_bytes()[:-size])
    with pytest.raises(ModelError, match="damaged or cut off"):
        list(find_suspects(path, ModelFormat.SAVED_MODEL))


def test_scanning_imports_no_tensorflow(tmp_path: Path) -> None:
    path = keras_file(tmp_path / "model.keras", functional(layer("Lambda")))
    code = (
        "import sys, pathlib\n"
        "from edgeq.model.load import load_float_model\n"
        "from edgeq.errors import ModelError\n"
        "try: load_float_model(pathlib.Path(sys.argv[1]))\n"
        "except ModelError: print(sorted({'tensorflow', 'keras', 'tf_keras'} & set(sys.modules)))\n"
    )
    assert process.run([sys.executable, "-c", code, path], timeout=60, what="scanning").stdout.strip() == b"[]"


def _lambda_model(library: Any, marker: Path) -> Any:
    """A model whose Lambda layer leaves a file behind whenever its code runs."""
    source = f"lambda x: (__import__('pathlib').Path({str(marker)!r}).write_text('ran'), x)[1]"
    image = library.Input((4,), name="image")
    x = library.layers.Lambda(eval(source), output_shape=(4,), name="payload")(image)  # noqa: S307
    return library.Model(image, library.layers.Dense(2)(x))


@pytest.mark.parametrize(
    ("library", "suffix"), [("keras", ".keras"), ("keras", ".h5"), ("tf_keras", ".keras"), ("tf_keras", ".h5")]
)
def test_a_planted_payload_does_not_run(tmp_path: Path, library: str, suffix: str) -> None:
    from edgeq.model.load import load_float_model
    from edgeq.model.runtime import keras3, legacy_keras, quiet

    marker = tmp_path / "marker"
    path = tmp_path / f"model{suffix}"
    with quiet():
        _lambda_model(keras3() if library == "keras" else legacy_keras(), marker).save(path)
    marker.unlink(missing_ok=True)
    with pytest.raises(ModelError, match=r"layer 'payload' \(Lambda\)"):
        load_float_model(path)
    assert not marker.exists()
    model = load_float_model(path, trusted=True)
    model.handle(np.zeros((1, 4), np.float32))
    assert marker.exists()  # the payload is alive: only the scan kept it from running


def test_a_planted_module_is_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from edgeq.model.load import load_float_model
    from edgeq.model.runtime import legacy_keras

    keras = legacy_keras()  # Keras 3 only looks classes up; tf_keras imports the module that the file names
    marker = tmp_path / "marker"
    (tmp_path / "planted_models.py").write_text(
        "import pathlib\nfrom tf_keras.src.engine.functional import Functional as Net\n"
        f"pathlib.Path({str(marker)!r}).write_text('ran')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    original, changed = tmp_path / "original.keras", tmp_path / "changed.keras"
    image = keras.Input((4,), name="image")
    keras.Model(image, keras.layers.Dense(2)(image), name="net").save(original)
    with zipfile.ZipFile(original) as source, zipfile.ZipFile(changed, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "config.json":
                config = json.loads(content)
                config.update(module="planted_models", class_name="Net")
                content = json.dumps(config).encode()
            target.writestr(name, content)
    with pytest.raises(ModelError, match=r"layer 'net' \(Net\): it names the Python module 'planted_models'"):
        load_float_model(changed)
    assert not marker.exists()
    assert load_float_model(changed, trusted=True).parameters == 10
    assert marker.exists()
