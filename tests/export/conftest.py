"""Builds that are exported, made once."""

from __future__ import annotations

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
