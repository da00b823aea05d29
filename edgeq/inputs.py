"""What the user gives: a model and data, read and checked, and the samples that will go through the device."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from edgeq.data import check_dataset, load_dataset, random_dataset
from edgeq.data.check import NO_DATA
from edgeq.errors import InputError
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.graph import DType, Graph, Tensor
from edgeq.model.keras.normalizing import normalizing_layers
from edgeq.model.load import detect_format, load_float_model, read_tflite
from edgeq.model.quantization import quantize_input
from edgeq.options import BuildOptions
from edgeq.records import Dataset, FloatModel, ModelFormat, Progress, ValueSpec

if TYPE_CHECKING:
    from edgeq.builds import BuildSamples

RANDOM_SAMPLES = 100
"""How many random samples a .tflite without data is compared on."""


class SourceOptions(Protocol):
    """What is to be read; part of the options of several commands."""

    @property
    def model(self) -> Path:
        """A model file or folder."""

    @property
    def data(self) -> str | None:
        """What --data names."""

    @property
    def samples(self) -> int | None:
        """How many random samples are drawn where there are no data; None: the default."""

    @property
    def seed(self) -> int:
        """Of what is random about reading."""

    @property
    def trusted(self) -> bool:
        """The model may carry code."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """A float model, or the bytes of an int8 .tflite; and data. `warnings` are about the data."""

    format: ModelFormat
    float_model: FloatModel | None
    tflite: bytes | None
    data: Dataset
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """What is known of a float model without running it. (Unlike the model, it can travel between processes.)

    `probability` says that its only output is the probability of one class; `scaling` has name and factor of the layer
    that shrinks its only input most, None if none is known; `loss` is Keras' name of the one that it was compiled with,
    if its file says so.
    """

    name: str
    sha256: str
    parameters: int
    inputs: tuple[ValueSpec, ...]
    outputs: tuple[ValueSpec, ...]
    probability: bool
    scaling: tuple[str, float] | None
    loss: str | None = None


def facts_of(model: FloatModel) -> ModelFacts:
    """The facts about a loaded model."""
    return ModelFacts(
        name=model.path.name, sha256=model.sha256, parameters=model.parameters, inputs=model.inputs,
        outputs=model.outputs, probability=_is_probability(model.outputs, _activation(model)), scaling=_scaling(model),
        loss=model.compiled.loss if model.compiled else None,
    )  # fmt: skip


def read_source(options: SourceOptions, progress: Progress) -> Source:
    """Read the model and the data, the data first: they are checked before TensorFlow, which takes seconds to import.

    Args:
        options: what is to be read.
        progress: told of every step.

    Raises:
        InputError: either is missing, damaged, of another shape than the other, or not to be trusted.
    """
    format = detect_format(options.model)
    if format is ModelFormat.TFLITE:
        return _read_tflite_source(options)
    data, peeked = read_samples(options, format, progress)
    progress.start("Loading the model")
    model = load_float_model(options.model, trusted=options.trusted)
    data, warnings = fitting(data, peeked, facts_of(model), options)
    return Source(format=format, float_model=model, tflite=None, data=data, warnings=warnings)


def read_samples(
    options: SourceOptions, format: ModelFormat, progress: Progress
) -> tuple[Dataset, tuple[ValueSpec, ...] | None]:
    """The data of a float model that is not loaded yet, checked against the inputs that its file names; and these.

    Raises:
        InputError: either is missing, damaged, of another shape than the other, or not to be trusted.
    """
    if options.data is None:
        raise InputError(
            f"{options.model} is a float model ({format.value}); to quantize it, edgeq needs samples.",
            hint="Give them with --data: an .npz, a folder of images by class, or module:function;\n"
            "`edgeq data check --help` describes them.",
        )
    from edgeq.model.peek import peek_inputs
    from edgeq.model.scan import scan_model

    progress.start("Reading the data")
    scan_model(options.model, format, trusted=options.trusted)
    peeked = peek_inputs(options.model, format)
    data = load_dataset(options.data, inputs=peeked, seed=options.seed)
    check_dataset(data, peeked)
    return data, peeked


def fitting(
    data: Dataset, peeked: tuple[ValueSpec, ...] | None, facts: ModelFacts, options: SourceOptions
) -> tuple[Dataset, tuple[str, ...]]:
    """The data for a model that is known now, and warnings about them. They are read again if its inputs are others
    than was thought (`peeked`).

    Raises:
        InputError: as `read_samples`.
    """
    if peeked != facts.inputs:
        assert options.data is not None  # noqa: S101 (checked by read_samples)
        data = load_dataset(options.data, inputs=facts.inputs, seed=options.seed)
    classes = _classes(data, facts.outputs)
    return data, check_dataset(data, facts.inputs, classes, probability=facts.probability, scaling=facts.scaling)


def _scaling(model: FloatModel) -> tuple[str, float] | None:
    """Name and factor of the layer that shrinks the model's only input most; None if none is known."""
    if len(model.inputs) != 1:
        return None
    layers = [(layer.name, layer.factor) for layer in normalizing_layers(model) if layer.factor is not None]
    return min(layers, key=lambda layer: layer[1], default=None)


