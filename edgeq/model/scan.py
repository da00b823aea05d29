"""Looks for code in a model file before any loader sees it.

Keras files can carry Python bytecode (Lambda layers), name any importable module or function, and point at other
files. The loaders' own safe mode does not stop all of that: tf_keras runs a Lambda's bytecode from an .h5 file whatever
safe_mode says. So the configuration is read here as plain JSON (a SavedModel as plain protobuf) and compared with a
list of what a model may consist of; everything else is refused. No TensorFlow is imported.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgeq.errors import ModelError
from edgeq.model.hdf5 import foreign_links, read_attribute
from edgeq.model.json_text import parse_json
from edgeq.model.saved_model import keras_configs, suspect_ops
from edgeq.records import ModelFormat

# A model for a microcontroller is far smaller; a file that unpacks to more is a mistake, or a zip bomb.
MAX_CONFIG_BYTES = 64 << 20
MAX_UNPACKED_BYTES = 2 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """Something in a model file that could run code or touch files. `where` names the layer; `why` the reason."""

    where: str
    why: str


_PARTS = (
    "layers|models|engine|activations|initializers|regularizers|constraints|losses|metrics|optimizers|"
    "dtype_policies|mixed_precision|ops|random|quantizers"
)
_MODULE = re.compile(rf"(?:tf_)?keras(?:\.src)?(?:\.(?:{_PARTS})(?:\.\w+)*)?")
_FUNCTION_MODULE = re.compile(
    r"builtins|(?:tf_)?keras(?:\.src)?\.(?:activations|initializers|regularizers|constraints|losses|metrics|ops)(?:\.\w+)*"
)
_TYPE_SPEC_MODULE = re.compile(r"tensorflow\.python\.framework\.\w+")

_CODE_CLASSES = {
    "Lambda": "a Lambda layer is Python bytecode, which runs when the file is loaded or the model called",
    "__lambda__": "a serialized Python function, whose bytecode runs when it is called",
    "TorchModuleWrapper": "it unpickles a PyTorch module, which can run any code",
    "TFSMLayer": "it loads another SavedModel from a path",
    "JaxLayer": "it calls Python functions of its own",
    "FlaxLayer": "it calls Python functions of its own",
    "TensorFlowOpLayer": "it runs a serialized TensorFlow operation, which can be any operation",
    "ClassMethod": "it calls a function that the file names",
    "InstanceMethod": "it calls a function that the file names",
    "InstanceProperty": "it reads an attribute that the file names",
}
_OPTIMIZERS = {
    *("Adadelta", "Adafactor", "Adagrad", "Adam", "AdamW", "Adamax", "Ftrl", "Lamb", "Lion"),
    *("LossScaleOptimizer", "Muon", "Nadam", "RMSprop", "SGD"),
}
# What TensorFlow functions a functional tf_keras model may call (`x + y` is stored as a call of tf.__operators__.add).
_TF_FUNCTION = re.compile(
    r"(?:(?:compat\.v1\.)?(?:math|nn|image|linalg|signal|bitwise)|__operators__|keras\.activations)\.\w+"
    r"|(?:compat\.v1\.)?(?:add|argmax|argmin|broadcast_to|cast|clip_by_value|concat|convert_to_tensor|divide|expand_dims"
    r"|gather|identity|maximum|minimum|multiply|negative|ones_like|pad|pow|reduce_\w+|reshape|reverse|round|shape|sigmoid"
    r"|slice|split|sqrt|square|squeeze|stack|strided_slice|subtract|tanh|tile|transpose|unstack|where|zeros_like)"
)


def scan_model(path: Path, format: ModelFormat, *, trusted: bool = False) -> None:
    """Refuse a model file that could run code or read files when it is loaded.

    Args:
        path: a file, or a SavedModel's folder.
        format: what it is, from `edgeq.model.load.detect_format`.
        trusted: the user vouches for the file: it is not scanned.

    Raises:
        ModelError: something was found (the message names the layer and the reason), or the file is damaged.
    """
    if trusted:
        return
    suspects = list(dict.fromkeys(find_suspects(path, format)))  # a SavedModel repeats layers
    if not suspects:
        return
    lines = [f"{path} was not loaded, because it can run code on this computer:"]
    lines += [f"  {s.where}: {s.why}" for s in suspects[:8]]
    if len(suspects) > 8:
        lines.append(f"  and {len(suspects) - 8} more")
    raise ModelError(
        "\n".join(lines),
        hint="Replace these parts with Keras' own layers and save the model again. If you made this file yourself, or "
        "trust who did, pass --trust-model (trusted=True in Python).",
    )


def find_suspects(path: Path, format: ModelFormat) -> Iterator[Suspect]:
    """Everything in a model file that could run code or read files, in the order of the file.

    Raises:
        ModelError: the file is damaged, or holds no model configuration.
    """
    if format in {ModelFormat.KERAS3, ModelFormat.TF_KERAS}:
        yield from _scan_config(read_archive(path, "config.json"))
    elif format is ModelFormat.H5:
        yield from _scan_config(read_attribute(path, "model_config"))
        training = read_attribute(path, "training_config")
        if training is not None:
            yield from _scan_config(training)
        for name, why in foreign_links(path):
            yield Suspect(where=f"data set {name!r}", why=why)
    elif format is ModelFormat.SAVED_MODEL:
        for config in keras_configs(path):
            yield from _scan_config(config)
        for where, why in suspect_ops(path):
            yield Suspect(where=where, why=why)


def read_archive(path: Path, member: str) -> Any:
    """The parsed JSON of one member of a .keras file.

    Raises:
        ModelError: no zip file, damaged, unsafe member names, unpacks to too much, or the member is missing or no JSON.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            names = [info.filename for info in infos]
            if len(set(names)) != len(names) or any(
                re.search(r"(?:^|[/\\])\.\.(?:[/\\]|$)|^[/\\]|:", n) for n in names
            ):
                raise ModelError(f"{path} has entries with the same or an unsafe name.", hint="Save the model again.")
            size = sum(info.file_size for info in infos)
            if size > MAX_UNPACKED_BYTES:
                raise ModelError(
                    f"{path} unpacks to {size:,} bytes, more than the {MAX_UNPACKED_BYTES:,} that are allowed."
                )
            if member not in names:
                raise ModelError(f"{path} has no {member}: it is no Keras model.", hint="Save it with model.save().")
            if archive.getinfo(member).file_size > MAX_CONFIG_BYTES:
                raise ModelError(f"{member} in {path} is larger than {MAX_CONFIG_BYTES:,} bytes.")
            damaged = archive.testzip()
            if damaged is not None:
                raise ModelError(
                    f"{path} is damaged: the checksum of {damaged} is wrong.", hint="Save or copy it again."
                )
            content = archive.read(member)
    except (
        zipfile.BadZipFile,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        OSError,
        zlib.error,
    ) as exc:
        raise ModelError(f"{path} is damaged or cut off: {exc}", hint="Save or copy it again.") from exc
    return parse_json(content, f"{member} in {path}")


