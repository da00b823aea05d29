"""Reads models: Keras 3, tf_keras, legacy .h5, SavedModel and .tflite files."""

from __future__ import annotations

import difflib
import hashlib
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgeq.errors import ModelError
from edgeq.model.checks import check_finite, check_names
from edgeq.model.compiled import compiled_from_config, read_compiled
from edgeq.model.runtime import keras3, legacy_keras, quiet, tensorflow
from edgeq.model.scan import read_archive, scan_model
from edgeq.records import Compiled, FloatModel, ModelFormat, ValueSpec

_ACCEPTED = "edgeq reads Keras files (.keras, .h5), SavedModel folders and int8 .tflite files."
_SUFFIX = {ModelFormat.KERAS3: ".keras", ModelFormat.TF_KERAS: ".keras", ModelFormat.H5: ".h5"}
# What Keras 3 and tf_keras say of a class that nobody registered.
_UNKNOWN_CLASS = re.compile(r"(?:Could not locate class|Unknown layer:) '(\w+)'")
_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"


def detect_format(path: Path) -> ModelFormat:
    """What a model file is, by its first bytes; the suffix is not looked at.

    Raises:
        ModelError: it does not exist, is empty, or is nothing that edgeq reads.
    """
    path = Path(path)
    if path.is_dir():
        if (path / "saved_model.pb").is_file():
            return ModelFormat.SAVED_MODEL
        raise ModelError(f"The folder {path} is no SavedModel: it has no saved_model.pb.", hint=_ACCEPTED)
    head = _read(path, limit=16)
    if not head:
        raise ModelError(f"{path} is empty.", hint="Save the model again.")
    if head.startswith(b"PK"):
        return _zip_format(path)
    if head.startswith(_HDF5_MAGIC):
        return ModelFormat.H5
    if head[4:8] == b"TFL3":
        return ModelFormat.TFLITE
    if path.name == "saved_model.pb":
        raise ModelError(f"{path} is one file of a SavedModel.", hint=f"Name the folder instead: {path.parent}")
    if path.suffix in {".keras", ".h5", ".hdf5", ".tflite"}:
        raise ModelError(
            f"{path} is damaged, or no {path.suffix} file: it does not start like one.", hint="Save or copy it again."
        )
    raise ModelError(f"{path} is no model that edgeq can read.", hint=_ACCEPTED)


def read_tflite(path: Path) -> bytes:
    """The bytes of a .tflite file.

    Raises:
        ModelError: not readable, or no .tflite file.
    """
    found = detect_format(path)
    if found is not ModelFormat.TFLITE:
        raise ModelError(
            f"{path} is a {found.value} model, not a .tflite file.",
            hint=f"`edgeq build {path} --data … --out build/` makes one of it; then `edgeq inspect build/`.",
        )
    return _read(path)


def load_float_model(path: Path, *, trusted: bool = False) -> FloatModel:
    """Load a float model; its file is scanned for code first (`edgeq.model.scan`).

    What is hashed, scanned and loaded is one private copy, so that nobody can exchange the file in between.

    Args:
        path: a .keras or .h5 file (whatever its suffix) or a SavedModel's folder.
        trusted: the user vouches for the file: code in it may run.

    Raises:
        ModelError: missing, damaged, holding code, of free or unknown shape, or not loadable by Keras.
        InputError: KERAS_BACKEND asks for a backend without a TFLite converter.
    """
    path = Path(path)
    found = detect_format(path)
    if found is ModelFormat.TFLITE:
        raise ModelError(
            f"{path} is a .tflite file, no float model.",
            hint="It can be built as it is, without being quantized again.",
        )
    with tempfile.TemporaryDirectory(prefix="edgeq-") as scratch:
        copy = Path(scratch, "model" + _SUFFIX.get(found, ""))
        try:
            if found is ModelFormat.SAVED_MODEL:
                shutil.copytree(path, copy)
            else:
                shutil.copyfile(path, copy)
        except (OSError, shutil.Error) as exc:
            raise ModelError(f"{path} cannot be read: {exc}") from exc
        try:
            scan_model(copy, found, trusted=trusted)
            if found is ModelFormat.SAVED_MODEL:
                return _load_saved_model(copy, path)
            return _load_keras(copy, path, found, trusted)
        except ModelError as exc:
            raise ModelError(exc.message.replace(str(copy), str(path)), hint=exc.hint) from exc


