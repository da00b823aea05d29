"""The converter's own float model: what it quantizes, with the values that calibration found.

TensorFlow's converter works in two steps. The first turns the SavedModel into a float .tflite, with batch norms folded
and activations fused, and runs the calibration samples through it; the second replaces its values by integers, with
the smallest and largest value of each tensor as its range. The float .tflite between the two is kept here as the
*twin* of the int8 model: its tensors have the same names, so that float and int8 values can be compared layer by
layer, and other ranges can be put in before the second step, which takes milliseconds.

The converter's calibrator looks at an op's inputs after the op has run. LiteRT computes some ops (ADD, MUL, SUB) in
place, so that it takes their results for values of the input: a convolution that only reaches 1.1 gets the range of the
product behind it, 12.3, and a tenth of the 256 steps. Ranges that look like that are measured anew.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgeq.errors import InterpreterError, ModelError, UnsupportedError
from edgeq.model.export import Exported, export
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.graph import DType, Graph
from edgeq.model.runtime import quiet, tensorflow
from edgeq.quantize.convert import converter, has_loops, in_model_order, translated
from edgeq.quantize.excerpt import packed, unpacked
from edgeq.records import FloatModel, Reference
from edgeq.reference import ReferenceWorker

if TYPE_CHECKING:
    from numpy.typing import NDArray

Range = tuple[float, float]
"""Smallest and largest value of a tensor."""

_CHUNK_BYTES = 64 << 20
_NOT_IN_PLACE = {"AVERAGE_POOL_2D", "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "MEAN", "RESIZE_BILINEAR"}
_KEEP_VALUES = {"CONCATENATION", "EXPAND_DIMS", "GATHER", "MAX_POOL_2D", "PAD", "RELU", "RELU6", "RESHAPE", "SLICE"}
_KEEP_VALUES |= {"RESIZE_NEAREST_NEIGHBOR", "SPLIT", "SQUEEZE", "STRIDED_SLICE", "TRANSPOSE"}
HARMLESS = frozenset(_NOT_IN_PLACE | _KEEP_VALUES)
"""Ops that overwrite no input with other values: their results are elsewhere, or are values of the inputs."""

_NARROWER = 0.99  # of the recorded width; the calibrator's float kernels differ from the reference in the last bits


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Twin:
    """A float .tflite with one sample as its batch; inputs and outputs in the float model's order.

    `ranges` has, per index of an activation in `graph`, the smallest and largest value on the calibration samples.
    `exported` names inputs and outputs (the SavedModel may be gone), `what` the model, for messages. `note` says which
    ranges are not the calibrator's, if any.
    """

    content: bytes
    graph: Graph
    ranges: Mapping[int, Range]
    exported: Exported
    what: str
    note: str | None = None


def make_twin(exported: Exported, samples: tuple[NDArray[np.float32], ...], *, what: str) -> Twin:
    """The converter's first step.

    Args:
        exported: the float model.
        samples: one array per input, shape (n, *input shape).
        what: the model's name, for messages.

    Raises:
        UnsupportedError: the converter refused the model, or the model has loops (its calibrator crashes on some).
    """
    if has_loops(exported):
        raise UnsupportedError(
            f"{what} has loops (LSTM, GRU or other recurrent layers); for these, TensorFlow's converter chooses the "
            "ranges alone, and shows nothing of them.",
            hint="Quantize it with --method ptq and its defaults, or build the recurrent layers with unroll=True.",
        )
    with quiet() as captured:
        try:
            converts = converter(exported, samples)
            converts._experimental_calibrate_only = True
            content = bytes(converts.convert())
        except Exception as exc:
            raise translated(f"{exc}\n{captured()}", exported.layers, what) from exc
    content = in_model_order(content, exported, what)
    twin = Twin(
        content=content,
        graph=parse_tflite(content),
        ranges=dict(_recorded_ranges(content)),
        exported=exported,
        what=what,
    )
    return _remeasured(twin, samples)


def twin_of(model: FloatModel, samples: tuple[NDArray[np.float32], ...]) -> Twin:
    """`make_twin` of a float model that is not exported yet.

    Raises:
        UnsupportedError: the model cannot be exported, or as `make_twin`.
    """
    with tempfile.TemporaryDirectory(prefix="edgeq-") as folder:
        exported = export(model, Path(folder, "saved_model"))
        return make_twin(exported, samples, what=model.path.name)


def quantize_twin(twin: Twin, ranges: Mapping[int, Range] | None = None) -> bytes:
    """The converter's second step: the int8 .tflite, with other ranges for some tensors.

    Args:
        twin: the float .tflite.
        ranges: by tensor index in the twin's graph; the rest keep what calibration found. The converter widens every
            range to include 0, and sets the ranges that an op fixes (softmax, tanh) or shares with its input itself.

    Raises:
        UnsupportedError: the converter refused the model.
    """
    tf = tensorflow()
    from tensorflow.lite.python.convert import mlir_quantize

    content = _with_ranges(twin.content, ranges or {})
    with quiet() as captured:
        try:
            made = bytes(mlir_quantize(content, input_data_type=tf.int8, output_data_type=tf.int8))
        except Exception as exc:
            raise translated(f"{exc}\n{captured()}", twin.exported.layers, twin.what) from exc
    return in_model_order(made, twin.exported, twin.what)


def activations(graph: Graph) -> tuple[int, ...]:
    """The float tensors that depend on the input, the inputs first, then in the order of the ops."""
    produced = [i for op in graph.ops for i in op.outputs]
    return tuple(i for i in (*graph.inputs, *produced) if graph.tensors[i].dtype is DType.FLOAT32)


def float_values(
    twin: Twin, x: Sequence[NDArray[np.generic]], tensors: Sequence[int]
) -> Iterator[tuple[slice, tuple[NDArray[np.float32], ...]]]:
    """The twin's tensors on samples, by LiteRT's reference kernels, in chunks that fit into memory.

    Args:
        twin: the float .tflite.
        x: one array per input, shape (n, *input shape).
        tensors: indices in the twin's graph.

    Yields:
        Which samples, and one float32 array per tensor, shape (samples in the chunk, *tensor shape).

    Raises:
        ModelError: the twin's tensors cannot be read.
        InterpreterError: LiteRT is missing, or refused the model.
    """
    bytes_each = 4 * sum(twin.graph.tensors[i].elements for i in tensors)
    size = max(1, _CHUNK_BYTES // max(1, bytes_each))
    inputs = [np.ascontiguousarray(values, np.float32) for values in x]
    with ReferenceWorker(Reference.LITERT_REFERENCE) as worker:
        for start in range(0, len(inputs[0]), size):
            chunk = slice(start, min(start + size, len(inputs[0])))
            found = worker.tensors(twin.content, [values[chunk] for values in inputs], tensors)
            if any(values.dtype != np.float32 for values in found):
                raise ModelError(f"The float model behind {twin.what} has values that are no float32.")
            yield chunk, tuple(values.astype(np.float32, copy=False) for values in found)


def overwritten(graph: Graph, ranges: Mapping[int, Range]) -> tuple[int, ...]:
    """The activations that an op may have overwritten before the calibrator looked at them: an end of their range is
    also an end of the range of the op's result.

    Args:
        graph: the twin's.
        ranges: smallest and largest value by tensor index.
    """
    found: dict[int, None] = {}
    for op in graph.ops:
        if op.name in HARMLESS:
            continue
        for i in op.inputs:
            for result in op.outputs:
                ends = zip(ranges.get(i, ()), ranges.get(result, ()), strict=False)
                if any(a == b != 0.0 for a, b in ends):
                    found[i] = None
    return tuple(found)


def _remeasured(twin: Twin, samples: tuple[NDArray[np.float32], ...]) -> Twin:
    suspects = overwritten(twin.graph, twin.ranges)
    if not suspects:
        return twin
    low, high = dict.fromkeys(suspects, np.inf), dict.fromkeys(suspects, -np.inf)
    try:
        for _, arrays in float_values(twin, samples, suspects):
            for i, values in zip(suspects, arrays, strict=True):
                low[i], high[i] = min(low[i], float(values.min())), max(high[i], float(values.max()))
    except (InterpreterError, ModelError):  # has ops that LiteRT lacks, which no int8 model has: verification says so
        return replace(twin, note=f"{len(suspects)} ranges may be too wide: LiteRT cannot measure them")
    found = {
        i: (low[i], high[i]) for i in suspects if high[i] - low[i] < _NARROWER * (twin.ranges[i][1] - twin.ranges[i][0])
    }
    if not found:
        return twin
    count = f"{len(found)} tensor{'s' if len(found) > 1 else ''}"
    return replace(
        twin,
        content=_with_ranges(twin.content, found),
        ranges={**twin.ranges, **found},
        note=f"measured the ranges of {count} anew: TensorFlow's calibrator read them after the next op had "
        "overwritten them",
    )


def _recorded_ranges(content: bytes) -> Iterator[tuple[int, Range]]:
    for index, tensor in enumerate(unpacked(content).subgraphs[0].tensors):
        found = tensor.quantization
        if found is not None and found.min is not None and len(found.min) == 1:
            yield index, (float(found.min[0]), float(found.max[0]))


def _with_ranges(content: bytes, ranges: Mapping[int, Range]) -> bytes:
    if not ranges:
        return content
    model = unpacked(content)
    for index, (low, high) in ranges.items():
        quantization = model.subgraphs[0].tensors[index].quantization
        quantization.min, quantization.max = np.array([low], np.float32), np.array([high], np.float32)
    return packed(model)
