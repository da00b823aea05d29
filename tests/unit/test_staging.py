"""Files of a project that cannot be written."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from edgeq.errors import InputError
from edgeq.generate.staging import write_files


@pytest.mark.parametrize(
    ("number", "hint"), [(errno.ENOSPC, "Free some space, or give another folder"), (errno.EIO, "Give another folder")]
)
def test_a_disk_that_takes_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, hint: str) -> None:
    """The folder in the middle of a build is one that the user never named."""

    def refused(self: Path, content: bytes) -> int:
        raise OSError(number, "refused")

    with monkeypatch.context() as patch, pytest.raises(InputError) as caught:
        patch.setattr(Path, "write_bytes", refused)
        write_files(tmp_path / ".hidden" / "project", {"a/b.c": b""}, facts={})
    assert str(tmp_path) not in str(caught.value)
    assert caught.value.hint is not None and caught.value.hint.startswith(hint) and "--out" in caught.value.hint
    assert not (tmp_path / ".hidden" / "project").exists()


def test_the_same_files_twice(tmp_path: Path) -> None:
    arguments: Any = (tmp_path / "project", {"a/b.c": b"int x;\n"})
    assert write_files(*arguments, facts={}) == write_files(*arguments, facts={})