def _scan_config(config: Any) -> Iterator[Suspect]:
    """Walk all objects and lists of a configuration; a stack, because a file may nest deeper than Python recurses."""
    stack: list[tuple[Any, str]] = [(config, "the model")]
    while stack:
        value, owner = stack.pop()
        if isinstance(value, dict):
            if "class_name" in value:
                owner = _label(value, owner)
                reason = _reason(value)
                if reason is not None:
                    yield Suspect(where=owner, why=reason)
                    continue  # what is inside adds nothing
            elif value.get("function_type") in {"lambda", "function", "raw"}:
                yield Suspect(where=owner, why="it holds a serialized Python function")
                continue
            stack.extend((item, owner) for item in reversed(value.values()))
        elif isinstance(value, list):
            stack.extend((item, owner) for item in reversed(value))


def _label(entry: dict[str, Any], owner: str) -> str:
    """How to call an object in a message: its layer's name and class, or the class in its owner."""
    config = entry.get("config")
    name = config.get("name") if isinstance(config, dict) else None
    name = name if isinstance(name, str) else entry.get("name")
    class_name = str(entry["class_name"])
    if isinstance(name, str):
        return f"layer {name!r} ({class_name})"
    return owner if class_name.startswith("__") or class_name == "function" else f"{class_name} in {owner}"


def _reason(entry: dict[str, Any]) -> str | None:
    """Why an object with a class name must not be loaded; None if it may."""
    class_name, module, registered = entry["class_name"], entry.get("module"), entry.get("registered_name")
    config = entry.get("config")
    if not isinstance(class_name, str) or not isinstance(module, str | None):
        return f"its class is no name: {str(class_name)[:40]!r} in module {str(module)[:40]!r}"
    bare = class_name.rsplit(">", 1)[-1]
    if bare in _CODE_CLASSES:
        return _CODE_CLASSES[bare]
    is_optimizer = bare in _OPTIMIZERS and (module is None or _MODULE.fullmatch(module) is not None)
    for name in (class_name, registered):
        if isinstance(name, str) and ">" in name and not is_optimizer and not name.startswith("keras"):
            return f"the custom object {name!r} is Python code that is not part of Keras"
    if module is None and isinstance(registered, str) and registered and bare[:2] != "__" and not is_optimizer:
        return f"the custom class {registered!r} is Python code that is not part of Keras"
    if bare == "function":
        return _function_reason(config, module)
    if bare == "__typespec__":
        spec_module = module if module is not None else config.get("module") if isinstance(config, dict) else None
        ok = spec_module is None or (isinstance(spec_module, str) and _TYPE_SPEC_MODULE.fullmatch(spec_module))
        return None if ok else f"it names the Python module {str(spec_module)!r}, which is not part of Keras"
    if re.fullmatch(r"__\w+__", bare) and module is None:
        return None  # tensors, arrays and other plain values
    if module is not None and not _MODULE.fullmatch(module):
        return f"it names the Python module {module!r}, which is not part of Keras"
    if not re.fullmatch(r"[A-Z]\w*", bare):
        return f"{class_name!r} is no class of Keras"
    if bare in {"TFOpLambda", "SlicingOpLambda"}:
        function = config.get("function") if isinstance(config, dict) else None
        if not isinstance(function, str) or not _TF_FUNCTION.fullmatch(function):
            return f"it calls tf.{function}, which is not on the list of harmless functions"
    if isinstance(config, dict) and isinstance(config.get("vocabulary"), str):
        return f"it reads the file {config['vocabulary']!r}"
    return None


def _function_reason(name: Any, module: str | None) -> str | None:
    if module is not None and not _FUNCTION_MODULE.fullmatch(module):
        return f"it names a function of the Python module {module!r}, which is not part of Keras"
    if isinstance(name, str) and not re.fullmatch(r"\w+", name):
        return f"{name!r} is no function of Keras"
    return None
