"""No input, however mangled, makes the firmware crash, hang or read out of bounds (tests/link/fuzz.c)."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import link_firmware
import pytest

CORPUS = link_firmware.HERE.parent / "vectors" / "link_fuzz.txt"
SEED = int(os.environ.get("EDGEQ_SEED", "0"))


@pytest.fixture(scope="session")
def fuzzer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return link_firmware.compile_fuzzer(tmp_path_factory.mktemp("fuzz"))


def fuzz(program: Path, size: int, seed: int, timeout: float) -> None:
    with CORPUS.open("rb") as corpus:
        done = subprocess.run(
            [program, str(size), str(seed)], stdin=corpus, capture_output=True, timeout=timeout, check=False
        )
    assert done.returncode == 0, done.stderr.decode()
    assert int(done.stderr.split()[0]) >= size


def test_mangled_bytes_and_the_kept_corpus(fuzzer: Path) -> None:
    fuzz(fuzzer, 5_000_000, SEED, 200)


@pytest.mark.full
@pytest.mark.timeout(1800)
def test_a_hundred_million_mangled_bytes(fuzzer: Path) -> None:
    """EDGEQ_SEED takes other bytes."""
    fuzz(fuzzer, 100_000_000, SEED, 1700)
