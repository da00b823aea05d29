"""validate, drift and profile against a real agent: the commands that run against a board, unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from agent_child import Agent, integer_model, integers, running_agent

import edgeq
from edgeq.errors import DeviceError, InputError
from edgeq.link.faulty import Faults, Proxy
from edgeq.link.session import Session
from edgeq.records import Reference
from edgeq.report.console import render
from edgeq.report.html import render_html
from edgeq.report.record import from_json, to_json

pytestmark = pytest.mark.xdist_group("agent")


@pytest.fixture(scope="module")
def agent(build: Path) -> Iterator[Agent]:
    with running_agent(build) as running:
        yield running


def printed(report: edgeq.Report) -> str:
    from rich.console import Console

    console = Console(width=100, file=None, record=True, quiet=False)
    with console.capture() as shown:
        console.print(render(report))
    return shown.get()


def test_validate(build: Path, agent: Agent) -> None:
    """Held to the host's XNNPACK, of which it is one; every pair is compared; the conditions are in the report."""
    report = edgeq.validate(build, device=agent.url)
    assert report.passed, [c for c in report.checks if not c.passed]
    assert report.drift is not None
    assert report.drift.primary.reference is Reference.LITERT_DEFAULT
    assert report.drift.primary.mismatches == 0
    assert {row.state for row in report.drift.layers} == {"equal"}
    tflm = report.drift.get(Reference.TFLM)
    assert tflm is not None
    pairs = {(pair.first, pair.second): pair for pair in report.drift.pairs}
    assert len(pairs) == 6
    assert pairs[agent.url, "litert-default"].mismatches == 0
    assert pairs[agent.url, "tflm"].mismatches == tflm.mismatches == pairs["litert-default", "tflm"].mismatches > 0
    assert pairs[agent.url, "tflm"].argmax_flips is not None
    assert report.device.about["threads"] == "1"
    assert report.profile is not None
    latency = report.profile.latency
    assert latency is not None
    assert 0 < latency.median_ms <= latency.p90_ms <= latency.p99_ms
    assert report.profile.latency_ms == latency.median_ms
    assert from_json(to_json(report)) == report
    text = printed(report)
    assert "Device equals LiteRT default bit for bit on 12 samples" in text
    assert "argmax flips" in text
    assert "governor" in text
    page = render_html(report)
    assert "Each against each" in page
    assert f"The time of each op ({len(report.profile.ops)} ops)" in page
    assert "<td>LiteRT</td>" in page


def test_the_reference_kernels_are_held_to_the_reference_kernels(build: Path) -> None:
    with running_agent(build, "--kernels", "reference") as agent:
        report = edgeq.validate(build, device=agent.url, samples=4)
    assert report.drift is not None
    assert report.drift.primary.reference is Reference.LITERT_REFERENCE
    assert report.drift.primary.mismatches == 0


def test_drift(build: Path, agent: Agent) -> None:
    layers = edgeq.drift(build, device=agent.url)
    assert [row.state for row in layers] == ["equal"] * 3
    assert layers[0].samples == 4


def test_profile(build: Path, agent: Agent) -> None:
    found = edgeq.profile(build, device=agent.url)
    assert found is not None
    assert (found.source, found.counter, found.layers) == ("measured", "timer", ())
    assert found.latency is not None
    assert found.latency.runs >= 30
    assert [op.label for op in found.ops if op.kernels == "LiteRT"] == ["SOFTMAX"]


def test_another_build_is_refused(tmp_path: Path, build: Path) -> None:
    other = tmp_path / "other.tflite"
    other.write_bytes(integer_model() + bytes(4))
    with running_agent(other) as agent, pytest.raises(DeviceError) as caught:
        edgeq.validate(build, device=agent.url)
    assert "runs another model (other.tflite)" in caught.value.message
    assert caught.value.hint is not None
    assert "edgeq agent" in caught.value.hint


def test_over_a_bad_line(build: Path) -> None:
    """Flipped bits, lost and doubled bytes: every answer right, once."""
    faults = Faults(bit_errors=2e-5, drop=2e-4, duplicate=2e-4, seed=5)
    with running_agent(build) as agent, Proxy(agent.url, faults, listen=("127.0.0.1", 0)) as proxy:
        with Session.connect(proxy.url, timeout=60) as session:
            found = [result.outputs[0] for result in session.run_many((sample,) for sample in integers(40))]
            assert session.counters.retries > 0
        with running_agent(build) as clean, Session.connect(clean.url) as session:
            assert found == [session.run((sample,)).outputs[0] for sample in integers(40)]


def test_this_machine_as_the_device(build: Path) -> None:
    report = edgeq.validate(build, device="litert-host", samples=3)
    assert report.device.core == "host"
    assert report.passed


def test_devices_that_are_none(build: Path) -> None:
    with pytest.raises(InputError, match="There is no device 'litert'"):
        edgeq.validate(build, device="litert")
