"""The command line in a folder of its own, a small model, and a build of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line import Cli
from projects import tiny_model


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """`edgeq` in an empty folder."""
    folder, scratch = tmp_path / "here", tmp_path / "scratch"
    folder.mkdir()
    scratch.mkdir()
    return Cli(folder, scratch)


@pytest.fixture(scope="session")
def tflite() -> bytes:
    """A small int8 model: one dense layer, 5 inputs, 3 outputs."""
    return tiny_model(1)


@pytest.fixture(scope="session")
def build_folder(tflite: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished build of `tflite`. Tests that change it work on a copy."""
    folder = tmp_path_factory.mktemp("build")
    (folder / "model.tflite").write_bytes(tflite)
    done = Cli(folder, folder)("build", "model.tflite", "--out", "out", "--samples", "4", "--json")
    assert done.returncode == 0, done.stderr
    return folder / "out"


@pytest.fixture
def here(cli: Cli, tflite: bytes) -> Cli:
    """`edgeq` in a folder with model.tflite."""
    (cli.folder / "model.tflite").write_bytes(tflite)
    return cli
