"""What the user may say for a mobile target, and what is refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from projects import tiny_model

from edgeq import BuildOptions, Target, build
from edgeq.data import load_dataset
from edgeq.errors import InputError
from edgeq.mobile.labels import labelled_output, read_labels
from edgeq.mobile.normalization import IDENTITY, find_normalization
from edgeq.model.flatbuffer import parse_tflite
from edgeq.options import refuse_foreign
from edgeq.records import Dataset, Method, Normalization, Optimize, Split

GRAPH = parse_tflite(tiny_model(1))  # 5 inputs, 3 outputs
DATA = Dataset(source="x", sha256="", test=Split(x=(np.zeros((1, 5), np.float32),)))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"board": "microbit"}, "--board"),
        ({"toolchain": "gcc"}, "--toolchain"),
        ({"optimize": Optimize.SPEED}, "--optimize"),
        ({"probe": "auto"}, "--flash"),
        ({"name": "kws", "flash_limit": 4096}, "--name, --flash-limit"),
        ({"traced_samples": 1}, "--traced-samples"),
    ],
)
def test_what_is_about_microcontrollers_is_refused(given: dict[str, object], said: str) -> None:
    options = BuildOptions(model=Path("m.tflite"), out=Path("o"), target=Target.IOS, **given)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=f"{said} cannot be given with --target ios: for microcontrollers only"):
        refuse_foreign(options)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"labels": Path("l.txt")}, "--labels"),
        ({"normalization": IDENTITY, "threads": 2}, "--normalization, --threads"),
        ({"margin": 0.02, "max_off_xnnpack": 0.0}, "--margin, --max-off-xnnpack"),
    ],
)
def test_what_is_about_phones_is_refused(given: dict[str, object], said: str, tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(tiny_model(1))
    options = BuildOptions(model=tmp_path / "m.tflite", out=tmp_path / "o", **given)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=f"{said} cannot be given with --target cortex-m"):
        build(options)
    assert not (tmp_path / "o").exists()


def test_16x8_is_a_variant_and_no_method(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"")
    options = BuildOptions(model=tmp_path, out=tmp_path / "o", target=Target.MOBILE, method=Method.INT16X8)
    with pytest.raises(InputError, match="16x8 is one of its variants"):
        build(options)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"a\n\nb\n", "line 2 is empty"),
        (b"a\n\xff\xfe\n", "is not UTF-8 text"),
    ],
)
def test_files_of_labels_that_are_none(content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "l.txt").write_bytes(content)
    with pytest.raises(InputError, match=said):
        read_labels(tmp_path / "l.txt")


def test_labels(tmp_path: Path) -> None:
    (tmp_path / "l.txt").write_bytes("\ufeffcat\r\n dog \r\nbird\r\n\r\n".encode())
    labels = read_labels(tmp_path / "l.txt")
    assert labels == ("cat", "dog", "bird")
    assert labelled_output(labels, GRAPH, where="l.txt") == 0
    assert labelled_output((), GRAPH, where="") is None
    assert labelled_output(("one", "two"), GRAPH, where="") is None
    with pytest.raises(InputError, match=r"l\.txt has 2 labels; the model's outputs have 3 entries"):
        labelled_output(("one", "two"), GRAPH, where="l.txt")
    with pytest.raises(InputError, match="cannot be read"):
        read_labels(tmp_path / "none.txt")


def test_normalization_is_what_the_user_says_first() -> None:
    given = Normalization(mean=(1.0,), std=(2.0,))
    assert find_normalization(given, DATA, None, GRAPH) == (given, "--normalization")
    assert find_normalization(None, DATA, None, GRAPH)[0] is None
    per_channel = Normalization(mean=(1.0, 2.0, 3.0), std=(2.0,))
    with pytest.raises(InputError, match="--normalization has 3 channels, input"):
        find_normalization(per_channel, DATA, None, GRAPH)


@pytest.mark.parametrize(("scale", "mean", "std"), [("0..1", 0.0, 255.0), ("-1..1", 127.5, 127.5), ("0..255", 0, 1)])
def test_normalization_of_an_image_folder(scale: str, mean: float, std: float, tmp_path: Path) -> None:
    """The same as was done to the pixels."""
    pixels = np.array([[0, 100], [200, 255]], np.uint8)
    for split in ("train", "test"):
        (tmp_path / split / "class").mkdir(parents=True)
        Image.fromarray(pixels).save(tmp_path / split / "class" / "a.png")
    data = load_dataset(f"{tmp_path}?scale={scale}")
    found, known = find_normalization(None, data, None, GRAPH)
    assert found == Normalization(mean=(mean,), std=(std,))
    assert known == "the image folder's scale"
    assert data.test.x[0][0, ..., 0] == pytest.approx((pixels - np.float32(mean)) / np.float32(std), abs=1e-6)


def test_labels_that_fit_no_output_leave_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "m.tflite").write_bytes(tiny_model(1))
    (tmp_path / "l.txt").write_text("a\nb\n", "utf-8")
    options = BuildOptions(
        model=tmp_path / "m.tflite", out=tmp_path / "o", target=Target.MOBILE, labels=tmp_path / "l.txt"
    )
    with pytest.raises(InputError, match="2 labels"):
        build(options)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["l.txt", "m.tflite"]