def read_data(spec: str, model: Path | None, *, trusted: bool, seed: int = 0) -> tuple[Dataset, tuple[str, ...]]:
    """Data as `edgeq data check` looks at them, and warnings; against a model's inputs if one is given.

    Raises:
        InputError: as `read_source`.
    """
    if model is None:
        data = load_dataset(spec, seed=seed)
        return data, check_dataset(data, None)
    options = BuildOptions(model=model, data=spec, out=Path(), trusted=trusted, seed=seed)
    source = read_source(options, Progress())
    return source.data, source.warnings


def test_samples(source: Source, graph: Graph, options: BuildOptions) -> BuildSamples:
    """The test samples as the int8 model takes them; the float model's outputs are added later.

    Raises:
        DataError: values that have no int8 form.
    """
    samples = real_samples(source, options)
    inputs = zip(samples.inputs, graph.input_tensors, strict=True)
    return replace(samples, inputs=tuple(quantize_input(x, tensor) for x, tensor in inputs))


def real_samples(source: Source, options: BuildOptions) -> BuildSamples:
    """The test samples as they are; the float model's outputs are added later."""
    from edgeq.builds import BuildSamples

    split = source.data.test
    count = min(len(split), options.samples or len(split))
    return BuildSamples(
        inputs=tuple(x[:count] for x in split.x),
        labels=None if split.y is None else split.y[:count],
        float_outputs=None,
        source=Path(source.data.source).name or source.data.source,
        sha256=source.data.sha256,
        class_names=source.data.class_names,
    )


def with_float_outputs(samples: BuildSamples, source: Source, progress: Progress) -> BuildSamples:
    """The samples with the float model's answers to them, if there is a float model."""
    if source.float_model is None:
        return samples
    from edgeq.reference.float_model import float_outputs

    progress.start("Running the float model")
    inputs = tuple(x[: len(samples)] for x in source.data.test.x)
    return replace(samples, float_outputs=float_outputs(source.float_model, inputs))


def _read_tflite_source(options: SourceOptions) -> Source:
    content = read_tflite(options.model)
    graph = parse_tflite(content, where=str(options.model))
    inputs = tuple(_value_spec(t) for t in graph.input_tensors)
    ranges = tuple(_range(t) for t in graph.input_tensors)
    warnings: tuple[str, ...] = ()
    if options.data is None:
        data = random_dataset(inputs, options.samples or RANDOM_SAMPLES, options.seed, ranges)
        warnings = (NO_DATA,)
    else:
        data = load_dataset(options.data, inputs=inputs, seed=options.seed)
        outputs = tuple(_value_spec(t) for t in graph.output_tensors)
        probability = _is_probability(outputs, _last_op(graph))
        warnings = check_dataset(data, inputs, _classes(data, outputs), ranges, probability=probability)
    return Source(format=ModelFormat.TFLITE, float_model=None, tflite=content, data=data, warnings=warnings)


def _classes(data: Dataset, outputs: tuple[ValueSpec, ...]) -> int | None:
    """The number of classes, if the labels are class indices and one output is a vector of that kind."""
    labels = data.test.y
    if labels is None or labels.ndim != 1 or labels.dtype.kind not in "iu" or len(outputs) != 1:
        return None
    (output,) = outputs
    size = output.shape[-1] if len(output.shape) == 1 else None
    return size if size is not None and size > 1 else None


def _is_probability(outputs: tuple[ValueSpec, ...], function: str) -> bool:
    """Whether the one output is one number, and `function`, which makes it, the sigmoid."""
    return len(outputs) == 1 and outputs[0].shape in ((), (1,)) and function in ("sigmoid", "LOGISTIC")


def _activation(model: FloatModel) -> str:
    """The name of the function that makes a Keras model's output; "" of a SavedModel, which does not tell."""
    from edgeq.training.objective import last_activation

    return last_activation(model.handle) if getattr(model.handle, "outputs", None) else ""


def _last_op(graph: Graph) -> str:
    """The name of the op that makes the first output, before its DEQUANTIZE."""
    makers = {tensor: op for op in graph.ops for tensor in op.outputs}
    op = makers.get(graph.outputs[0])
    if op is not None and op.name == "DEQUANTIZE":
        op = makers.get(op.inputs[0])
    return op.name if op is not None else ""


def _value_spec(tensor: Tensor) -> ValueSpec:
    shape = tensor.shape[1:] if tensor.shape[:1] == (1,) else tensor.shape
    return ValueSpec(name=tensor.name, shape=shape, dtype="float32")


def _range(tensor: Tensor) -> tuple[float, float]:
    """What an input can hold, smallest and largest real value."""
    q = tensor.quantization
    if q is None or tensor.dtype is DType.FLOAT32:
        return (-1.0, 1.0)
    limits = {DType.INT8: (-128, 127), DType.UINT8: (0, 255), DType.INT16: (-32768, 32767)}.get(tensor.dtype, (0, 1))
    low, high = (q.scale * (edge - q.zero_point) for edge in limits)
    return (low, high)
