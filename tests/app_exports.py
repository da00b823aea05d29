"""What tests of `edgeq export --to android|ios` share: a build for phones that costs no conversion, golden files."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from tflite_builder import ModelBuilder

import edgeq
from edgeq import Target
from edgeq.builds import BuildSamples
from edgeq.mobile.bench import this_host
from edgeq.mobile.builds import MobileBuild, save_mobile
from edgeq.mobile.measure import file_of, model_inputs
from edgeq.mobile.metadata import InputMetadata, ModelMetadata, OutputMetadata, with_metadata
from edgeq.mobile.platforms import platforms_of
from edgeq.mobile.signatures import read_signature
from edgeq.mobile.variant import Variant
from edgeq.model.flatbuffer import parse_tflite
from edgeq.records import (
    Latency,
    Normalization,
    Placement,
    Recommendation,
    Reference,
    Standing,
    VariantKind,
    VariantRow,
)
from edgeq.reference import run_reference
from edgeq.report.record import VariantsInfo

FOLDER = Path(__file__).parent / "golden" / "apps"

LABELS = ('say "$no"', "back\\slash \\(x)", "ö 漢字 *\u200b/", "tab\there")
NORMALIZATION = Normalization(mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375))


def app_model(*, signature: bool = True, integer: str = "int8") -> bytes:
    """Two inputs and two outputs, of integers and of floats; one name is a keyword, and a label has what no language
    may read as its own."""
    rng = np.random.default_rng(11)
    m = ModelBuilder()
    of_weights, zero = ("uint8", 128) if integer == "uint8" else ("int8", 0)
    zeros = (0, 0) if integer == "int16" else (zero - 14, zero + 5)
    image = m.tensor("image", (1, 2, 3, 3), integer, scale=0.0186584, zero_point=zeros[0])
    values = rng.integers(-127, 128, (4, 18)) + zero
    weights = m.tensor("w", (4, 18), of_weights, scale=0.011, zero_point=zero, data=values)
    digit = m.tensor("digit", (1, 4), integer, scale=0.0371, zero_point=zeros[1])
    m.op("FULLY_CONNECTED", [image, weights, -1], [digit], version=4, fused_activation_function="NONE")
    factor = m.tensor("class", (1, 5), "float32")
    total = m.tensor("sum\n*/", (1, 5), "float32")
    m.op("ADD", [factor, factor], [total], version=2, fused_activation_function="NONE")
    content = m.finish([image, factor], [digit, total])
    return with_signature(content) if signature else content


def with_signature(content: bytes) -> bytes:
    """The model with a signature whose names are in another order than its inputs, as the converter writes them."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    subgraph = model.subgraphs[0]
    made = schema.SignatureDefT()
    made.signatureKey = b"serving_default"
    made.inputs = [_entry(name, subgraph.inputs[i]) for name, i in (("class", 1), ("image", 0))]
    made.outputs = [_entry(name, subgraph.outputs[i]) for name, i in (("digit", 0), ("sum$", 1))]
    model.signatureDefs = [made]
    builder = flatbuffers.Builder(4096)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _entry(name: str, tensor: int) -> schema.TensorMapT:
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = name.encode(), int(tensor)
    return entry


def described(content: bytes) -> bytes:
    """The model with metadata: labels and a normalization for its first input and output."""
    about = ModelMetadata(
        name="app",
        description="",
        inputs=(
            InputMetadata(name="image", normalization=NORMALIZATION, image=(3, 2), channels=3),
            InputMetadata(name="class"),
        ),
        outputs=(OutputMetadata(name="digit", labelled=True), OutputMetadata(name="sum")),
        labels=LABELS,
    )
    return with_metadata(content, about)


def labelled(content: bytes, labels: tuple[str, ...]) -> bytes:
    """A model of one input and one output, with labels alone."""
    about = ModelMetadata(
        name="many", description="", inputs=(InputMetadata(name="x"),),
        outputs=(OutputMetadata(name="y", labelled=True),), labels=labels,
    )  # fmt: skip
    return with_metadata(content, about)


def make_app_build(
    folder: Path, content: bytes, *, name: str = "Small Net", kind: VariantKind = VariantKind.INT8
) -> Path:
    """A build for phones of one .tflite, with what LiteRT answers here to three samples."""
    graph = parse_tflite(content)
    rng = np.random.default_rng(3)
    x = tuple(rng.uniform(-2, 2, (3, *t.shape[1:])).astype(np.float32) for t in graph.input_tensors)
    answers = run_reference(content, model_inputs(graph, x), Reference.LITERT_DEFAULT)
    row = VariantRow(
        kind=kind, file=file_of(kind), sha256=graph.sha256, size_bytes=len(content),
        inputs=tuple(t.dtype.value for t in graph.input_tensors),
        outputs=tuple(t.dtype.value for t in graph.output_tensors), signature=read_signature(content, graph),
        accuracy=None, difference=None, standing=Standing.UNKNOWN, same_top1=None, sqnr_db=None,
        latency=Latency(runs=30, median_ms=1.0, p90_ms=1.0, p99_ms=1.0), peak_memory_bytes=None,
        placement=Placement(ops=2, partitions=1, fallen_macs=0.0, fallen=()),
    )  # fmt: skip
    info = VariantsInfo(
        target="mobile", platforms=platforms_of(Target.MOBILE), host=this_host(1), margin=0.01,
        normalization="(x − 123.675/116.28/103.53) / 58.395/57.12/57.375: --normalization", labels="labels.txt",
        rows=(row,), refused=(),
        recommendation=Recommendation(kind=kind, reason="it is the only variant", conclusive=True),
    )  # fmt: skip
    folder.mkdir(parents=True)
    save_mobile(
        MobileBuild(
            folder=folder, name=name, target=Target.MOBILE, source_format="tflite", source_sha256=None,
            variants=(Variant(kind=kind, content=content, graph=graph),), answers=(answers,), info=info,
            samples=BuildSamples(
                inputs=x, labels=None, float_outputs=None, source="random", sha256="", class_names=()
            ),
            notes=(),
        )
    )  # fmt: skip
    return folder


def generated(build: Path, folder: Path) -> dict[str, str]:
    """What the templates write for both platforms, and edgeq's own C++ once, by path."""
    found: dict[str, str] = {}
    for to in ("android", "ios"):
        done = edgeq.export_build(build, to=to, out=folder / to, url="https://example.org/net", author="O'Hara")
        texts = [path for path in done.files if not path.endswith((".tflite", ".bin", "LICENSE", ".json"))]
        found |= {f"{to}/{path}": (done.out / path).read_text(encoding="utf-8") for path in texts}
    return {path: text for path, text in found.items() if path.rpartition("/")[2] not in _OWN}


_OWN = {"runtime.cpp", "runtime.h", "sha256.cpp", "sha256.h", "litert_api.h", "conversion.h"}


def stored() -> dict[str, str]:
    """The files as they were accepted."""
    return {p.relative_to(FOLDER).as_posix(): p.read_text(encoding="utf-8") for p in FOLDER.rglob("*") if p.is_file()}


def update() -> None:
    """Accept the files as they are generated now."""
    with tempfile.TemporaryDirectory() as scratch:
        build = make_app_build(Path(scratch) / "build", described(app_model()))
        files = generated(build, Path(scratch))
    shutil.rmtree(FOLDER, ignore_errors=True)
    for name, content in files.items():
        (FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
        (FOLDER / name).write_text(content, encoding="utf-8")
