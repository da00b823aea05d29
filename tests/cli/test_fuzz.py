"""Random bytes changed in each kind of file: an EdgeqError or success, and nothing else."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import edgeq
from edgeq.builds import open_build

pytestmark = pytest.mark.xdist_group("cli")

CASES = 300


def flipped(content: bytes, rng: random.Random) -> bytes:
    """One to four bytes changed, or the end cut off."""
    damaged = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        damaged[rng.randrange(len(damaged))] ^= rng.randint(1, 255)
    return bytes(damaged if rng.random() < 0.9 else damaged[: rng.randrange(len(damaged))])


def fuzz(path: Path, read: Callable[[], object]) -> None:
    content, rng = path.read_bytes(), random.Random(7)  # noqa: S311
    refused = 0
    for case in range(CASES):
        path.write_bytes(flipped(content, rng))
        try:
            read()
        except edgeq.EdgeqError as exc:
            refused += 1
            assert exc.message
        except Exception as exc:
            (path.parent / "case").write_bytes(path.read_bytes())
            raise AssertionError(f"case {case}: {exc!r}") from exc
    assert refused > CASES // 10


def test_tflite(build_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.tflite"
    shutil.copyfile(build_folder / "model.tflite", path)

    def read() -> None:
        _, findings = edgeq.inspect(path)
        if not findings:
            from edgeq.lower.lower import lower
            from edgeq.model.flatbuffer import parse_tflite

            lower(parse_tflite(path.read_bytes()))

    fuzz(path, read)


def test_data(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    rng = np.random.default_rng(0)
    np.savez(path, x_test=rng.random((20, 5), np.float32), y_test=np.arange(20) % 3)
    fuzz(path, lambda: edgeq.check_data(str(path)))
    np.savez_compressed(path, x_test=rng.random((20, 5), np.float32), y_test=np.arange(20) % 3)
    fuzz(path, lambda: edgeq.check_data(str(path)))


@pytest.mark.parametrize("name", ["manifest.json", "samples.npz"])
def test_builds(build_folder: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(build_folder, tmp_path / "b")
    fuzz(tmp_path / "b" / name, lambda: open_build(tmp_path / "b"))


def test_reports(build_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    shutil.copyfile(build_folder / "report.json", path)
    fuzz(path, lambda: edgeq.diff(path, build_folder))
