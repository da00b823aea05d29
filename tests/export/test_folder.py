"""The export's folder, the command's words, and what it refuses."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import exports
import pytest
from click.testing import CliRunner

import edgeq
from edgeq.builds import Build
from edgeq.cli.export import command
from edgeq.errors import InputError
from edgeq.export.export import MARK
from edgeq.export.registry import TITLES, load
from edgeq.resources import templates

pytestmark = pytest.mark.xdist_group("export")


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_golden_files(small: Build, tmp_path: Path) -> None:
    """What the templates write, byte by byte; tools/update-golden accepts a change."""
    assert exports.generated(small.folder, tmp_path) == exports.stored()


def test_the_same_build_gives_the_same_bytes(small: Build, tmp_path: Path) -> None:
    one, two = (edgeq.export_build(small.folder, to="cmake", out=tmp_path / n / "small").out for n in ("one", "two"))
    assert tree(one) == tree(two)
    secrets = [str(small.folder).encode(), str(templates().parent).encode()]
    assert not [path for path, content in tree(one).items() if any(s in content for s in secrets)]


def test_exporting_again_replaces_edgeqs_files_only(small: Build, tmp_path: Path) -> None:
    out = tmp_path / "small"
    first = edgeq.export_build(small.folder, to="library", out=out)
    mine = {"src/mine.c": b"mine", "small_user_config.h": b"mine", "project/build/mine": b"mine", ".git/HEAD": b"mine"}
    for path, content in mine.items():
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / path).write_bytes(content)
    again = edgeq.export_build(small.folder, to="cmake", out=out)
    assert set(tree(out)) == {*again.files, *mine}
    assert {path: (out / path).read_bytes() for path in mine} == mine
    assert "Makefile" in first.files
    assert not (out / "Makefile").exists()
    assert not [p for p in tmp_path.iterdir() if p != out]


def test_a_file_that_the_user_changed_is_never_overwritten(small: Build, tmp_path: Path) -> None:
    out = tmp_path / "small"
    edgeq.export_build(small.folder, to="cmake", out=out)
    (out / "CMakeLists.txt").write_text("# better\n")
    before = tree(out)
    with pytest.raises(InputError, match=r"CMakeLists\.txt is a file of yours") as caught:
        edgeq.export_build(small.folder, to="cmake", out=out)
    assert "the new export has a file of the same name" in str(caught.value)
    assert tree(out) == before
    # One that the new export has no use for simply stays.
    edgeq.export_build(small.folder, to="library", out=out)
    assert (out / "CMakeLists.txt").read_text() == "# better\n"


@pytest.mark.parametrize("content", [None, "", "[]", '{"files": 3}', '{"files": ["a"]}'])
def test_a_folder_of_something_else_is_left_alone(small: Build, tmp_path: Path, content: str | None) -> None:
    out = tmp_path / "thesis"
    out.mkdir()
    (out / "thesis.txt").write_text("years of work")
    if content is not None:
        (out / MARK).write_text(content)
    before = tree(out)
    with pytest.raises(InputError, match="it is left as it is"):
        edgeq.export_build(small.folder, to="library", out=out)
    assert tree(out) == before


def test_a_mark_that_points_elsewhere_removes_nothing(small: Build, tmp_path: Path) -> None:
    out = tmp_path / "small"
    edgeq.export_build(small.folder, to="library", out=out)
    (tmp_path / "precious.txt").write_text("mine")
    facts = json.loads((out / MARK).read_text())
    facts["files"] = dict.fromkeys(("../precious.txt", str(tmp_path / "precious.txt"), "gone.txt"), "0" * 64)
    (out / MARK).write_text(json.dumps(facts))
    with pytest.raises(InputError, match="a file of yours"):
        edgeq.export_build(small.folder, to="library", out=out)
    assert (tmp_path / "precious.txt").read_text() == "mine"


def test_the_build_itself_is_no_place(small: Build) -> None:
    with pytest.raises(InputError, match="is the build itself"):
        edgeq.export_build(small.folder, to="library", out=small.folder)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"package_version": "1.0"}, "--package-version 1.0.0"),
        ({"package_version": "01.0.0"}, "MAJOR.MINOR.PATCH"),
        ({"license": "MIT\nname=evil"}, "SPDX"),
        ({"author": "A\nversion=9"}, "author"),
        ({"author": "<nobody>"}, "author"),
        ({"url": "file:///etc"}, "URL"),
        ({"to": "vxworks"}, "--to takes one of: library, cmake"),
    ],
)
def test_what_no_manifest_can_hold_is_refused(small: Build, tmp_path: Path, options: dict[str, str], said: str) -> None:
    with pytest.raises(InputError) as caught:
        edgeq.export_build(small.folder, **{"to": "library", "out": tmp_path / "x", **options})  # type: ignore[arg-type]
    assert said in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("engine", ["aot", "tflm"])
@pytest.mark.parametrize("to", TITLES)
def test_every_ecosystem_says_three_commands(tmp_path: Path, to: str, engine: str) -> None:
    out = tmp_path / "with blank" / "small"
    commands = load(to).commands_for(engine, "small", out)
    assert len(commands) == 3
    assert any(word.endswith(str(out)) or re.search(f'{out}["/]', word) for c in commands for word in shlex.split(c))


def test_the_command(small: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    done = runner.invoke(command, [str(small.folder), "--to", "library"], standalone_mode=False)
    assert done.exception is None, done.output
    assert done.output.splitlines()[0].startswith("export/library/small has small for library: ")
    assert done.output.splitlines()[1] == "  make -C export/library/small selftest"
    listed = runner.invoke(command, [str(small.folder), "--to", "library", "--json"], standalone_mode=False)
    assert json.loads(listed.output)["files"] == sorted(tree(tmp_path / "export" / "library" / "small"))
    told = runner.invoke(command, ["--help"]).output
    assert all(title in told for title in TITLES.values())


def test_the_license_is_edgeqs() -> None:
    """Exports carry it, and a wheel has no other copy where it can be found."""
    root = Path(__file__).resolve().parents[2]
    assert (templates() / "export" / "common" / "LICENSE").read_bytes() == (root / "LICENSE").read_bytes()
