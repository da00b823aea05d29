"""The time of each op: LiteRT's profiler behind the agent, and what the report makes of it."""

from __future__ import annotations

import contextlib
import importlib.util
import types
from pathlib import Path

import pytest
from agent_child import integer_model, integers, running_agent
from elftools.elf.elffile import ELFFile
from rich.console import Console

from edgeq.agent import litert_c
from edgeq.agent.litert_c import LIBRARIES, LiteRt, LiteRtError
from edgeq.agent.profiler import op_times as profiled
from edgeq.devices.arm64 import find_packages
from edgeq.errors import ToolError
from edgeq.link.about import OpTime
from edgeq.link.payload import MessageError
from edgeq.link.session import Session
from edgeq.link.timing import op_times
from edgeq.report.tables import render_profile
from edgeq.validation.latency import interpreted


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.tflite"
    path.write_bytes(integer_model())
    return path


def test_ops_of_the_model_by_litert_s_own_kernels(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without XNNPACK LiteRT's ops are the model's, one by one."""
    with running_agent(model, "--kernels", "builtin") as agent, Session.connect(agent.url) as session:
        assert session.about()["per-op profile"] == "by LiteRT's profiler, in whole microseconds"
        before = session.run((integers(1)[0],)).outputs
        profile = interpreted(session, (integers(1)[0],))
        assert session.run((integers(1)[0],)).outputs == before
    assert profile is not None
    assert [(op.label, op.kernels) for op in profile.ops] == [
        ("CONV_2D", "LiteRT"),
        ("ADD", "LiteRT"),
        ("SOFTMAX", "LiteRT"),
    ]
    assert all(op.microseconds >= 0 for op in profile.ops)
    assert sum(op.microseconds for op in profile.ops) > 0
    Console(width=100).print(render_profile(profile))
    shown = " ".join(capsys.readouterr().out.split())
    assert "op kernels time share" in shown
    assert "SOFTMAX LiteRT" in shown
    assert "whose clock counts whole microseconds" in shown


def test_xnnpack_s_ops_are_its_own(model: Path) -> None:
    with running_agent(model, "--threads", "2") as agent, Session.connect(agent.url) as session:
        found = op_times(session, (integers(1)[0],))
    assert found is not None
    assert found[0].label.startswith("Convolution (NHWC")
    assert found[0].delegated
    assert [op.label for op in found if not op.delegated] == ["SOFTMAX"]


def test_an_emulated_processor_has_none(model: Path) -> None:
    with running_agent(model, "--emulated", "Cortex-A76") as agent, Session.connect(agent.url) as session:
        assert op_times(session, (integers(1)[0],)) is None
        assert session.about()["per-op profile"] == "none: the processor is emulated"


def test_what_litert_refuses() -> None:
    with pytest.raises(LiteRtError, match="LiteRtCreateModelFromBuffer gave status"):
        profiled(bytes(64), (), kernel_mode="delegate", threads=1)


def libraries() -> list[Path]:
    """LiteRT's for this machine, and for arm64 where that is installed."""
    import ai_edge_litert

    found = [Path(ai_edge_litert.__path__[0], LIBRARIES[0])]
    with contextlib.suppress(ToolError):
        found.append(find_packages().site / "ai_edge_litert" / LIBRARIES[0])
    return found


@pytest.mark.parametrize("name", LIBRARIES)
def test_the_library_has_another_name_on_each_system(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = types.SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(importlib.util, "find_spec", lambda package: wheel)
    with pytest.raises(LiteRtError, match="ai-edge-litert has no libLiteRt that edgeq knows"):
        LiteRt()
    (tmp_path / name).symlink_to(libraries()[0])
    assert LiteRt().made("LiteRtCreateOptions")


def test_the_libraries_export_every_function_that_is_called() -> None:
    for library in libraries():
        with library.open("rb") as file:
            table = ELFFile(file).get_section_by_name(".dynsym")
            exported = {symbol.name for symbol in table.iter_symbols() if symbol["st_shndx"] != "SHN_UNDEF"}
        assert set(litert_c.NAMES) <= exported


def test_rows_on_the_line() -> None:
    rows = (
        OpTime(label="CONV_2D", delegated=False, nanoseconds=12_345),
        OpTime(label="µ" * 40, delegated=True, nanoseconds=2**40),
    )
    line = b"".join(row.pack() for row in rows)
    first, second = OpTime.unpack_all(line)
    assert first == rows[0]
    assert (second.label, second.delegated, second.nanoseconds) == ("µ" * 32, True, 2**32 - 1)
    with pytest.raises(MessageError):
        OpTime.unpack_all(line[:-1])
