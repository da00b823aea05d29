"""The Raspberry Pi boards' clocks, compiled for this machine around a model of their clock tree."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from projects import HOST

from edgeq import resources


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("rp2") / "clocks"
    source = Path(__file__).parent / "rp2_clocks.c"
    include = f"-I{resources.firmware() / 'include'}"
    subprocess.run([*HOST, "-std=gnu99", "-O1", include, str(source), "-o", str(out)], check=True)
    return out


@pytest.mark.parametrize(
    ("dead", "clock_hz", "control"), [(0, 125_000_000, 1), (1, 6_500_000, 32), (2, 12_000_000, 32)]
)
def test_clocks_change_without_a_glitch(program: Path, dead: int, clock_hz: int, control: int) -> None:
    """From what a bootloader has left, in the order of the datasheet; as far as crystal and PLL start."""
    done = subprocess.run([program, *["dead"] * dead], check=False, capture_output=True, text=True)
    assert done.stdout == f"{clock_hz} Hz, control {control}\n"
    assert done.returncode == 0