def from_keras(model: Any, *, path: Path, format: ModelFormat = ModelFormat.KERAS3, sha256: str = "") -> FloatModel:
    """The record of a Keras model that is in memory.

    Args:
        model: a built functional or sequential model, of Keras 3 or tf_keras.
        path: where it came from; its name shows in messages.
        format: KERAS3, or TF_KERAS or H5 if it is a tf_keras model.
        sha256: hex digest of its file.

    Raises:
        ModelError: the model has no fixed inputs and outputs, names that TensorFlow cannot use, or values that are not
            finite.
    """
    inputs, outputs = getattr(model, "inputs", None), getattr(model, "outputs", None)
    if not inputs or not outputs:
        raise ModelError(
            f"{path} has no fixed inputs and outputs: it is a subclassed model, or was never built.",
            hint="Rebuild it as a functional or sequential Keras model with an Input layer.",
        )
    specs = _specs(path, ((t.name, t) for t in inputs), is_input=True)
    check_names(path, model)
    check_finite(path, model)
    return FloatModel(
        path=path,
        format=format,
        sha256=sha256,
        inputs=specs,
        outputs=_specs(path, zip(_output_names(model), outputs, strict=True), is_input=False),
        parameters=int(model.count_params()),
        handle=model,
        compiled=_compiled(model),
    )


def _compiled(model: Any) -> Compiled | None:
    """How a model in memory was compiled."""
    if not getattr(model, "optimizer", None) or not hasattr(model, "get_compile_config"):
        return None
    config = model.get_compile_config()
    return compiled_from_config(config) if config else None


def _output_names(model: Any) -> list[str]:
    """The outputs' names; a Sequential of Keras 3 has none, and one output."""
    names = getattr(model, "output_names", None)
    return [str(name) for name in names] if names else [str(model.layers[-1].name)]


def serving_signature(loaded: Any) -> Any:
    """The function of a loaded SavedModel that inference calls; None if it cannot be told."""
    signatures = dict(loaded.signatures)
    if "serving_default" in signatures:
        return signatures["serving_default"]
    return next(iter(signatures.values())) if len(signatures) == 1 else None


def _load_keras(copy: Path, path: Path, found: ModelFormat, trusted: bool) -> FloatModel:
    is_keras3 = found is ModelFormat.KERAS3 or (found is ModelFormat.H5 and _h5_is_keras3(copy))
    library = keras3() if is_keras3 else legacy_keras()
    with quiet():
        try:
            model = library.models.load_model(copy, compile=False, safe_mode=not trusted)
        except Exception as exc:
            if (unknown := _UNKNOWN_CLASS.search(str(exc))) is not None:
                raise ModelError(
                    f"{path} was not loaded: the class {unknown[1]!r} is no part of {library.__name__} "
                    f"{library.__version__}. It is Python code of your own, or of another package.",
                    hint="Build what it computes from Keras' own layers, load the weights into that and save it. From "
                    "Python, a class that was registered (register_keras_serializable) loads with trusted=True.",
                ) from exc
            raise ModelError(
                f"{path} ({found.value}) cannot be loaded by {'Keras' if is_keras3 else 'tf_keras'} "
                f"{library.__version__}: {_explanation(exc)}",
                hint="If the file is intact, it uses something that this version does not know: save it again with "
                "this version, using Keras' own layers.",
            ) from exc
    # A legacy .h5 written by Keras 3 holds a Keras 3 model: the methods' code asks what the handle is, not the file.
    made = from_keras(model, path=path, format=found, sha256=_sha256([copy], copy.parent))
    return replace(made, compiled=read_compiled(copy, found))


def _h5_is_keras3(path: Path) -> bool:
    from edgeq.model.hdf5 import read_text

    if read_text(path, "model_config") is None:
        raise ModelError(
            f"{path} holds no model, only weights or other data.", hint="Save the whole model with model.save()."
        )
    return _major(read_text(path, "keras_version")) >= 3


