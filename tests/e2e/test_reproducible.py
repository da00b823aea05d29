"""Two builds of the same input are the same bytes, whoever makes them, and wherever."""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import zoo as models

from edgeq import process

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

# These tell how long things took.
_MAY_DIFFER = frozenset({"report.json", "report.html"})


def _run(model: Path, data: Path, out: str, *, cwd: Path, seed: str, toolchain: str) -> Path:
    """`edgeq build` in a process of its own, in a folder of its own."""
    cwd.mkdir(parents=True)
    argv = [sys.executable, "-P", "-m", "edgeq", "build", model, "--data", data, "--out", out, "--device", "native"]
    process.run(
        [*argv, "--toolchain", toolchain, "--name", "same"],
        timeout=300,
        what="edgeq build",
        cwd=cwd,
        env={**process.own_environment(), "PYTHONHASHSEED": seed, "TZ": "UTC" if seed == "1" else "Asia/Tokyo"},
    )
    return cwd / out


def _files(folder: Path) -> dict[str, str]:
    """SHA-256 of every file by its name inside the folder."""
    found = (p for p in sorted(folder.rglob("*")) if p.is_file())
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in found}


def _compare(first: Path, second: Path) -> None:
    one, two = _files(first), _files(second)
    assert one.keys() == two.keys()
    assert {"model.tflite", "firmware.elf", "manifest.json", "samples.npz", "references.npz"} < one.keys()
    assert len([name for name in one if name.startswith("project/")]) > 20
    differing = sorted(name for name in one if one[name] != two[name])
    assert set(differing) <= _MAY_DIFFER, differing
    for name in one:
        if name not in _MAY_DIFFER:
            content = (first / name).read_bytes()
            assert str(first.parent).encode() not in content, f"{name} knows where it was made"


@pytest.mark.parametrize("toolchain", ["zig", "gcc"])
def test_a_tflite_gives_the_same_firmware(tmp_path: Path, toolchain: str) -> None:
    if toolchain == "gcc" and shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    name = "two_in_two_out"
    model, data = tmp_path / "some where" / "model.tflite", tmp_path / "data.npz"
    model.parent.mkdir()
    model.write_bytes(models.zoo_tflite(name))
    np.savez(data, **{f"x_test_{i}": x for i, x in enumerate(models.zoo_inputs(name, 4))})
    first = _run(model, data, "build", cwd=tmp_path / "a", seed="1", toolchain=toolchain)
    second = _run(model, data, "an other/out put", cwd=tmp_path / "b" / "deeper", seed="2", toolchain=toolchain)
    _compare(first, second)


@pytest.mark.xdist_group("tensorflow")
def test_a_keras_model_gives_the_same_everything(tmp_path: Path) -> None:
    model, data = tmp_path / "model.keras", tmp_path / "data.npz"
    models.zoo_keras("demo").save(model)
    (train,), (test,) = models.zoo_inputs("demo", 40, seed=1), models.zoo_inputs("demo", 8, seed=2)
    labels = np.arange(48) % 10
    np.savez(data, x_train=train, y_train=labels[:40], x_test=test, y_test=labels[40:])
    first = _run(model, data, "build", cwd=tmp_path / "a", seed="1", toolchain="zig")
    second = _run(model, data, "out", cwd=tmp_path / "b", seed="2", toolchain="zig")
    _compare(first, second)
