"""Folders of images as data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_data import INPUTS, RNG

from edgeq.data import check_dataset, load_dataset
from edgeq.errors import DataError
from edgeq.records import ValueSpec


def _images(folder: Path, count: int, size: tuple[int, int] = (4, 4), mode: str = "L") -> None:
    folder.mkdir(parents=True)
    for i in range(count):
        pixels = RNG.integers(0, 256, (*size, len(mode)) if len(mode) > 1 else size, dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{i:02}.png")


def test_image_folder_with_train_and_test(tmp_path: Path) -> None:
    for split, count in (("train", 5), ("test", 3)):
        for name in ("cat", "dog"):
            _images(tmp_path / split / name, count)
    data = load_dataset(str(tmp_path), inputs=INPUTS)
    assert data.class_names == ("cat", "dog")
    assert data.train is not None
    assert data.train.x[0].shape == (10, 4, 4, 1)
    assert data.test.y is not None
    assert data.test.y.tolist() == [0, 0, 0, 1, 1, 1]
    pixels = np.asarray(Image.open(tmp_path / "test" / "cat" / "00.png"), dtype=np.float32)[..., None]
    np.testing.assert_allclose(data.test.x[0][0], pixels / 255, atol=1e-6)
    for scale, expected in (("-1..1", pixels / 127.5 - 1), ("0..255", pixels), ("0..1", pixels / 255)):
        scaled = load_dataset(f"{tmp_path}?scale={scale}", inputs=INPUTS)
        np.testing.assert_allclose(scaled.test.x[0][0], expected, atol=1e-5)
    with pytest.raises(DataError, match=r"'scale=2' is no option.*\n.*0\.\.1, -1\.\.1, 0\.\.255"):
        load_dataset(f"{tmp_path}?scale=2")


def test_image_folder_is_divided_by_class_and_seed(tmp_path: Path) -> None:
    for name, count in (("cat", 10), ("dog", 20)):
        _images(tmp_path / name, count)
    data, again, other = (load_dataset(str(tmp_path), seed=seed) for seed in (0, 0, 1))
    assert data.test.y is not None
    assert np.bincount(data.test.y.astype(int)).tolist() == [2, 4]
    assert data.train is not None
    assert len(data.train) == 24
    assert data.sha256 == again.sha256
    assert data.sha256 != other.sha256
    assert not any("are among" in warning for warning in check_dataset(data, INPUTS, 2))


def test_images_of_another_size_or_kind(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        _images(tmp_path / name, 4, (6, 5), "RGB")
    with pytest.raises(DataError, match=r"is 6×5 \(height × width\); 4×4 is needed\.\n.*\?resize=yes"):
        load_dataset(str(tmp_path), inputs=INPUTS)
    data = load_dataset(f"{tmp_path}?resize=yes", inputs=INPUTS)
    assert data.test.x[0].shape == (2, 4, 4, 1)
    assert load_dataset(str(tmp_path)).test.x[0].shape == (2, 6, 5, 3)
    vector = (ValueSpec(name="v", shape=(10,), dtype="float32"),)
    with pytest.raises(DataError, match=r"holds images, but the model takes \(10,\)"):
        load_dataset(str(tmp_path), inputs=vector)
    (tmp_path / "cat" / "00.png").write_bytes(b"\x89PNG cut")
    with pytest.raises(DataError, match=r"00\.png cannot be read as an image"):
        load_dataset(f"{tmp_path}?resize=yes", inputs=INPUTS)
    Image.fromarray(np.zeros((4, 4), np.uint16)).save(tmp_path / "cat" / "00.png")
    with pytest.raises(DataError, match="more than 8 bits"):
        load_dataset(f"{tmp_path}?resize=yes", inputs=INPUTS)


def test_images_that_unpack_to_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("cat", "dog"):
        _images(tmp_path / name, 2, (40, 40))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(DataError, match="too large for a microcontroller"):
        load_dataset(str(tmp_path))


def test_folders_that_hold_no_data(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no images\.\nUse folder/train/<class>"):
        load_dataset(str(tmp_path))
    _images(tmp_path / "train" / "cat", 2)
    with pytest.raises(DataError, match="has train/, but no test/"):
        load_dataset(str(tmp_path))
    _images(tmp_path / "test" / "dog", 2)
    with pytest.raises(DataError, match=r"different classes \(cat, dog\)"):
        load_dataset(str(tmp_path))
