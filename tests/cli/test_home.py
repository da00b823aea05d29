"""What edgeq runs writes nothing into the user's home folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from command_line import Cli

from edgeq import caches

pytestmark = pytest.mark.xdist_group("cli")


@pytest.fixture
def home(cli: Cli, tmp_path: Path) -> Path:
    """An empty home folder of `cli`."""
    folder = tmp_path / "home"
    folder.mkdir()
    cli.extra["HOME"] = str(folder)
    return folder


def test_a_build_leaves_the_home_folder_alone(cli: Cli, home: Path, tflite: bytes) -> None:
    (cli.folder / "m.tflite").write_bytes(tflite)
    for device in ("emulated", "tflm-host"):
        done = cli("build", "m.tflite", "--out", "o", "--samples", "2", "--toolchain", "zig", "--device", device)
        assert done.returncode == 0, done.stderr
    assert not list(home.iterdir())
    assert not [p for p in cli.folder.iterdir() if p.name not in {"m.tflite", "o"}]


def test_keras_does_too(cli: Cli, home: Path) -> None:
    program = "from edgeq.model.runtime import keras3, legacy_keras; keras3(); legacy_keras()"
    subprocess.run([sys.executable, "-c", program], cwd=cli.folder, env=cli.environment, check=True, timeout=200)
    assert not list(home.iterdir())


def test_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "venv"))
    (tmp_path / "venv").mkdir()
    assert caches.cache_folder("zig") == tmp_path / "venv" / ".cache" / "edgeq" / "zig"
    monkeypatch.setattr(sys, "base_prefix", sys.prefix)
    assert caches.cache_folder("zig") == tmp_path / ".cache" / "edgeq" / "zig"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert caches.cache_folder("zig") == tmp_path / "xdg" / "edgeq" / "zig"
    monkeypatch.setenv("ZIG_GLOBAL_CACHE_DIR", "/own")
    assert caches.zig_environment()["ZIG_GLOBAL_CACHE_DIR"] == "/own"
    assert caches.keras_home() == tmp_path / "xdg" / "edgeq" / "keras"
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "keras.json").write_text("{}")
    assert caches.keras_home() is None
