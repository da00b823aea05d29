"""TensorFlow's converter: SavedModel and calibration samples in, full-integer .tflite out."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeq import process
from edgeq.errors import EdgeqError, ModelError, ToolError, UnsupportedError
from edgeq.model.export import Exported
from edgeq.model.runtime import quiet, tensorflow
from edgeq.model.scheme import Scheme

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CHILD_TIMEOUT = 1800.0

# Loops and the lists that they carry. The calibrator crashes on them (Keras' LSTM with batch size 1, for one), and a
# crash in this process could not be reported.
_CRASH_PRONE = re.compile(rb"\b(?:Stateless)?(?:While|If)\b|\bTensorList\w+")


def convert_fake_quantized(exported: Exported, *, what: str) -> bytes:
    """The int8 .tflite of a model whose FakeQuant operations carry every range; nothing is calibrated.

    What has no range of its own stays float: `edgeq.model.verify` finds it.

    Raises:
        UnsupportedError: the converter refused the model.
        ModelError: the converter's answer is not a usable .tflite.
    """
    tf = tensorflow()
    with quiet() as captured:
        try:
            made = tf.lite.TFLiteConverter.from_saved_model(str(exported.folder))
            made.optimizations = [tf.lite.Optimize.DEFAULT]
            made.inference_input_type = made.inference_output_type = tf.int8
            content = bytes(made.convert())
        except Exception as exc:
            raise translated(f"{exc}\n{captured()}", exported.layers, what) from exc
    return in_model_order(content, exported, what)


def convert(
    exported: Exported, samples: tuple[NDArray[np.float32], ...], *, what: str, scheme: Scheme = Scheme.INT8
) -> bytes:
    """The full-integer .tflite: inputs and outputs of the scheme's type, weights per channel, ranges from `samples`.

    Converts in this process, which has TensorFlow already; a model with loops, on which the converter is known to
    crash, is converted in a child process.

    Args:
        exported: the float model.
        samples: one array per input, shape (n, *input shape).
        what: the model's name, for messages.
        scheme: int8, or int16 activations with int8 weights.

    Raises:
        UnsupportedError: the converter refused the model or crashed on it.
        ModelError: the converter's answer is not a usable .tflite.
    """
    make = _convert_in_child if has_loops(exported) else convert_here
    return in_model_order(make(exported, samples, what, scheme), exported, what)


def has_loops(exported: Exported) -> bool:
    """Whether the model has loops, on which the converter is known to crash."""
    return _CRASH_PRONE.search((exported.folder / "saved_model.pb").read_bytes()) is not None


def converter(exported: Exported, samples: tuple[NDArray[np.float32], ...], scheme: Scheme = Scheme.INT8) -> Any:
    """TensorFlow's converter, set up for a full-integer model; whoever runs it keeps it quiet."""
    tf = tensorflow()

    def representative_dataset() -> Iterator[dict[str, NDArray[np.float32]]]:
        for i in range(len(samples[0])):
            yield {name: x[i : i + 1] for name, x in zip(exported.inputs, samples, strict=True)}

    made = tf.lite.TFLiteConverter.from_saved_model(str(exported.folder))
    made.optimizations = [tf.lite.Optimize.DEFAULT]
    made.representative_dataset = representative_dataset
    ops = tf.lite.OpsSet
    int16 = ops.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
    made.target_spec.supported_ops = [int16 if scheme is Scheme.INT16X8 else ops.TFLITE_BUILTINS_INT8]
    made.inference_input_type = made.inference_output_type = tf.as_dtype(scheme.activation.value)
    return made


def convert_here(exported: Exported, samples: tuple[NDArray[np.float32], ...], what: str, scheme: Scheme) -> bytes:
    """The converter itself, in this process; its inputs and outputs are sorted by name."""
    with quiet() as captured:
        try:
            return bytes(converter(exported, samples, scheme).convert())
        except Exception as exc:
            raise translated(f"{exc}\n{captured()}", exported.layers, what) from exc


