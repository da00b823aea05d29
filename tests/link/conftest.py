"""The compiled firmware, once per test session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import link_firmware
import pytest
from link_firmware import DRIVER_INPUT_BYTES, NATIVE_INPUT_BYTES

from edgeq import resources
from edgeq.devices import results as results_module
from edgeq.devices.results import Journal


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """tests/link/driver.c around the hand-made model with inputs of 8 and 10 bytes, traced."""
    out = tmp_path_factory.mktemp("link") / "driver"
    board = link_firmware.HERE / "driver.c"
    defines = ("EDGEQ_TRACE", "EDGEQ_STACK_BYTES=0", "EDGEQ_LINK_PAYLOAD=256")
    return link_firmware.compile_firmware(out, board=board, main=False, input_bytes=DRIVER_INPUT_BYTES, defines=defines)


@pytest.fixture(scope="session")
def slow_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The firmware on the native board around a model that computes for a second."""
    out = tmp_path_factory.mktemp("link") / "slow"
    board = resources.firmware() / "boards" / "native" / "board.c"
    return link_firmware.compile_firmware(
        out, board=board, main=True, input_bytes=NATIVE_INPUT_BYTES, defines=("MODEL_SECONDS=1",)
    )


@pytest.fixture(scope="session")
def failing_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The firmware on the native board around a model that does not start, and says why."""
    out = tmp_path_factory.mktemp("link") / "failing"
    board = resources.firmware() / "boards" / "native" / "board.c"
    return link_firmware.compile_firmware(
        out, board=board, main=True, input_bytes=NATIVE_INPUT_BYTES, defines=("MODEL_FAILS",)
    )


@pytest.fixture(scope="session")
def native_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The firmware on the native board, with inputs of 3000 and 10 bytes, traced."""
    out = tmp_path_factory.mktemp("link") / "firmware"
    board = resources.firmware() / "boards" / "native" / "board.c"
    return link_firmware.compile_firmware(
        out, board=board, main=True, input_bytes=NATIVE_INPUT_BYTES, defines=("EDGEQ_TRACE",)
    )


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Journal]:
    monkeypatch.setattr(results_module, "SECONDS_UNTIL_KEPT", 0.0)
    return lambda digest="d1": Journal(tmp_path / "build.journal", digest)
