"""Fixtures that all tests share."""

from __future__ import annotations

import types

import pytest
import zoo as zoo_module


@pytest.fixture(scope="session")
def zoo() -> types.ModuleType:
    """The test models: `zoo.ZOO`, `zoo.zoo_tflite(name)`, `zoo.zoo_inputs(name, n)`, `zoo.zoo_keras(name)`."""
    return zoo_module
