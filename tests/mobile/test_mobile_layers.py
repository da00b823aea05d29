"""`edgeq drift` and `validate` of a mobile build: which variant runs, whom it is held to, and where it parts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import app_exports
import numpy as np
import pytest
from mobile_builds import Built
from rich.console import Console
from tflite_builder import ModelBuilder

import edgeq
from edgeq.cli import edgeq as command_line
from edgeq.devices.litert import litert_host_device
from edgeq.errors import DeviceError, InputError
from edgeq.mobile.builds import open_mobile
from edgeq.mobile.layers import references_of
from edgeq.mobile.summary import make_report
from edgeq.records import Reference, VariantKind
from edgeq.report.tables import render_layers
from edgeq.report.variants import where_layers_are

pytestmark = [pytest.mark.xdist_group("mobile"), pytest.mark.timeout(600)]


def file_of(demo: Built, name: str) -> Path:
    return demo.folder / "variants" / f"{name}.tflite"


def test_layers_against_every_interpreter(demo: Built, capsys: pytest.CaptureFixture[str]) -> None:
    """XNNPACK here equals itself in every layer; where it rounds otherwise than TFLM, the table says how far."""
    table = edgeq.drift_table(demo.folder, samples=2)
    assert list(table.columns) == [Reference.LITERT_DEFAULT, Reference.LITERT_REFERENCE, Reference.TFLM]
    assert {row.state for row in table.layers} == {"equal"}
    assert [row.label.split()[1] for row in table.layers][-2:] == ["FULLY_CONNECTED", "SOFTMAX"]
    assert all(row.samples == 2 and row.sqnr_db is None for row in table.layers)
    assert max(row.max_lsb for row in table.columns[Reference.TFLM]) >= 1
    Console(width=100).print(render_layers(table))
    shown = " ".join(capsys.readouterr().out.split())
    assert "litert-host against LiteRT default on this host, the same kernels:" in shown
    assert "All 9 layers have the fingerprints of LiteRT default." in shown
    assert "layer LiteRT default LiteRT reference TFLite Micro" in shown


@pytest.mark.parametrize("kind", ["float16", "16x8"])
def test_layers_of_other_variants(kind: str, demo: Built) -> None:
    """Floats are compared by their SQNR: they have no steps. Weights that are unpacked are no layers."""
    table = edgeq.drift_table(demo.folder, variant=VariantKind(kind), samples=1)
    assert table.held is Reference.LITERT_DEFAULT
    assert len(table.layers) == 9
    assert {row.state for row in table.layers} == {"equal"}
    reference = table.columns[Reference.LITERT_REFERENCE]
    if kind == "16x8":
        assert Reference.TFLM in table.columns
        assert {row.sqnr_db for row in reference} == {None}
    else:
        assert Reference.TFLM not in table.columns
        assert min(row.sqnr_db for row in reference if row.sqnr_db is not None) > 30


def test_the_agent_says_which_variant_runs(demo: Built) -> None:
    """By the SHA-256 of its HELLO, where none is named."""
    with litert_host_device(file_of(demo, "float16")) as agent:
        table = edgeq.drift_table(demo.folder, device=agent.url, samples=1)
        assert Reference.TFLM not in table.columns  # of integers alone
        with pytest.raises(DeviceError) as caught:
            edgeq.validate(demo.folder, device=agent.url, variant=VariantKind.INT8)
        assert caught.value.message.endswith(f"has the float16 variant of {demo.folder}; --variant is int8.")
        assert caught.value.hint == "Leave out --variant, or start the agent with variants/int8.tflite."
        with litert_host_device(file_of(demo, "int8")) as other, pytest.raises(DeviceError) as caught:
            edgeq.validate(demo.folder, device=[agent.url, other.url])
        assert "another agent has float16" in caught.value.message


def test_an_agent_with_a_foreign_model(demo: Built, tmp_path: Path) -> None:
    foreign = tmp_path / "older.tflite"
    foreign.write_bytes(file_of(demo, "int8").read_bytes() + bytes(4))
    with litert_host_device(foreign) as agent, pytest.raises(DeviceError) as caught:
        edgeq.drift(demo.folder, device=agent.url)
    assert "runs another model (older.tflite, SHA-256" in caught.value.message
    assert "edgeq agent variants/int8.tflite" in str(caught.value.hint)


def test_kernels_without_xnnpack_are_held_to_themselves(demo: Built) -> None:
    """An agent that runs LiteRT's own kernels differs from XNNPACK, and is no worse for it."""
    with litert_host_device(file_of(demo, "int8"), kernels="builtin") as agent:
        report = edgeq.validate(demo.folder, device=agent.url, samples=20)
    assert report.passed, [check for check in report.checks if not check.passed]
    assert report.drift is not None
    assert report.drift.primary.reference is Reference.LITERT_BUILTIN
    assert report.drift.primary.mismatches == 0
    xnnpack = report.drift.get(Reference.LITERT_DEFAULT)
    assert xnnpack is not None
    assert xnnpack.mismatches > 0
    assert {row.state for row in report.drift.layers} == {"equal"}
    (check,) = (c for c in report.checks if c.name == f"int8 on {agent.url}")
    assert check.message.startswith("0 of 200 outputs differ from LiteRT builtin on this host")


def test_whom_a_variant_is_compared_with(demo: Built) -> None:
    build = open_mobile(demo.folder)
    (int8, _), (float16, _) = build.variant(VariantKind.INT8), build.variant(VariantKind.FLOAT16)
    default, reference = Reference.LITERT_DEFAULT, Reference.LITERT_REFERENCE
    assert references_of(int8, "litert") == (default, reference, Reference.TFLM)
    assert references_of(int8, "litert-reference") == (reference, default, Reference.TFLM)
    assert references_of(float16, "litert-builtin") == (Reference.LITERT_BUILTIN, default, reference)


def test_drift_as_json_and_what_it_refuses(demo: Built, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command_line.main(["drift", str(demo.folder), "--variant", "float32", "--samples", "1", "--json"])
    rows = json.loads(capsys.readouterr().out)
    assert {row["reference"] for row in rows} == {"litert-default", "litert-reference"}
    assert rows[0]["state"] == "equal"
    with pytest.raises(InputError, match="--flash is for boards"):
        edgeq.drift(demo.folder, probe="auto")
    with pytest.raises(InputError, match="--device native is for microcontrollers"):
        edgeq.drift(demo.folder, device="native")


def test_an_interpreter_that_cannot_run_the_model_is_a_note(tmp_path: Path) -> None:
    """TensorFlow Lite Micro has no EXP of int8."""
    model = ModelBuilder()
    x, y = (model.tensor(name, (1, 8), "int8", scale=0.05) for name in "xy")
    model.op("EXP", [x], [y], version=2)
    report = edgeq.validate(app_exports.make_app_build(tmp_path / "b", model.finish([x], [y])))
    assert report.passed
    assert where_layers_are(report) is None
    assert report.drift is not None
    assert report.drift.get(Reference.TFLM) is None
    assert (report.accuracy.note or "").count("TensorFlow Lite Micro refused the model") == 1


def test_an_output_is_called_as_an_app_calls_it(tmp_path: Path) -> None:
    """By the signature's name, not the tensor's."""
    build = open_mobile(app_exports.make_app_build(tmp_path / "b", app_exports.app_model()))
    labelled = replace(build.samples, labels=np.zeros((3, 5), np.float32))
    report = make_report(
        replace(build, samples=labelled), kind=VariantKind.INT8, ran={}, max_lsb=0, max_drop=None, timings=()
    )
    assert report.accuracy.note == "measured on output 1 (sum$) of 2"
