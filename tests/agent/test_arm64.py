"""LiteRT's arm64 build on an emulated Cortex-A76: the same bits as here, and never a time."""

from __future__ import annotations

import types
from pathlib import Path

import numpy as np
import pytest

import edgeq
from edgeq.cli import edgeq as command_line
from edgeq.devices import arm64
from edgeq.devices.litert import arm64_device, check_arm64
from edgeq.errors import ToolError, UnavailableError
from edgeq.link.codes import HelloFlag
from edgeq.link.session import Session
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.graph import computed_tensors
from edgeq.records import Reference
from edgeq.reference import layer_crcs, run_reference

pytestmark = pytest.mark.xdist_group("agent")


def why_not() -> str | None:
    try:
        check_arm64()
    except UnavailableError as exc:
        return str(exc)
    return None


needs_arm64 = pytest.mark.skipif(why_not() is not None, reason=why_not() or "")


@needs_arm64
@pytest.mark.parametrize("name", ["demo", "mobilenet_v1"])
def test_the_same_bits_as_on_x86(zoo: types.ModuleType, tmp_path: Path, name: str) -> None:
    """Every layer of XNNPACK's arm64 kernels equals that of its x86 kernels; TFLM's do not. SOFTMAX is left to LiteRT's
    own kernel, which rounds to the other side at times: it may be one step away."""
    content = zoo.zoo_tflite(name)
    path = tmp_path / f"{name}.tflite"
    path.write_bytes(content)
    (tensor,) = parse_tflite(content).input_tensors
    x = np.random.default_rng(1).integers(-128, 128, (6, *tensor.shape[1:])).astype(np.int8)
    with arm64_device(path) as device, Session.connect(device.url, failure=device.failure) as session:
        found = [result.outputs[0] for result in session.run_many((row.tobytes(),) for row in x)]
        traced = [session.trace((row.tobytes(),)) for row in x]
        assert session.selftest()
        assert session.hello.flags & HelloFlag.EMULATED
        assert session.hello.ticks_hz == 0
        assert session.hello.board == "Cortex-A76, emulated"
    host = run_reference(content, (x,), Reference.LITERT_DEFAULT).outputs[0]
    outputs = np.array([np.frombuffer(row, np.int8) for row in found]).reshape(host.shape)
    assert np.abs(outputs.astype(int) - host).max() <= 1
    graph = parse_tflite(content)
    points = computed_tensors(graph)
    softmax = {tensor for op in graph.ops if op.name == "SOFTMAX" for tensor in op.outputs}
    exact = [i for i, tensor in enumerate(points) if tensor not in softmax]
    assert len(exact) == len(points) - 1
    here = layer_crcs(content, (x,), points, reference=Reference.LITERT_DEFAULT)
    np.testing.assert_array_equal(np.array(traced)[:, exact], here[:, exact])
    assert (np.array(traced) != layer_crcs(content, (x,), points, reference=Reference.TFLM)).any()


@needs_arm64
def test_validate_tells_no_time(build: Path) -> None:
    """What XNNPACK computes is equal. SOFTMAX in int8 is LiteRT's own kernel, whose NEON form rounds at times to the
    other side: the report says which layer it is."""
    report = edgeq.validate(build, device="arm64", samples=6, max_lsb=1)
    assert report.passed, [c for c in report.checks if not c.passed]
    assert report.profile is None
    assert report.device.core == "Cortex-A76, emulated"
    assert "emulated" in report.device.about["time"]
    assert report.drift is not None
    assert report.drift.primary.reference is Reference.LITERT_DEFAULT
    assert {row.label.split()[1] for row in report.drift.layers if row.state == "differs"} <= {"SOFTMAX"}
    assert [(p.first, p.second) for p in report.drift.pairs] == [
        ("arm64", "litert-default"),
        ("arm64", "tflm"),
        ("arm64", "litert-reference"),
        ("litert-default", "tflm"),
        ("litert-default", "litert-reference"),
        ("tflm", "litert-reference"),
    ]


def test_profile_refuses(tmp_path: Path) -> None:
    with pytest.raises(Exception, match="never how fast"):
        command_line.main(["profile", str(tmp_path), "--device", "arm64"], standalone_mode=False)


def test_what_is_missing_and_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(arm64, "cache_folder", lambda tool: tmp_path / tool)
    with pytest.raises(ToolError) as caught:
        arm64.find_packages()
    assert "edgeq doctor --install arm64" in str(caught.value)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match="qemu-user-static"):
        arm64.find_qemu()
    with pytest.raises(ToolError, match="apt-get is not installed"):
        arm64.install(edgeq.Progress())
    assert not list(tmp_path.iterdir())
