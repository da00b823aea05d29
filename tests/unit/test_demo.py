"""The demo trains a real model, to the accuracy that it promises."""

from __future__ import annotations

import contextlib
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgeq.interruption import not_swallowed
from edgeq.records import Progress

pytestmark = pytest.mark.xdist_group("tensorflow")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, list[Any]]:
    from edgeq.digits import make_demo

    told: list[Any] = []
    progress = Progress(start=lambda what, total=None: told.append(total), step=lambda n=1: told.append(n))
    return *make_demo(tmp_path_factory.mktemp("demo") / "new" / "folder", progress=progress), told


def test_the_split_is_fair(demo: tuple[Path, Path, list[Any]]) -> None:
    from edgeq.data import check_dataset, load_dataset

    data = load_dataset(str(demo[1]))
    assert data.train is not None
    assert data.validation is not None
    assert [len(s) for s in (data.train, data.validation, data.test)] == [1100, 197, 500]
    assert len(data.class_names) == 10
    assert check_dataset(data, None, 10) == ()  # among others: no test sample was trained on
    assert data.test.y is not None
    assert np.bincount(data.test.y.astype(int)).min() >= 45


def test_accuracy_in_float_and_int8(demo: tuple[Path, Path, list[Any]]) -> None:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    from edgeq.data import load_dataset
    from edgeq.model.load import load_float_model
    from edgeq.quantize import quantize
    from edgeq.reference.float_model import float_outputs

    model = load_float_model(demo[0])
    data = load_dataset(str(demo[1]), inputs=model.inputs)
    assert np.mean(float_outputs(model, data.test.x)[0].argmax(axis=1) == data.test.y) >= 0.97
    quantized = quantize(model, data)
    names = {op.name for op in quantized.graph.ops}
    assert {"CONV_2D", "DEPTHWISE_CONV_2D", "ADD", "MAX_POOL_2D", "FULLY_CONNECTED", "SOFTMAX"} <= names
    interpreter = Interpreter(
        model_content=quantized.content, experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    )
    interpreter.allocate_tensors()
    (inp,), (out,) = interpreter.get_input_details(), interpreter.get_output_details()
    scale, zero_point = inp["quantization"]
    predicted = []
    for sample in data.test.x[0]:
        interpreter.set_tensor(
            inp["index"], np.clip(np.round(sample[None] / scale) + zero_point, -128, 127).astype(np.int8)
        )
        interpreter.invoke()
        predicted.append(interpreter.get_tensor(out["index"])[0].argmax())
    assert np.mean(np.array(predicted) == data.test.y) >= 0.96


def test_progress_and_files(demo: tuple[Path, Path, list[Any]]) -> None:
    model_path, data_path, told = demo
    assert {p.name for p in model_path.parent.iterdir()} == {model_path.name, data_path.name, "demo.json"}
    assert told[0] == len(told) - 1  # one step per epoch was announced and made


def test_the_same_seed_gives_the_same_files(tmp_path: Path) -> None:
    from edgeq.digits import make_demo

    first, again, other = (
        make_demo(tmp_path / name, seed=seed, epochs=1) for name, seed in (("a", 3), ("b", 3), ("c", 4))
    )
    assert first[0].read_bytes() == again[0].read_bytes()
    assert first[1].read_bytes() == again[1].read_bytes()
    assert first[0].read_bytes() != other[0].read_bytes()
    assert first[1].read_bytes() != other[1].read_bytes()


def test_a_demo_replaces_nothing_but_a_demo(tmp_path: Path) -> None:
    from edgeq.digits import check_demo_folder, make_demo
    from edgeq.errors import InputError

    own = tmp_path / "own"
    own.mkdir()
    check_demo_folder(own)
    check_demo_folder(tmp_path / "new")
    for name in ("model.keras", "data.npz"):
        (own / name).write_text("mine")
    for refuse in (check_demo_folder, make_demo):
        with pytest.raises(InputError, match="own has files in it, but is not an earlier demo"):
            refuse(own)
    assert {p.name: p.read_text() for p in own.iterdir()} == {"model.keras": "mine", "data.npz": "mine"}

    demo = tmp_path / "demo"
    make_demo(demo, epochs=1)
    (demo / "notes.txt").write_text("mine")
    make_demo(demo, epochs=1, seed=1)
    assert (demo / "notes.txt").read_text() == "mine"
    (demo / "model.keras").write_text("mine")
    with pytest.raises(InputError, match=r"model.keras is not the demo's any more"):
        make_demo(demo, epochs=1)
    (demo / "model.keras").unlink()
    check_demo_folder(demo)


def test_ctrl_c_that_tensorflow_swallows_ends_the_training(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the next batch, not after 30 epochs."""
    from edgeq import digits

    def build(keras: Any) -> Any:
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        return keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")])

    epochs: list[int] = []
    monkeypatch.setattr(digits, "_build", build)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), not_swallowed():
            digits.make_demo(tmp_path / "demo", progress=Progress(step=lambda n=1: epochs.append(n)))
    finally:
        signal.signal(signal.SIGINT, before)
    assert not epochs
    assert not list(tmp_path.iterdir())
