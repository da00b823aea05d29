"""A build's manifest, arrays and program map: read back as written, and every change noticed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edgeq.errors import DataError, InputError
from edgeq.generate.manifest import NAME, load_arrays, read_manifest, save_arrays, verify_file, write_manifest


@pytest.fixture
def build(tmp_path: Path) -> Path:
    (tmp_path / "model.tflite").write_bytes(b"a model")
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "main.c").write_text("int main(void);\n")
    write_manifest(
        tmp_path,
        files={"model": "model.tflite", "main": tmp_path / "project" / "main.c"},
        facts={"board": "mps2-an386", "seed": 3, "labels": ["é"]},
    )
    return tmp_path


def test_read_back(build: Path) -> None:
    manifest = read_manifest(build)
    assert manifest.facts == {"board": "mps2-an386", "seed": 3, "labels": ["é"]}
    assert manifest.path(build, "main") == build / "project" / "main.c"
    assert verify_file(build, manifest, "model").read_bytes() == b"a model"
    assert sorted(manifest.files) == ["main", "model"]


def test_same_build_same_manifest(build: Path) -> None:
    before = (build / NAME).read_bytes()
    write_manifest(
        build, files={"main": "project/main.c", "model": "model.tflite"}, facts=dict(read_manifest(build).facts)
    )
    assert (build / NAME).read_bytes() == before
    assert str(build) not in before.decode()


def test_a_changed_file_is_named(build: Path) -> None:
    (build / "model.tflite").write_bytes(b"another")
    with pytest.raises(InputError, match=r"model\.tflite was changed after the build"):
        read_manifest(build)
    assert read_manifest(build, verify=False).files["model"].nbytes == 7


def test_a_missing_file_is_named(build: Path) -> None:
    (build / "project" / "main.c").unlink()
    with pytest.raises(InputError, match=r"main\.c, cannot be read|main, .*cannot be read"):
        read_manifest(build)


def test_a_role_that_the_build_does_not_have(build: Path) -> None:
    with pytest.raises(InputError, match="has no image"):
        read_manifest(build).path(build, "image")


def test_no_build(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no build"):
        read_manifest(tmp_path)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"schema_version": 1}', '{"schema_version": 99}', "\x00"])
def test_damaged(build: Path, content: str) -> None:
    (build / NAME).write_text(content)
    with pytest.raises(InputError, match=NAME):
        read_manifest(build)


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd"])
def test_a_manifest_cannot_point_outside_its_folder(build: Path, path: str) -> None:
    values = json.loads((build / NAME).read_text())
    values["files"]["model"]["path"] = path
    (build / NAME).write_text(json.dumps(values))
    with pytest.raises(InputError, match="damaged"):
        read_manifest(build)


def test_a_file_outside_the_build_is_refused(build: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("other") / "file"
    other.write_text("x")
    with pytest.raises(InputError, match="cannot be read"):
        write_manifest(build, files={"model": other}, facts={})


def test_arrays_are_read_back_and_the_same_every_time(tmp_path: Path) -> None:
    arrays = {"x": np.arange(12, dtype=np.int8).reshape(3, 4), "name": np.array(["a", "é"]), "y": np.float32([1.5])}
    save_arrays(tmp_path / "a.npz", arrays)
    save_arrays(tmp_path / "b.npz", dict(reversed(arrays.items())))
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    found = load_arrays(tmp_path / "a.npz")
    assert sorted(found) == ["name", "x", "y"]
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)


def test_pickles_are_neither_written_nor_read(tmp_path: Path) -> None:
    objects = np.array([{}], dtype=object)
    with pytest.raises(DataError, match="Python objects"):
        save_arrays(tmp_path / "a.npz", {"x": objects})
    np.savez(tmp_path / "b.npz", x=objects)
    with pytest.raises(InputError, match="cannot be read"):
        load_arrays(tmp_path / "b.npz")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no archive"])
def test_damaged_arrays(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(InputError, match="cannot be read"):
        load_arrays(tmp_path / "a.npz")
