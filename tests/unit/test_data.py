"""Data are read from all sources, and what cannot be right is refused with the reason."""

from __future__ import annotations

import io
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq import process
from edgeq.data import check_dataset, load_dataset, random_dataset, render_data_summary, summarize_dataset
from edgeq.errors import DataError
from edgeq.records import Dataset, ValueSpec

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
    assert "Classes: 0, 1, 2" in _printed(replace(data, class_names=("0", "1", "2")))
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
