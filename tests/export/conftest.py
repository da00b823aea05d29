"""Builds that are exported, made once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from exports import make_build

from edgeq.builds import Build, open_build


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Kernels for the DSP extension."""
    return open_build(make_build(tmp_path_factory.mktemp("small"), "small", "mps2-an386"))


@pytest.fixture(scope="session")
def vector(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """The same model for another core, under another name: kernels for the vector extension."""
    return open_build(make_build(tmp_path_factory.mktemp("vector"), "vector", "mps3-an547"))


def save_samples(build: Build, folder: Path) -> tuple[Path, bytes]:
    """A file with all inputs of a build, and what its reference answered, as the programs of these tests want it."""
    (inputs,) = build.samples.inputs
    outputs = build.references[0].outputs
    path = folder / f"{build.name}.bin"
    path.write_bytes(np.ascontiguousarray(inputs).tobytes())
    return path, b"".join(o[i].tobytes() for i in range(len(inputs)) for o in outputs)
