"""Data are read from all sources, and what cannot be right is refused with the reason."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edgeq import process
from edgeq.data import check_dataset, load_dataset, random_dataset, render_data_summary, summarize_dataset
from edgeq.errors import DataError
from edgeq.records import Dataset, Split, ValueSpec

RNG = np.random.default_rng(5)
X = RNG.random((60, 4, 4, 1)).astype(np.float32)
Y = np.arange(60) % 3
INPUTS = (ValueSpec(name="image", shape=(4, 4, 1), dtype="float32"),)


def npz(path: Path, **arrays: Any) -> str:
    np.savez(path, **arrays)
    return str(path)


def test_all_splits_of_an_npz(tmp_path: Path) -> None:
    source = npz(
        tmp_path / "data.npz",
        x_train=X,
        y_train=Y,
        x_val=X[:5],
        y_val=Y[:5],
        x_test=X[10:20],
        y_test=Y[10:20],
        x_calib=X[:7],
        class_names=["a", "b", "c"],
        ids=np.arange(60),
    )
    data = load_dataset(source, inputs=INPUTS)
    assert data.train is not None
    assert data.validation is not None
    assert data.calibration is not None
    assert [len(s) for s in (data.train, data.validation, data.calibration, data.test)] == [60, 5, 7, 10]
    assert np.array_equal(data.test.x[0], X[10:20])
    assert data.test.y is not None
    assert data.test.y.dtype == np.int64
    assert data.class_names == ("a", "b", "c")
    assert data.source == source
    changed = X.copy()
    changed[0, 0, 0, 0] += 1e-6
    other = npz(tmp_path / "other.npz", x_train=changed, y_train=Y, x_test=X[10:20])
    assert load_dataset(other).sha256 != data.sha256
    assert load_dataset(source).sha256 == data.sha256


@pytest.mark.parametrize(
    "labels",
    [
        np.eye(3)[Y],
        np.eye(3, dtype=np.uint8)[Y],
        Y[:, None],
        Y.astype(np.float32),
        Y.astype(np.uint8),
        np.eye(3)[Y] == 1,
    ],
    ids=["one-hot", "one-hot uint8", "column", "float", "uint8", "one-hot bool"],
)
def test_labels_become_class_indices(tmp_path: Path, labels: np.ndarray) -> None:
    y = load_dataset(npz(tmp_path / "data.npz", x_test=X, y_test=labels)).test.y
    assert y is not None
    assert y.dtype == np.int64
    assert np.array_equal(y, Y)


def test_other_targets_stay_as_they_are(tmp_path: Path) -> None:
    targets = RNG.random((60, 3)).astype(np.float32)
    y = load_dataset(npz(tmp_path / "data.npz", x_test=X, y_test=targets)).test.y
    assert y is not None
    assert np.array_equal(y, targets)


def test_several_inputs_by_number_and_by_name(tmp_path: Path) -> None:
    a, b = X, X[..., 0, 0]
    inputs = (
        ValueSpec(name="picture", shape=(4, 4, 1), dtype="float32"),
        ValueSpec(name="extra", shape=(4,), dtype="float32"),
    )
    for names in (("0", "1"), ("picture", "extra")):
        source = npz(tmp_path / "data.npz", **{f"x_test_{names[0]}": a, f"x_test_{names[1]}": b})
        data = load_dataset(source, inputs=inputs)
        assert [x.shape for x in data.test.x] == [(60, 4, 4, 1), (60, 4)]
        assert data.test.names == names
        (split,) = summarize_dataset(data).splits
        assert tuple(array.name for array in split.arrays) == names
        shown = _printed(data)
        assert f"test {names[0]} " in shown
        assert f"test {names[1]} " in shown
        check_dataset(data, inputs)
    source = npz(tmp_path / "data.npz", x_test_picture=a, x_test_other=b)
    with pytest.raises(DataError, match="for other, picture; the model's inputs are picture, extra"):
        load_dataset(source, inputs=inputs)
    source = npz(tmp_path / "data.npz", x_test_0=a, x_test_2=b)
    with pytest.raises(DataError, match="without gaps; found 0, 2"):
        load_dataset(source)
    with pytest.raises(DataError, match=r"1 array\(s\) for x_test; the model has 2 input\(s\): picture, extra"):
        check_dataset(load_dataset(npz(tmp_path / "data.npz", x_test=a)), inputs)


def test_pickled_arrays_are_refused_and_not_unpickled(tmp_path: Path) -> None:
    marker = tmp_path / "marker"

    class Payload:
        def __reduce__(self) -> Any:
            return Path.write_text, (marker, "ran")

    np.savez(tmp_path / "data.npz", x_test=np.array([Payload(), None], dtype=object))
    with pytest.raises(DataError, match=r"x_test in .* is pickled"):
        load_dataset(str(tmp_path / "data.npz"))
    assert not marker.exists()


def _npy(header: str, body: bytes = b"") -> bytes:
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"x_test.npy": _npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000, 1000000), }")}, "is cut off"),
        ({"x_test.npy": _npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 4), }")}, "is cut off"),
        ({"x_test.npy": b"no array"}, "damaged, cut off or no .npz file"),
        ({"x_test.txt": b"text"}, "numpy.savez would not have written"),
        ({}, "holds no arrays"),
    ],
)
def test_odd_archives(tmp_path: Path, members: dict[str, bytes], message: str) -> None:
    path = tmp_path / "data.npz"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(DataError, match=message):
        load_dataset(str(path))


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "data.npz"
    size = 400 << 20
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("x_test.npy", "w") as file,
    ):
        file.write(_npy(f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({size},), }}"))
        for _ in range(size >> 20):
            file.write(bytes(1 << 20))
    content = bytearray(path.read_bytes())
    assert len(content) < 4 << 20
    with pytest.raises(DataError, match=r"unpacks from .* to 419,43"):
        load_dataset(str(path))
    directory = content.rindex(b"PK\x01\x02")
    content[directory + 20 : directory + 24] = (0x10000000).to_bytes(4, "little")
    path.write_bytes(content)
    with pytest.raises(DataError):
        load_dataset(str(path))


def test_truncated_and_flipped_archives(tmp_path: Path) -> None:
    content = Path(npz(tmp_path / "good.npz", x_test=X, y_test=Y)).read_bytes()
    path = tmp_path / "bad.npz"
    rng = np.random.default_rng(1)
    for trial in range(60):
        damaged = bytearray(content)
        if trial % 2:
            del damaged[int(rng.integers(0, len(damaged))) :]
        else:
            damaged[int(rng.integers(0, len(damaged)))] ^= 1 << int(rng.integers(0, 8))
        path.write_bytes(damaged)
        try:
            data = load_dataset(str(path))
        except DataError as exc:
            assert "bad.npz" in str(exc)
        else:
            assert np.array_equal(data.test.x[0], X)  # the flip was in a time stamp or the like


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x_train": X}, r"no x_test \(found: x_train\)"),
        ({"x_test": X, "x_valid": X}, "'x_valid', which means nothing"),
        ({"x_test": X, "y_train": Y}, "has y_train, but no x_train"),
        ({"x_test": np.array(["a", "b"])}, "no numbers"),
        ({"x_test": X.astype(np.complex64)}, "no numbers"),
        ({"x_test": np.float32(3)}, "a single value"),
        ({"x_test": X, "x_test_0": X}, "both x_test and x_test_"),
    ],
)
def test_wrong_arrays(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_dataset(npz(tmp_path / "data.npz", **arrays))


def _dataset(x: np.ndarray, y: np.ndarray | None = None, train: np.ndarray | None = None) -> Dataset:
    return Dataset(
        source="data.npz", sha256="", test=Split(x=(x,), y=y), train=None if train is None else Split(x=(train,))
    )


def _with(index: tuple[int, ...], value: float) -> np.ndarray:
    changed = X.copy()
    changed[index] = value
    return changed


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (_with((7, 0, 0, 0), np.nan), Y, "1 NaN or infinite value.*first in sample 7"),
        (_with((9, 1, 1, 0), np.inf), Y, "first in sample 9"),
        (X[:0], Y[:0], "is empty"),
        (X[..., 0], Y, r"takes \(4, 4, 1\)\.\nAdd a channel dimension"),
        (X[..., None], Y, r"\nRemove the last dimension"),
        (X.reshape(60, 16), Y, r"x\.reshape\(-1, 4, 4, 1\)"),
        (np.moveaxis(X, -1, 1), Y, r"\nMove the channels to the end"),
        (RNG.random((60, 5, 5, 1)), Y, "exactly as in training"),
        (X, Y[:50], "60 samples in x_test, but 50 labels"),
        (np.ones_like(X), Y, "all 60 samples are the same"),
        (X, Y + 1, r"from 1 to 3; the model has classes 0 to 2\.\nLabels count from 0"),
        (X, Y - 1, "from -1 to 1"),
        (X, RNG.random((60, 5)), "the model has 3 classes"),
    ],
)
def test_data_that_cannot_be_right(x: np.ndarray, y: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_dataset(_dataset(x, y), INPUTS, 3)


def test_good_data_raise_no_warning() -> None:
    big = RNG.random((150, 4, 4, 1)).astype(np.float32)
    assert check_dataset(_dataset(big, np.arange(150) % 3, RNG.random((50, 4, 4, 1))), INPUTS, 3, [(0.0, 1.0)]) == ()


@pytest.mark.parametrize(
    ("data", "ranges", "message"),
    [
        (_dataset(X, Y, X[:10] * 255), None, "scaled differently"),
        (_dataset(np.round(X * 255), Y), None, "raw pixels"),
        (_dataset(X, Y, X[:10]), None, "10 of 60 test samples are among"),
        (_dataset(X), None, "accuracy cannot"),
        (_dataset(X, Y), None, "60 test samples are few"),
        (_dataset(X, Y * 0), None, "All test samples have the label 0"),
        (_dataset(X * 4, Y), [(0.0, 1.0)], "they will be clipped"),
        (_dataset(X * 0.01, Y), [(0.0, 1.0)], "of the range 0 to 1"),
    ],
)
def test_data_that_look_wrong(data: Dataset, ranges: Any, message: str) -> None:
    assert any(message in warning for warning in check_dataset(data, INPUTS, 3, ranges))


def test_class_names_must_match_the_model() -> None:
    data = Dataset(source="photos", sha256="", test=Split(x=(X,), y=Y), class_names=("a", "b", "c", "d"))
    with pytest.raises(DataError, match="has 4 classes, the model 3"):
        check_dataset(data, INPUTS, 3)


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


def test_functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_data_module.py").write_text(
        "import numpy as np\n"
        "def arrays(): return {'x_test': np.eye(4), 'y_test': [0, 1, 2, 3]}\n"
        "def broken(): raise ValueError('no disk')\n"
        "def nothing(): return None\n"
        "number = 3\n"
    )
    path_before = list(sys.path)
    data = load_dataset("own_data_module:arrays")
    assert data.test.x[0].dtype == np.float32
    assert data.test.y is not None
    assert data.test.y.tolist() == [0, 1, 2, 3]
    for name, message in (
        ("broken", "failed: ValueError: no disk"),
        ("nothing", "returned no data set, but NoneType"),
        ("number", "has no function number"),
        ("missing", "has no function missing"),
    ):
        with pytest.raises(DataError, match=message):
            load_dataset(f"own_data_module:{name}")
    with pytest.raises(DataError, match="no_such_module is no module that can be imported"):
        load_dataset("no_such_module:arrays")
    assert sys.path == path_before


def test_paths_that_lead_nowhere(tmp_path: Path) -> None:
    npz(tmp_path / "digits.npz", x_test=X)
    with pytest.raises(DataError, match=r"does not exist\.\nDid you mean .*digits\.npz"):
        load_dataset(str(tmp_path / "digit.npz"))
    (tmp_path / "empty.npz").write_bytes(b"")
    with pytest.raises(DataError, match=r"empty\.npz is empty"):
        load_dataset(str(tmp_path / "empty.npz"))


def test_random_samples() -> None:
    inputs = (*INPUTS, ValueSpec(name="extra", shape=(3,), dtype="float32"))
    data = random_dataset(inputs, 200, 1, [(-0.5, 2.0), (10.0, 11.0)])
    assert [x.shape for x in data.test.x] == [(200, 4, 4, 1), (200, 3)]
    assert -0.5 <= data.test.x[0].min() < -0.3
    assert 1.8 < data.test.x[0].max() <= 2.0
    assert data.test.x[1].min() >= 10.0
    assert data.test.y is None
    assert random_dataset(inputs, 200, 1, [(-0.5, 2.0), (10.0, 11.0)]).sha256 == data.sha256
    assert random_dataset(inputs, 200, 2, [(-0.5, 2.0), (10.0, 11.0)]).sha256 != data.sha256


def test_summary_as_json_and_on_the_console() -> None:
    from rich.console import Console

    data = _dataset(X, Y, X[:10])
    summary = summarize_dataset(data, check_dataset(data, INPUTS, 3))
    assert json.loads(json.dumps(asdict(summary)))["splits"][1]["class_counts"] == [20, 20, 20]
    console = Console(file=io.StringIO(), width=140)
    console.print(render_data_summary(summary))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert [array.name for array in summary.splits[0].arrays] == [""]
    for expected in ("data.npz", "train", "4×4×1", "float32", "3 classes, 20 to 20 samples each", "Warning: 10 of 60"):
        assert expected in text


def test_nothing_heavy_is_imported() -> None:
    code = "import sys, edgeq.data; print(sorted({'tensorflow', 'keras', 'PIL', 'sklearn', 'rich'} & set(sys.modules)))"
    assert process.run([sys.executable, "-c", code], timeout=60, what="importing").stdout.strip() == b"[]"


def _printed(data: Dataset) -> str:
    from rich.console import Console

    console = Console(file=io.StringIO(), width=140)
    console.print(render_data_summary(summarize_dataset(data)))
    return str(console.file.getvalue())  # type: ignore[attr-defined]


def test_the_order_of_classes_is_shown(tmp_path: Path) -> None:
    names = ["zebra", "ant\x1b[31m", "cat"]
    data = load_dataset(npz(tmp_path / "data.npz", x_test=X, y_test=Y, class_names=np.array(names)))
    assert "Classes: 0 zebra, 1 ant\N{REPLACEMENT CHARACTER}[31m, 2 cat" in _printed(data)
    many = replace(data, class_names=tuple(f"c{i}" for i in range(1000)))
    assert ", … (1000 in all)" in " ".join(_printed(many).split())


def test_what_the_users_function_prints_is_no_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "chatty.py").write_text("""
import numpy
print("imported")
def load():
    print("loaded")
    return {"x_test": numpy.eye(4, 5, dtype="f")}