def _load_saved_model(copy: Path, path: Path) -> FloatModel:
    tf = tensorflow()
    with quiet():
        try:
            loaded = tf.saved_model.load(str(copy))
        except Exception as exc:
            raise ModelError(
                f"{path} (SavedModel) cannot be loaded by TensorFlow {tf.__version__}: {_explanation(exc)}",
                hint="Save or copy it again.",
            ) from exc
    function = serving_signature(loaded)
    if function is None:
        raise ModelError(
            f"{path} has no signature named serving_default: {', '.join(loaded.signatures) or 'none at all'}.",
            hint="Export it with model.export(), or give tf.saved_model.save() the signature.",
        )
    arguments = function.structured_input_signature[1]
    results = function.structured_outputs
    return FloatModel(
        path=path,
        format=ModelFormat.SAVED_MODEL,
        sha256=_sha256((p for p in copy.rglob("*") if p.is_file()), copy),
        inputs=_specs(path, ((name, arguments[name]) for name in sorted(arguments, key=_natural)), is_input=True),
        outputs=_specs(path, ((name, results[name]) for name in sorted(results, key=_natural)), is_input=False),
        parameters=sum(int(v.shape.num_elements() or 0) for v in function.variables),
        handle=loaded,
    )


def _specs(path: Path, tensors: Iterable[tuple[str, Any]], *, is_input: bool) -> tuple[ValueSpec, ...]:
    """Names, shapes without the batch dimension, and dtypes."""
    found = []
    for name, tensor in tensors:
        if tensor.shape is None or getattr(tensor.shape, "rank", 0) is None or len(tensor.shape) == 0:
            raise ModelError(f"{'Input' if is_input else 'Output'} {name!r} of {path} has no known shape.")
        batch, *shape = tensor.shape
        if is_input and batch not in {None, 1}:
            raise ModelError(
                f"Input {name!r} of {path} has a batch size of {batch}; a device takes one sample at a time.",
                hint="Build the model without batch_size, load the weights into it and save it.",
            )
        if is_input and None in shape:
            raise ModelError(
                f"Input {name!r} of {path} has a free size: {tuple(shape)} (None is free).",
                hint="A device needs fixed sizes: build the model with Input(shape=…) of fixed sizes, load the weights "
                "into it and save it.",
            )
        found.append(ValueSpec(name=name, shape=tuple(shape), dtype=str(getattr(tensor.dtype, "name", tensor.dtype))))
    return tuple(found)


def _zip_format(path: Path) -> ModelFormat:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as exc:
        raise ModelError(f"{path} is damaged or cut off: {exc}", hint="Save or copy it again.") from exc
    if "config.json" in names:
        metadata = read_archive(path, "metadata.json") if "metadata.json" in names else {}
        version = metadata.get("keras_version") if isinstance(metadata, dict) else None
        return ModelFormat.KERAS3 if _major(version) >= 3 else ModelFormat.TF_KERAS
    if names and all(name.endswith(".npy") for name in names):
        raise ModelError(f"{path} is a NumPy archive, no model.", hint="Data are given with --data.")
    raise ModelError(f"{path} is a zip archive, but no Keras model: it has no config.json.", hint=_ACCEPTED)


def _read(path: Path, limit: int | None = None) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(-1 if limit is None else limit)
    except FileNotFoundError as exc:
        siblings = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        close = difflib.get_close_matches(path.name, siblings, n=1)
        hint = f"Did you mean {path.parent / close[0]}?" if close else "Check the path."
        raise ModelError(f"{path} does not exist.", hint=hint) from exc
    except OSError as exc:
        raise ModelError(f"{path} cannot be read: {exc.strerror or exc}") from exc


def _sha256(files: Iterable[Path], root: Path) -> str:
    """Of one file's bytes; of several files' names and bytes, in the order of their names."""
    listed = sorted(files)
    if len(listed) == 1:
        return hashlib.sha256(listed[0].read_bytes()).hexdigest()
    digest = hashlib.sha256()
    for file in listed:
        content = file.read_bytes()
        digest.update(f"{file.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _major(version: Any) -> int:
    match = re.match(r"\d+", version) if isinstance(version, str) else None
    return int(match.group()) if match else 2


def _natural(name: str) -> list[tuple[int, int | str]]:
    """Sorts output_2 before output_10."""
    return [(0, int(part)) if part.isdigit() else (1, part) for part in re.split(r"(\d+)", name) if part]


def _explanation(exc: Exception) -> str:
    """The first telling line of a foreign exception, shortened."""
    # Keras wraps the reason in pages of configuration and puts it last.
    text = str(exc).rpartition("Exception encountered:")[2].partition("Full object config:")[0]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f"{type(exc).__name__}: {lines[0][:300]}" if lines else type(exc).__name__
