"""Reads a folder of images by class."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edgeq.data.arrays import make_dataset
from edgeq.errors import DataError
from edgeq.records import Dataset, Normalization, Split, ValueSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".ppm", ".pgm", ".tif", ".tiff"}
_SPLITS = {
    "train": "train",
    "test": "test",
    "val": "val",
    "validation": "val",
    "calib": "calib",
    "calibration": "calib",
}
_TEST_SHARE = 0.2
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
_MAX_BYTES = 8 << 30
_LAYOUT_HINT = "Use folder/train/<class>/*.png and folder/test/<class>/*.png, or folder/<class>/*.png."


class Scale(Enum):
    """The range that pixel values 0 to 255 are mapped to."""

    ZERO_ONE = "0..1"
    MINUS_ONE_ONE = "-1..1"
    BYTES = "0..255"

    @property
    def normalization(self) -> Normalization:
        """The same as (pixel − mean) / std."""
        mean, std = {Scale.ZERO_ONE: (0.0, 255.0), Scale.MINUS_ONE_ONE: (127.5, 127.5), Scale.BYTES: (0.0, 1.0)}[self]
        return Normalization(mean=(mean,), std=(std,))


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageOptions:
    """How images become arrays. `seed` decides which are kept for testing if the folder has no test/."""

    scale: Scale = Scale.ZERO_ONE
    resize: bool = False
    seed: int = 0


def read_images(folder: Path, source: str, options: ImageOptions, inputs: Sequence[ValueSpec] | None) -> Dataset:
    """The data set of an image folder; x is float32, shape (n, height, width, channels).

    Classes are the folders' names in alphabetical order. Size and channels are the model's input if `inputs` is given,
    else those of the first image.

    Raises:
        DataError: no images, unequal classes between splits, unreadable images, or sizes that differ.
    """
    if inputs is not None and (len(inputs) != 1 or len(inputs[0].shape) != 3):
        shapes = ", ".join(str(spec.shape) for spec in inputs)
        raise DataError(f"{source} holds images, but the model takes {shapes}.", hint="Give the data as an .npz file.")
    listed = {_SPLITS[p.name.lower()]: _by_class(p) for p in _folders(folder) if p.name.lower() in _SPLITS}
    if "test" not in listed:
        if listed:
            raise DataError(f"{source} has {', '.join(sorted(listed))}/, but no test/.", hint=_LAYOUT_HINT)
        train, test = _divide(_by_class(folder), options.seed)
        listed = {"train": train, "test": test}
    classes = tuple(listed["test"])
    if not classes:
        raise DataError(f"{source} has no images.", hint=_LAYOUT_HINT)
    for split, by_class in listed.items():
        if split != "calib" and tuple(by_class) != classes:
            odd = sorted(set(by_class) ^ set(classes))
            raise DataError(
                f"{source}: {split}/ and test/ have different classes ({', '.join(odd)}).", hint=_LAYOUT_HINT
            )
    shape = _shape(next(iter(listed["test"].values()))[0], inputs)
    count = sum(len(files) for by_class in listed.values() for files in by_class.values())
    if count * 4 * int(np.prod(shape)) > _MAX_BYTES:
        raise DataError(f"{source}: {count} images of {shape} take more than {_MAX_BYTES:,} bytes of memory.")
    splits = {}
    for split, by_class in listed.items():
        x = np.stack([_read(file, shape, options) for files in by_class.values() for file in files])
        y = np.repeat(np.arange(len(by_class)), [len(files) for files in by_class.values()]).astype(np.int64)
        splits[split] = Split(x=(x,), y=None if split == "calib" else y)
    return replace(make_dataset(source, splits, classes), pixels=options.scale.normalization)


def _folders(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))


def _by_class(folder: Path) -> dict[str, list[Path]]:
    """Image files by class name, both sorted; classes without images are left out."""
    found = {
        p.name: sorted(f for f in p.rglob("*") if f.suffix.lower() in _SUFFIXES and not f.name.startswith("."))
        for p in _folders(folder)
    }
    return {name: files for name, files in found.items() if files}


def _divide(by_class: dict[str, list[Path]], seed: int) -> tuple[dict[str, list[Path]], dict[str, list[Path]]]:
    """Training and test files: of each class, a fifth (at least one) is for testing."""
    rng = np.random.default_rng(seed)
    train, test = {}, {}
    for name, files in by_class.items():
        if len(files) < 2:
            raise DataError(f"Class {name!r} has one image; one for training and one for testing are needed.")
        chosen = set(rng.permutation(len(files))[: max(1, round(_TEST_SHARE * len(files)))].tolist())
        test[name] = [f for i, f in enumerate(files) if i in chosen]
        train[name] = [f for i, f in enumerate(files) if i not in chosen]
    return train, test


def _shape(first: Path, inputs: Sequence[ValueSpec] | None) -> tuple[int, int, int]:
    if inputs is not None:
        height, width, channels = (int(size or 0) for size in inputs[0].shape)
        if channels not in _MODES:
            raise DataError(f"The model takes {channels} channels; images have 1, 3 or 4.")
        return height, width, channels
    image = _read(first, None, ImageOptions())
    return image.shape[0], image.shape[1], image.shape[2]


def _read(file: Path, shape: tuple[int, int, int] | None, options: ImageOptions) -> NDArray[np.float32]:
    """One image, float32 (height, width, channels), in the range that the options name."""
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file) as opened:
                if opened.mode.startswith(("I", "F")):
                    raise DataError(
                        f"{file} has pixels of more than 8 bits (mode {opened.mode}).",
                        hint="Convert the images to 8 bits, or give the data as an .npz file.",
                    )
                grey = opened.mode in {"1", "L", "LA"}
                mode = _MODES[shape[2]] if shape else ("L" if grey else "RGB")
                image = opened.convert(mode)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as exc:
        raise DataError(f"{file} cannot be read as an image: {exc}") from exc
    except Image.DecompressionBombWarning as exc:
        raise DataError(f"{file} is too large for a microcontroller's input: {exc}") from exc
    if shape and image.size != (shape[1], shape[0]):
        if not options.resize:
            raise DataError(
                f"{file} is {image.height}×{image.width} (height × width); {shape[0]}×{shape[1]} is needed.",
                hint="Add ?resize=yes to the folder's name to resize all images (bilinear), or resize them beforehand "
                "exactly as in training.",
            )
        image = image.resize((shape[1], shape[0]), Image.Resampling.BILINEAR)
    pixels = np.asarray(image, dtype=np.float32).reshape(image.height, image.width, -1)
    if options.scale is Scale.ZERO_ONE:
        return pixels / np.float32(255.0)
    if options.scale is Scale.MINUS_ONE_ONE:
        return pixels / np.float32(127.5) - np.float32(1.0)
    return pixels
