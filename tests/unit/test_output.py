"""Output folders: a rebuild replaces what edgeq wrote, and nothing of the user's is lost."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from edgeq.errors import InputError
from edgeq.generate.manifest import write_manifest
from edgeq.output import check_replaceable, replaced_folder
from edgeq.process import own_environment


def build(out: Path, files: Mapping[str, str]) -> None:
    """What `edgeq build` leaves in `out`: these files, a manifest, reports."""
    with replaced_folder(out) as folder:
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(content)
        write_manifest(folder, files={name: name for name in files}, facts={})
        (folder / "report.json").write_text("{}")
        (folder / "report.html").write_text("")


def tree(out: Path) -> dict[str, str]:
    return {p.relative_to(out).as_posix(): p.read_text() for p in out.rglob("*") if p.is_file()}


def test_a_rebuild_keeps_the_users_files(tmp_path: Path) -> None:
    out = tmp_path / "out"
    build(out, {"model.tflite": "old", "project/model/a.c": "old", "project/model/gone.c": "old"})
    own = {
        "notes.txt": "mine",
        ".gitignore": "*.elf",
        ".git/HEAD": "ref: refs/heads/build",
        ".git/refs/heads/build": "0123",
        "project/.git/refs/heads/build": "4567",
        "project/model/mine.c": "mine",
        "thesis/project/build/draft.txt": "mine",
    }
    for name, content in own.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text(content)
    (out / ".git" / "refs" / "tags").mkdir()
    (out / "latest").symlink_to("notes.txt")
    (out / "dangling").symlink_to("nowhere")
    (out / "elsewhere").symlink_to(tmp_path, target_is_directory=True)
    (out / "notes.txt").chmod(0o640)
    (out / "project" / "build").mkdir()
    (out / "project" / "build" / "a.o").write_text("made by make")

    build(out, {"model.tflite": "new", "project/model/a.c": "new"})
    links = [out / "latest", out / "dangling", out / "elsewhere"]
    assert [str(link.readlink()) for link in links] == ["notes.txt", "nowhere", str(tmp_path)]
    for link in links:
        link.unlink()
    written = {"model.tflite": "new", "project/model/a.c": "new", "report.json": "{}", "report.html": ""}
    found = tree(out)
    assert json.loads(found.pop("manifest.json"))["files"].keys() == {"model.tflite", "project/model/a.c"}
    assert found == own | written
    assert (out / ".git" / "refs" / "tags").is_dir()
    assert (out / "notes.txt").stat().st_mode & 0o777 == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_failed_rebuild_changes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out"
    build(out, {"model.tflite": "old"})
    (out / "notes.txt").write_text("mine")
    before = tree(out)
    with pytest.raises(ZeroDivisionError), replaced_folder(out):
        raise ZeroDivisionError
    (out / "extra.bin").write_text("mine")
    with pytest.raises(InputError, match=r"extra.bin is a file of yours"):
        build(out, {"model.tflite": "new", "extra.bin": "new"})
    assert tree(out) == before | {"extra.bin": "mine"}
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_failed_build_leaves_no_folder_above_it(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), replaced_folder(tmp_path / "a" / "b" / "out"):
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())
    (tmp_path / "a").mkdir()
    with pytest.raises(ZeroDivisionError), replaced_folder(tmp_path / "a" / "b" / "out"):
        (tmp_path / "a" / "b" / "notes.txt").touch()
        raise ZeroDivisionError
    assert [p.name for p in (tmp_path / "a").rglob("*")] == ["b", "notes.txt"]


@contextlib.contextmanager
def killed(out: Path, program: str) -> Iterator[None]:
    """Another process that makes `out`, and is killed at the end of the block."""
    head = f"import time; from pathlib import Path; from edgeq import output, unfinished; out = Path({str(out)!r})\n"
    text = f"{head}{program}\n    print('made', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, env=own_environment()) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"made\n"
            yield
        finally:
            process.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="remains stay there")
def test_what_a_killed_build_left_is_removed_by_the_next(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (tmp_path / ".out.mydrafts").mkdir()
    with killed(out, "with output.replaced_folder(out) as folder:\n    (folder / 'a').touch()"):
        build(out, {"model.tflite": "new"})
        assert len(list(tmp_path.glob(".out.*/new/a"))) == 1, "it is still at it"
    build(out, {"model.tflite": "newer"})
    assert sorted(p.name for p in tmp_path.iterdir()) == [".out.mydrafts", "out"]
    (out / "notes.txt").write_text("mine")
    with killed(out, "with unfinished.hidden_folder(out) as folder:\n    out.rename(folder / unfinished.OLD)"):
        assert not out.exists()
    build(out, {"model.tflite": "newest"})
    assert tree(out)["notes.txt"] == "mine"
    assert sorted(p.name for p in tmp_path.iterdir()) == [".out.mydrafts", "out"]


@pytest.mark.parametrize("content", ["", "{}", '{"name": "a web app", "icons": []}', '{"schema_version": 99}'])
def test_another_programs_manifest_is_no_build(tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest.json").write_text(content)
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match=r"manifest.json does not say which of them"):
        check_replaceable(tmp_path)
    assert tree(tmp_path) == {"manifest.json": content, "thesis.txt": "mine"}


def test_empty_and_missing_folders(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for name in ("empty", "new/inner"):
        build(tmp_path / name, {"model.tflite": "x"})
        assert (tmp_path / name / "model.tflite").is_file()
