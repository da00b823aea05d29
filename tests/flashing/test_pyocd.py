"""pyOCD's real flash algorithm for the STM32F4, on an emulated chip: no hardware, and everything else as with it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fake_probe import FakeProbe
from firmware_image import firmware_bytes, made_elf
from pyocd.core.helpers import ConnectHelper

from edgeq import resources
from edgeq.boards import Board, load_board
from edgeq.errors import DeviceError, EdgeqError, FlashError, InputError, ToolError
from edgeq.flashing.flash import Flashed, flash_image
from edgeq.flashing.probe import parse_probe
from edgeq.progress import Progress

FLASH = 0x0800_0000
SIZE = 30_000


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Board:
    """pyOCD itself knows of all STM32F4 only the F429, whose flash is written in the same way."""
    folder: Path = tmp_path_factory.mktemp("boards") / "f429"
    shutil.copytree(resources.firmware() / "boards" / "netduinoplus2", folder)
    file = folder / "board.toml"
    text = file.read_text()
    assert "stm32f405rgtx" in text
    file.write_text(text.replace("stm32f405rgtx", "stm32f429xg"))
    return load_board(str(folder))


@pytest.fixture(scope="module")
def elf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    image = firmware_bytes(FLASH, 0x2000_0000, SIZE)
    return made_elf(tmp_path_factory.mktemp("elf") / "firmware.elf", {FLASH: image})


@pytest.fixture
def plugged(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., FakeProbe]]:
    """Make pyOCD find a fake probe."""
    probes: list[FakeProbe] = []

    def find(*, unique_id: str | None = None, **_: object) -> list[FakeProbe]:
        return [p for p in probes if unique_id is None or unique_id in p.unique_id]

    def plug(**how: object) -> FakeProbe:
        probes.append(FakeProbe(**how))  # type: ignore[arg-type]
        return probes[-1]

    monkeypatch.setattr(ConnectHelper, "get_all_connected_probes", find)
    yield plug
    for probe in probes:
        probe.end()


def flash(elf: Path, board: Board, probe: str = "pyocd") -> Flashed:
    return flash_image(elf, board, probe, Progress())


def test_writes_reads_back_and_starts(plugged: Callable[..., FakeProbe], board: Board, elf: Path) -> None:
    probe = plugged()
    done = flash(elf, board, "pyocd:fake0001".upper().replace("PYOCD", "pyocd"))
    assert (done.size, done.read_back, done.started) == (SIZE, True, True)
    assert bytes.fromhex(probe.chip("flash", 0, SIZE)) == firmware_bytes(FLASH, 0x2000_0000, SIZE)
    assert probe.chip("state") == {"halted": False, "erased": 2 * 0x4000}


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ({"worn": FLASH + 0x1235}, FlashError, "at 0x08001235 it has 0x00 instead of"),
        ({"locked": True}, DeviceError, r"The memory of f429 cannot be read: .* The chip is locked"),
        ({"idcode": 0x2001_6449}, DeviceError, "its identification at 0xe0042000 is 0x449, not 0x413"),
        ({"unplugged_after": 200}, DeviceError, "the probe does not answer on USB"),
        ({"unplugged_after": 0}, DeviceError, "the probe does not answer on USB"),
    ],
    ids=["worn", "locked", "another chip", "pulled", "pulled at once"],
)
def test_what_goes_wrong_is_said(
    plugged: Callable[..., FakeProbe],
    board: Board,
    elf: Path,
    how: dict[str, object],
    error: type[EdgeqError],
    message: str,
) -> None:
    probe = plugged(**how)
    with pytest.raises(error, match=message) as caught:
        flash(elf, board)
    assert caught.value.exit_code == (1 if error is FlashError else 3)
    assert caught.value.hint
    if error is DeviceError and "idcode" in how:
        assert probe.chip("state")["erased"] == 0


def test_no_probe_and_several(plugged: Callable[..., FakeProbe], board: Board, elf: Path) -> None:
    with pytest.raises(DeviceError, match="No debug probe is plugged in"):
        flash(elf, board)
    plugged()
    with pytest.raises(DeviceError, match="No debug probe with 777 in its serial number"):
        flash(elf, board, "pyocd:777")
    plugged()
    with pytest.raises(DeviceError, match=r"several probes: edgeq Fake probe \(FAKE0001\), "):
        flash(elf, board)


def test_a_chip_that_pyocd_has_to_learn_first(plugged: Callable[..., FakeProbe], elf: Path) -> None:
    plugged()
    with pytest.raises(ToolError, match="does not know stm32f405rgtx, the chip of netduinoplus2") as caught:
        flash(elf, load_board("netduinoplus2"))
    assert "pyocd pack install stm32f405rgtx" in str(caught.value)


def test_scripts_in_the_current_folder_are_not_run(
    plugged: Callable[..., FakeProbe], board: Board, elf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyocd_user.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    monkeypatch.chdir(tmp_path)
    plugged()
    flash(elf, board)
    assert not (tmp_path / "ran").exists()


def test_without_pyocd(board: Board, elf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyocd.core", None)
    with pytest.raises(ToolError, match="pyOCD is not installed") as caught:
        flash(elf, board)
    assert "edgeq[flash]" in str(caught.value)


def test_a_board_without_a_name_for_pyocd() -> None:
    with pytest.raises(InputError, match=r"mps2-an386: its board\.toml has no flash\.pyocd_target"):
        parse_probe("pyocd", load_board("mps2-an386"))
    with pytest.raises(InputError, match="How mps2-an386 is flashed is not known"):
        parse_probe("auto", load_board("mps2-an386"))
