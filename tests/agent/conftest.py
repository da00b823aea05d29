"""A build that agents run, once per test session."""

from __future__ import annotations

from pathlib import Path

import pytest
from agent_child import integer_model

import edgeq


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    (folder / "model.tflite").write_bytes(integer_model())
    edgeq.build(edgeq.BuildOptions(model=folder / "model.tflite", out=folder / "build", samples=12, device="native"))
    return folder / "build"
