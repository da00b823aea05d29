"""What the command line says about the tflm engine before anything is built."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from command_line import Cli
from tflm_trees import DOWNLOADS, headers, parts

pytestmark = pytest.mark.xdist_group("cli")


@pytest.fixture
def here(cli: Cli, tflite: bytes, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """`edgeq` in a folder with model.tflite, and no TensorFlow Lite Micro named."""
    monkeypatch.delenv("EDGEQ_TFLM_ROOT", raising=False)
    (cli.folder / "model.tflite").write_bytes(tflite)
    return cli


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--engine tflm", "--tflm-root DIR, or EDGEQ_TFLM_ROOT in the environment"),
        ("--engine tflm --toolchain zig", "The tflm engine cannot be built with zig"),
        ("--engine tflm --tflm-root nowhere", "--tflm-root nowhere: there is no such file or folder"),
        ("--engine tflm --tflm-root . --device native", "--device native cannot run the tflm engine"),
        ("--arena 64K", "--arena can only be given with --engine tflm, not with aot"),
        ("--tflm-root .", "--tflm-root can only be given with --engine tflm, not with aot"),
    ],
)
def test_options(here: Cli, options: str, said: str) -> None:
    message = here.refuses(2, "build", "model.tflite", *options.split(), said=())
    assert said in " ".join(message.split())


def test_root_from_the_environment(here: Cli, tmp_path: Path) -> None:
    headers(tmp_path / "tree")
    parts(tmp_path / "tree" / DOWNLOADS)
    named = replace(here, extra={"EDGEQ_TFLM_ROOT": str(tmp_path / "tree")})
    message = named.refuses(2, "build", "model.tflite", "--engine", "tflm", said=())
    assert "There is no library of TensorFlow Lite Micro in" in " ".join(message.split())
