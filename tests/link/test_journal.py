"""The file that keeps the answers of a run until it is done."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from edgeq.devices import results as results_module
from edgeq.devices.results import Journal, Results
from edgeq.errors import InputError


def test_a_journal_is_of_one_build(journal: Callable[..., Journal]) -> None:
    with pytest.raises(InputError, match="nothing to resume"):
        journal().resume(Results(3))
    one = journal()
    one.put(0, b"x", 1, "a")
    one.close(done=False)
    with pytest.raises(InputError, match="belongs to another build"):
        journal("d2").resume(Results(3))
    one.path.write_text("notes of mine\n")
    with pytest.raises(InputError, match="is no journal"):
        journal().resume(Results(3))


def test_a_short_run_leaves_no_journal(tmp_path: Path) -> None:
    book = Journal(tmp_path / "build.journal", "d")
    book.put(0, b"x", 1, "a")
    book.close(done=False)
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_no_reason_not_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results_module, "SECONDS_UNTIL_KEPT", 0.0)
    book = Journal(tmp_path / "no such folder" / "build.journal", "d")
    book.put(0, b"x", 1, "a")
    book.put(1, b"x", 1, "a")
    book.close(done=False)
    assert book.kept == 0


def test_a_finished_run_leaves_no_older_answers(tmp_path: Path) -> None:
    path = tmp_path / "build.journal"
    path.write_bytes(b"of an earlier run")
    Journal(path, "digest").close(done=True)
    assert not path.exists()


def test_what_is_resumed_is_what_was_there_when_it_was_locked(
    journal: Callable[..., Journal], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run that wrote it ends just before: none of its answers are cut off."""
    one, two = journal(), journal()
    one.put(0, b"x", 1, "a")
    lock = Journal._lock_file

    def late(self: Journal, file: int) -> None:
        if self is two:
            one.put(1, b"y", 2, "a")
            one.close(done=False)
        lock(self, file)

    monkeypatch.setattr(Journal, "_lock_file", late)
    results = Results(3)
    assert two.resume(results) == 2
    assert results.missing() == [2]
    two.close(done=False)
    assert journal().resume(Results(3)) == 2


def test_a_journal_is_removed_by_whoever_has_it_locked(
    journal: Callable[..., Journal], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody begins to write into a file that is about to go; who waits for its lock has a new one."""
    one, two = journal(), journal()
    one.put(0, b"x", 1, "a")
    unlink, tried = Path.unlink, []

    def watched(self: Path, missing_ok: bool = False) -> None:
        with pytest.raises(InputError, match="Another run of this build is under way"):
            journal().claim()
        tried.append(self)
        unlink(self, missing_ok)

    lock = Journal._lock_file

    def late(self: Journal, file: int) -> None:
        if self is two and not tried:
            with monkeypatch.context() as patch:
                patch.setattr(Path, "unlink", watched)
                one.close(done=True)
        lock(self, file)

    monkeypatch.setattr(Journal, "_lock_file", late)
    two.put(2, b"z", 1, "b")
    two.close(done=False)
    assert tried == [two.path]
    results = Results(3)
    assert journal().resume(results) == 1
    assert results.missing() == [0, 1]
