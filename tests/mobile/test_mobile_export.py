"""A real build's variants as an app's sources: labels, signature, real values and integers, run in this LiteRT."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from mobile_builds import Built
from projects import HOST_CPP

import edgeq
from edgeq import process
from edgeq.mobile.builds import open_mobile
from edgeq.model.quantization import dequantize_output
from edgeq.native_agent.runtime import litert_library
from edgeq.native_agent.targets import find_target
from edgeq.records import VariantKind

pytestmark = [pytest.mark.xdist_group("mobile"), pytest.mark.timeout(900)]

SAMPLES = 8


def test_the_recommended_variant_is_exported(demo: Built, tmp_path: Path) -> None:
    assert demo.report.variants is not None
    done = edgeq.export_build(demo.folder, to="ios", out=tmp_path / "demo")
    assert done.variant == demo.report.variants.recommendation.kind.value
    exported = (done.out / "Sources/Demo/Resources/demo.tflite").read_bytes()
    assert exported == (demo.folder / "model.tflite").read_bytes()
    spec = (done.out / "Sources/Demo/DemoSpec.swift").read_text("utf-8")
    assert '"digit 0", "digit 1"' in spec
    assert 'signature = "serving_default"' in spec


@pytest.mark.parametrize("kind", [VariantKind.INT8, VariantKind.FLOAT16])
def test_the_cpp_answers_every_sample_as_the_build(demo: Built, tmp_path: Path, kind: VariantKind) -> None:
    out = edgeq.export_build(demo.folder, to="android", out=tmp_path / "demo", variant=kind).out
    own = sorted((out / "cpp/src").glob("*.cpp"))
    compiler = [
        *HOST_CPP,
        "-std=c++17",
        "-Wall",
        "-Wextra",
        "-Werror",
        f"-I{out / 'cpp/include'}",
        f"-I{out / 'cpp/src'}",
    ]
    for test, sources in (("spec", []), ("model", own)):
        argv = [*compiler, *sources, out / f"cpp/test/test_{test}.cpp", "-ldl", "-o", tmp_path / test]
        process.run(argv, timeout=200, what="compiling")
    process.run([tmp_path / "spec"], timeout=20, what="the test of the constants")
    program = tmp_path / "model"
    build = open_mobile(demo.folder)
    variant, answers = build.variant(kind)
    expected = dequantize_output(answers.outputs[0], variant.graph.output_tensors[0])
    library = litert_library(find_target("host"), None, tmp_path / "litert")
    golden = shutil.copytree(out / "src/androidTest/assets/demo", tmp_path / "golden")
    for i in range(SAMPLES):
        build.samples.inputs[0][i].astype(np.float32).tofile(golden / "golden_input_0.bin")
        expected[i].tofile(golden / "golden_output_0.bin")
        done = process.run(
            [program, out / "src/main/assets/demo.tflite", golden, library], timeout=60, what="the exported test"
        )
        assert b"answers as the host" in done.stdout