def _convert_in_child(exported: Exported, samples: tuple[NDArray[np.float32], ...], what: str, scheme: Scheme) -> bytes:
    with tempfile.TemporaryDirectory(prefix="edgeq-") as scratch:
        arrays, result = Path(scratch, "samples.npz"), Path(scratch, "model.tflite")
        np.savez(arrays, *samples)
        argv: list[str | Path] = [sys.executable, "-P", "-m", "edgeq.quantize.child"]
        argv += [exported.folder, arrays, result, what, scheme.value, *exported.inputs]
        try:
            process.run(argv, timeout=_CHILD_TIMEOUT, what=f"converting {what}", env=process.own_environment())
        except ToolError as exc:
            if "crashed" in exc.message:
                raise UnsupportedError(
                    f"TensorFlow's converter crashed on {what}, which has loops (LSTM, GRU or other recurrent layers).",
                    hint="Build the recurrent layers with unroll=True, or replace them with convolutions.",
                ) from exc
            raise UnsupportedError(f"TensorFlow's converter failed on {what}.\n{exc.message}") from exc
        return result.read_bytes()


def in_model_order(content: bytes, exported: Exported, what: str) -> bytes:
    """The .tflite with its inputs and outputs in the float model's order; the converter sorts them by name."""
    from ai_edge_litert import schema_py_generated as schema

    raw = bytearray(content)
    model = schema.Model.GetRootAs(raw)
    if model.SubgraphsLength() < 1 or model.SignatureDefsLength() != 1:
        raise ModelError(f"TensorFlow's converter wrote a .tflite without a signature for {what}.")
    signature, graph = model.SignatureDefs(0), model.Subgraphs(0)
    sides = (
        (exported.inputs, [signature.Inputs(i) for i in range(signature.InputsLength())], graph.InputsAsNumpy()),
        (exported.outputs, [signature.Outputs(i) for i in range(signature.OutputsLength())], graph.OutputsAsNumpy()),
    )
    for names, entries, order in sides:
        index = {entry.Name().decode(): entry.TensorIndex() for entry in entries}
        wanted = [index.get(name, -1) for name in names]
        if sorted(wanted) != sorted(int(i) for i in order):
            missing = [n for n, i in zip(names, wanted, strict=True) if i not in order]
            raise UnsupportedError(
                f"TensorFlow's converter merged or dropped {', '.join(missing) or 'some outputs'} of {what}.",
                hint="Every input must be used, and no two outputs may be the same tensor.",
            )
        order[:] = wanted  # a view of `raw`
    return bytes(raw)


def translated(text: str, layers: tuple[str, ...], what: str) -> EdgeqError:
    """The converter's complaint in the user's words: which ops, in which layers."""
    refused = sorted(set(re.findall(r"Quantization to 16x8-bit not yet supported for op: '(\w+)'", text)))
    if refused:
        return UnsupportedError(
            f"{what} has operations that TensorFlow's converter cannot make 16-bit: {', '.join(refused)}.",
            hint="Use an 8-bit method (--method ptq, auto or qat), or replace the layers behind them.",
        )
    ops = sorted(set(re.findall(r"\btf\.([A-Z]\w+)", text)))
    if ops:
        # Places look like "model_1/layer_name_1/op"@…; Keras 3 appends a number when it traces a layer.
        segments = {part for place in re.findall(r'"([\w./-]+/[\w./-]+)"?@', text) for part in place.split("/")}
        found = [name for name in layers if name in segments or any(re.sub(r"_\d+$", "", s) == name for s in segments)]
        where = f" (layer {', '.join(found)})" if found else ""
        return UnsupportedError(
            f"{what} uses operations that TensorFlow Lite has no int8 form of: {', '.join(ops)}{where}.",
            hint="Replace the layers that use them by convolutions, dense layers, pooling and common activations.",
        )
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    shown = "\n".join("  " + line[:300] for line in lines[:6])
    return UnsupportedError(
        f"TensorFlow's converter failed on {what}:\n{shown}",
        hint="Remove layers from the end of the model until it converts, to find the one that does not.",
    )
