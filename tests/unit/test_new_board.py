"""A new board's folder: its places are marked, it loads, and edgeq's own generic board is one."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from edgeq import resources
from edgeq.boards import Memory, load_board
from edgeq.boards.cores import COMPILERS
from edgeq.boards.new import NewBoard, write_board
from edgeq.cli import edgeq as cli
from edgeq.errors import InputError


def new(core: str = "cortex-m4", *, flash: int = 0x0800_0000, ram: int = 0x2000_0000) -> NewBoard:
    return NewBoard(
        core=core,
        flash=Memory(name="flash", origin=flash, length=1 << 20),
        ram=Memory(name="ram", origin=ram, length=128 << 10),
        clock_hz=16_000_000,
    )


def test_the_generic_board_is_a_new_board(tmp_path: Path) -> None:
    files = write_board(tmp_path / "generic-cortex-m", new())
    for file in files:
        assert file.read_text() == (resources.firmware() / "boards" / "generic-cortex-m" / file.name).read_text()
    assert sum(f.read_text().count("FILL IN") for f in files) == 6


@pytest.mark.parametrize("core", COMPILERS)
def test_every_core_loads(core: str, tmp_path: Path) -> None:
    write_board(tmp_path / "mine", new(core))
    board = load_board(str(tmp_path / "mine"))
    assert (board.name, board.core, board.clock_hz) == ("mine", core, 16_000_000)
    assert (board.flash.length, board.ram.origin) == (1 << 20, 0x2000_0000)
    assert board.counter is not None
    assert board.counter.kind == ("systick" if "m0" in core else "dwt")


@pytest.mark.parametrize(
    ("name", "board", "message"),
    [
        ("my board", new(), "'my board' is no name of a board"),
        ("mine", new("avr"), "no core 'avr'"),
        ("mine", new(flash=0x0800_0040), "multiple of 128"),
        ("mine", new(ram=0x080F_0000), "Flash and RAM overlap"),
        ("full", new(), "not empty"),
    ],
)
def test_what_cannot_be_a_board(name: str, board: NewBoard, message: str, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").touch()
    with pytest.raises(InputError, match=message):
        write_board(tmp_path / name, board)
    assert not (tmp_path / "mine").exists()
    assert [p.name for p in (tmp_path / "full").iterdir()] == ["notes.txt"]


def test_a_folder_appears_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    write_text = Path.write_text

    def full_disk(self: Path, *args: Any, **options: Any) -> int:
        if self.name == "link.ld":
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_text(self, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_text", full_disk)
        for name in ("empty", "deep/mine"):
            with pytest.raises(InputError, match="cannot be written: No space left on device"):
                write_board(tmp_path / name, new())
    assert [p.name for p in tmp_path.rglob("*")] == ["empty"]
    write_board(tmp_path / "empty", new())
    assert len(list((tmp_path / "empty").iterdir())) == 3


def test_the_command(tmp_path: Path) -> None:
    where = ["--core", "cortex-m0plus", "--flash", "2M@0x10000000", "--ram", "264K@0x20000000"]
    done = CliRunner().invoke(cli, ["boards", "new", str(tmp_path / "pico-like"), *where], standalone_mode=False)
    assert done.return_value == 0, done.output
    assert "board.c: 3 places marked FILL IN" in done.output.replace("\n", "")
    assert load_board(str(tmp_path / "pico-like")).ram.length == 264 * 1024


@pytest.mark.parametrize("wrong", ["1M", "@0x0", "1M@flash", "1M@0xFFFFFFFF"])
def test_memories_that_are_none(wrong: str, tmp_path: Path) -> None:
    arguments = ["boards", "new", str(tmp_path / "x"), "--core", "cortex-m4", "--flash", wrong, "--ram", "1K@0"]
    assert CliRunner().invoke(cli, arguments).exit_code == 2