def number():
    return 3
""")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    load_dataset("chatty:load")
    assert capsys.readouterr() == ("", "imported\nloaded\n")
    with pytest.raises(DataError, match="chatty:number returned no data set, but int"):
        load_dataset("chatty:number")


def test_targets_of_a_regression_are_no_classes() -> None:
    ages = RNG.permutation(np.arange(20, 320))[:120]
    x = RNG.random((60, 4, 4, 1)).astype(np.float32)
    data = replace(_dataset(X, ages[:60]), train=Split(x=(x,), y=ages[60:]))
    assert not [w for w in check_dataset(data, None) if "label" in w]
    labels = {split.name: split.labels for split in summarize_dataset(data).splits}
    assert labels["test"] == f"whole numbers from {min(ages[:60])} to {max(ages[:60])}"
    data = replace(_dataset(X, Y % 2), train=Split(x=(x,), y=Y))
    assert "No test sample has the label 2." in check_dataset(data, None)


def test_arrays_that_mean_nothing_are_named(tmp_path: Path) -> None:
    data = load_dataset(npz(tmp_path / "d.npz", x_test=X, y_test=Y, group_tests=Y, noise=Y))
    assert data.ignored == ("group_tests", "noise")
    warnings = check_dataset(data, None)
    assert "The array group_tests is not used: it means nothing here. Did you mean group_test?" in warnings
    assert "The array noise is not used: it means nothing here." in warnings
    with pytest.raises(DataError, match=r"'x_calibration', which means nothing here\. Did you mean x_calib\?"):
        load_dataset(npz(tmp_path / "e.npz", x_test=X, x_calibration=X))


@pytest.mark.parametrize(("low", "high"), [(0, 7), (-1, 1), (1, 2)])
def test_two_labels_of_a_sigmoid_are_0_and_1(tmp_path: Path, low: int, high: int) -> None:
    data = load_dataset(npz(tmp_path / "d.npz", x_test=X, y_test=np.where(Y == 0, high, low)))
    with pytest.raises(DataError, match=f"the labels {low} and {high}; the model's output is one sigmoid") as caught:
        check_dataset(data, INPUTS, probability=True)
    assert f"(y_test == {high}).astype(int)" in str(caught.value)
    check_dataset(data, INPUTS)
    right = load_dataset(npz(tmp_path / "e.npz", x_test=X, y_test=(Y == 0).astype(int)))
    check_dataset(right, INPUTS, probability=True)


def test_labels_with_gaps_are_listed(tmp_path: Path) -> None:
    data = load_dataset(npz(tmp_path / "d.npz", x_test=X, y_test=np.where(Y == 0, 7, 0)))
    assert summarize_dataset(data).splits[0].labels == "2 labels (0, 7), 20 to 40 samples each"
