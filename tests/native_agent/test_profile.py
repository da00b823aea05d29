"""The native agent tells the time of each op, by LiteRT's profiler; under sanitizers."""

from __future__ import annotations

import types
from pathlib import Path

import pytest
from running import Running
from test_outputs import in_file

from edgeq.link.session import Session
from edgeq.link.timing import op_times
from edgeq.model.flatbuffer import parse_tflite

pytestmark = pytest.mark.xdist_group("native-agent")


def test_the_time_of_each_op(zoo: types.ModuleType, host_agent: Running, tmp_path: Path) -> None:
    """Twice, as each one compiles the model for it; what the model computes stays as it was."""
    content = zoo.zoo_tflite("demo")
    model = in_file(content, tmp_path)
    with host_agent(model, "--kernels", "builtin") as agent, Session.connect(agent.url) as session:
        before = session.run((bytes(64),)).outputs
        for _ in range(2):
            found = op_times(session, (bytes(64),))
            assert found is not None
            assert [op.label for op in found] == [op.name for op in parse_tflite(content).ops]
            assert not any(op.delegated for op in found)
            assert sum(op.nanoseconds for op in found) > 0
        assert session.run((bytes(64),)).outputs == before


def test_xnnpack_s_ops_and_an_emulated_processor(zoo: types.ModuleType, host_agent: Running, tmp_path: Path) -> None:
    model = in_file(zoo.zoo_tflite("demo"), tmp_path)
    with host_agent(model) as agent, Session.connect(agent.url) as session:
        found = op_times(session, (bytes(64),))
        assert found is not None
        assert found[0].label.startswith("Convolution (NHWC")
        assert [op.label for op in found if not op.delegated] == ["SOFTMAX"]
    with host_agent(model, "--emulated", "Cortex-A76") as agent, Session.connect(agent.url) as session:
        assert op_times(session, (bytes(64),)) is None
        assert session.about()["per-op profile"] == "none: the processor is emulated"
