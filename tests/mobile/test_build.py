"""`edgeq build --target mobile`, from a Keras file to a folder of variants."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from mobile_builds import Built
from projects import tiny_model
from tflite_builder import ModelBuilder

from edgeq import BuildOptions, Target, build
from edgeq.errors import InputError
from edgeq.mobile.builds import is_mobile, open_mobile
from edgeq.mobile.metadata import read_metadata
from edgeq.mobile.signatures import read_signature
from edgeq.mobile.variant import kind_of
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.quantization import quantize_input
from edgeq.records import Metric, Standing, VariantKind
from edgeq.report.console import render
from edgeq.report.files import read_report

pytestmark = [pytest.mark.xdist_group("mobile"), pytest.mark.timeout(900)]

KINDS = list(VariantKind)


@pytest.fixture(params=["demo", "mobilenet"])
def built(request: pytest.FixtureRequest) -> Built:
    found: Built = request.getfixturevalue(request.param)
    return found


def test_every_variant_is_there_and_is_what_it_is_called(built: Built) -> None:
    info = built.report.variants
    assert info is not None
    assert [row.kind for row in info.rows] == KINDS
    assert not info.refused
    for row in info.rows:
        content = (built.folder / row.file).read_bytes()
        assert kind_of(parse_tflite(content)) is row.kind
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (row.sha256, row.size_bytes)
    sizes = {row.kind: row.size_bytes for row in info.rows}
    assert sizes[VariantKind.FLOAT32] > sizes[VariantKind.FLOAT16] > sizes[VariantKind.INT8]
    chosen = next(row for row in info.rows if row.kind is info.recommendation.kind)
    assert (built.folder / "model.tflite").read_bytes() == (built.folder / chosen.file).read_bytes()


def test_the_figures(built: Built) -> None:
    info = built.report.variants
    assert info is not None
    base = info.rows[0]
    assert base.standing is Standing.BASELINE
    assert base.accuracy is not None
    assert base.accuracy.value == 1.0
    for row in info.rows:
        assert row.accuracy is not None
        assert row.accuracy.n == built.report.data.samples
        assert row.latency.runs >= 30
        assert 0 < row.latency.median_ms <= row.latency.p90_ms <= row.latency.p99_ms
        assert row.peak_memory_bytes is not None
        assert row.peak_memory_bytes > 0
        if row is not base:
            assert row.difference is not None
            assert row.difference.value == pytest.approx(row.accuracy.value - 1.0)
            assert row.same_top1 == row.accuracy.value
            assert row.sqnr_db is not None
            assert row.sqnr_db > 0
    assert {row.kind: row.inputs for row in info.rows}[VariantKind.INT8] == ("int8",)


def test_accuracy_is_that_of_an_app(demo: Built) -> None:
    """By LiteRT as an app uses it, one sample after the other."""
    info = demo.report.variants
    assert info is not None
    data = np.load(demo.data)
    for row in info.rows:
        interpreter = Interpreter(model_path=str(demo.folder / row.file))
        interpreter.allocate_tensors()
        (source,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()
        graph = parse_tflite((demo.folder / row.file).read_bytes())
        right = 0
        for x, y in zip(quantize_input(data["x_test"], graph.input_tensors[0]), data["y_test"], strict=True):
            interpreter.set_tensor(source["index"], x[None])
            interpreter.invoke()
            right += int(interpreter.get_tensor(result["index"])[0].argmax() == y)
        assert row.accuracy is not None
        assert row.accuracy.correct == right


def test_signatures_are_kept(built: Built) -> None:
    names = {"demo": "digit", "mobilenet_v1": "person"}
    for kind in KINDS:
        content = (built.folder / f"variants/{kind.value}.tflite").read_bytes()
        runner = Interpreter(model_content=content).get_signature_runner("serving_default")
        assert list(runner.get_input_details()) == ["image"]
        assert list(runner.get_output_details()) == [names[built.model.stem]]
        found = read_signature(content, parse_tflite(content))
        assert found is not None
        assert (found.key, found.inputs) == ("serving_default", ("image",))
    (check,) = (check for check in built.report.checks if check.name == "signatures")
    assert check.passed
    assert "serving_default(image)" in check.message


def test_metadata_of_every_variant(demo: Built) -> None:
    for kind in KINDS:
        found = read_metadata((demo.folder / f"variants/{kind.value}.tflite").read_bytes())
        assert found is not None
        assert found.labels == tuple(f"digit {i}" for i in range(10))
        assert [i.name for i in found.inputs] == ["image"]
        assert [(o.name, o.labelled) for o in found.outputs] == [("digit", True)]
        assert found.inputs[0].normalization is None
    assert demo.report.variants is not None
    assert demo.report.variants.normalization.startswith("unknown")
    assert demo.report.variants.labels == "labels.txt"


def test_ops_off_xnnpack_are_named(mobilenet: Built) -> None:
    info = mobilenet.report.variants
    assert info is not None
    placements = {row.kind: row.placement for row in info.rows}
    for kind in (VariantKind.FLOAT32, VariantKind.FLOAT16):
        assert (placements[kind].partitions, placements[kind].fallen) == (1, ())
    assert {op.name for op in placements[VariantKind.INT8].fallen} == {"AVERAGE_POOL_2D", "SOFTMAX"}
    assert placements[VariantKind.INT8].fallen_macs < 0.01
    hybrid = placements[VariantKind.DYNAMIC_RANGE].fallen
    assert {op.name for op in hybrid} == {"DEPTHWISE_CONV_2D"}
    assert "float32 × int8 → float32: XNNPACK took float32 × float32 → float32" in hybrid[0].reason
    assert len(placements[VariantKind.INT16X8].fallen) == placements[VariantKind.INT16X8].ops
    assert info.recommendation.kind is not VariantKind.INT16X8


def test_every_variant_ran_behind_the_agent(built: Built) -> None:
    info = built.report.variants
    assert info is not None
    for row in info.rows:
        assert row.device is not None
        assert (row.device.device, row.device.samples) == ("litert-host", built.report.data.samples)
        assert (row.device.mismatches, row.device.argmax_flips) == (0, 0)
    names = [check.name for check in built.report.checks if check.passed]
    ran = [f"{kind.value} on litert-host" for kind in KINDS]
    assert names == ["signatures", *(f"self-test of {name}" for name in ran), *ran]
    assert built.report.drift is not None
    assert built.report.drift.primary.mismatches == 0
    assert built.report.accuracy.device == built.report.accuracy.int8_host


def test_the_report_says_what_never_ran(demo: Built) -> None:
    assert demo.report.variants is not None
    proofs = {platform.name: platform.proof for platform in demo.report.variants.platforms}
    assert set(proofs) == {"android-arm64", "ios", "linux-arm64"}
    assert proofs["ios"] == "generated only, never run in a test"


def test_report_files(built: Built) -> None:
    assert read_report(built.folder) == built.report
    page = (built.folder / "report.html").read_text("utf-8")
    for kind in KINDS:
        assert kind.value in page
    assert "generated only, never run in a test" in page
    assert "this host" in page
    assert "Layer by layer, against each interpreter of this host: edgeq drift BUILD --device litert-host" in page
    assert 'id="memory"' not in page  # nothing of a microcontroller's


@pytest.mark.parametrize("width", [80, 120])
def test_console(built: Built, width: int) -> None:
    from rich.console import Console

    console = Console(width=width, no_color=True, file=io.StringIO(), record=True)
    console.print(render(built.report))
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= width
    for kind in KINDS:
        assert f"\n{kind.value} " in text
    assert "16x8: none of its" in text
    assert "edgeq drift BUILD --device litert-host" in " ".join(text.split())
    assert "ios: generated only, never run in a test" in text


def test_a_build_opens_again(demo: Built) -> None:
    assert is_mobile(demo.folder)
    made = open_mobile(demo.folder)
    assert demo.report.variants is not None
    assert made.info.rows == tuple(replace(row, device=None) for row in demo.report.variants.rows)
    variant, answers = made.variant(VariantKind.INT8)
    assert variant.quantized is not None
    assert answers.outputs[0].shape == (400, 10)
    assert made.samples.inputs[0].dtype == np.float32
    manifest = json.loads((demo.folder / "manifest.json").read_text("utf-8"))
    assert "variants/int8" in manifest["files"]


def test_a_changed_file_is_noticed(demo: Built, tmp_path: Path) -> None:
    import shutil

    copy = shutil.copytree(demo.folder, tmp_path / "copy")
    (copy / "variants" / "int8.tflite").write_bytes(b"no longer")
    with pytest.raises(InputError, match=r"int8\.tflite was changed after the build"):
        open_mobile(copy)
    assert not is_mobile(tmp_path)


def regression(weights: np.ndarray) -> bytes:
    model = ModelBuilder()
    x = model.tensor("x", (1, 6), "float32")
    w = model.tensor("w", weights.shape, "float32", data=weights)
    y = model.tensor("y", (1, 2), "float32")
    model.op("FULLY_CONNECTED", [x, w, -1], [y])
    return model.finish([x], [y])


def test_a_given_tflite_of_a_regression(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    weights = rng.normal(size=(2, 6)).astype(np.float32)
    (tmp_path / "r.tflite").write_bytes(regression(weights))
    x = rng.normal(size=(50, 6)).astype(np.float32)
    noise = rng.normal(size=(50, 2)).astype(np.float32)
    np.savez(tmp_path / "d.npz", x_test=x, y_test=x @ weights.T + noise)
    report = build(
        BuildOptions(
            model=tmp_path / "r.tflite", data=str(tmp_path / "d.npz"), out=tmp_path / "o", target=Target.LINUX_ARM64
        )
    )
    info = report.variants
    assert info is not None
    assert [row.kind for row in info.rows] == [VariantKind.FLOAT32]
    accuracy = info.rows[0].accuracy
    assert accuracy is not None
    assert accuracy.metric is Metric.MAE
    assert accuracy.value == pytest.approx(float(np.abs(noise).mean()), rel=1e-3)
    assert info.recommendation.reason == "it is the only variant"
    assert [platform.name for platform in info.platforms] == ["linux-arm64"]


def test_a_given_tflite_without_data_keeps_its_bytes_but_for_the_metadata(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(tiny_model(1))
    out = tmp_path / "o"
    report = build(BuildOptions(model=tmp_path / "m.tflite", out=out, target=Target.IOS))
    assert report.variants is not None
    assert [row.kind for row in report.variants.rows] == [VariantKind.INT8]
    assert report.variants.rows[0].accuracy is None
    again = build(BuildOptions(model=out / "model.tflite", out=tmp_path / "again", target=Target.IOS))
    assert again.variants is not None
    assert again.variants.rows[0].sha256 == report.variants.rows[0].sha256
    assert again.variants.labels == "the model's own metadata"
