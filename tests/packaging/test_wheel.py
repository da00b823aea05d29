"""What `pip install .` gives works outside the checkout: templates/ and firmware/ travel in the wheel."""

from __future__ import annotations

import json
import site
import subprocess
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.xdist_group("wheel")


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a new environment with edgeq from the wheel; its dependencies are those of this one."""
    home = tmp_path_factory.mktemp("installed")
    venv.create(home, with_pip=False)
    (site_packages,) = (home / "lib").glob("python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site_packages)
    (site_packages / "dependencies.pth").write_text("\n".join(site.getsitepackages()))
    return home / "bin" / "python"


def tracked(folder: str) -> set[str]:
    listed = subprocess.run(["git", "ls-files", folder], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return set(listed.stdout.split())


def test_wheel_has_every_template_and_firmware_file(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    expected = tracked("templates") | tracked("firmware")
    assert expected
    assert {f"edgeq/_resources/{name}" for name in expected} <= names


def test_installed_edgeq_finds_its_boards(python: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [python, "-m", "edgeq", "boards", "--json"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "mps2-an386" in {board["name"] for board in json.loads(done.stdout)}


def test_installed_edgeq_is_the_wheels(python: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [python, "-c", "import edgeq; print(edgeq.__file__)"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert not Path(done.stdout.strip()).is_relative_to(ROOT)


def test_installed_edgeq_builds_and_runs_a_model(python: Path, tmp_path: Path) -> None:
    """Templates, firmware, the compiler, and the children that are started as modules: all from the wheel."""
    from conformance.cases import unary_model

    (tmp_path / "tiny.tflite").write_bytes(unary_model("RELU", (0.05, -3), (0.04, -100)))
    for device in ("emulated", "tflm-host"):
        done = subprocess.run(
            [python, "-m", "edgeq", "build", "tiny.tflite", "--samples", "2", "--device", device, "--json"],
            cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        report = json.loads(done.stdout)
        assert (report["drift"]["mismatches"], report["device"]["name"]) == (0, device)
