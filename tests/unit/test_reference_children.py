"""Interpreters' processes that stay for the next request, and no longer than they should."""

from __future__ import annotations

import os
import threading

import numpy as np
import pytest
from tflite_builder import ModelBuilder

from edgeq.errors import InterpreterError
from edgeq.reference import ReferenceWorker, kept_children, primary, run_reference
from edgeq.reference import children as children_module
from edgeq.reference.children import Child

PRIMARY = primary()[0]
X = np.arange(8, dtype=np.int8).reshape(2, 4)


def plus_one() -> bytes:
    model = ModelBuilder()
    x, y = (model.tensor(name, (1, 4), scale=1.0) for name in "xy")
    one = model.tensor("one", (1, 1), data=[[1]], scale=1.0)
    model.op("ADD", [x, one], [y])
    return model.finish([x], [y])


def refused() -> bytes:
    """GELU has no int16 kernel."""
    model = ModelBuilder()
    x, y = (model.tensor(name, (1, 4), "int16", scale=1.0) for name in "xy")
    model.op("GELU", [x], [y])
    return model.finish([x], [y])


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[Child]:
    """The children that begin."""
    found: list[Child] = []

    def noted(**fields: object) -> Child:
        found.append(Child(**fields))  # type: ignore[arg-type]
        return found[-1]

    monkeypatch.setattr(children_module, "Child", noted)
    return found


def answer() -> None:
    (y,) = run_reference(plus_one(), [X], PRIMARY).outputs
    np.testing.assert_array_equal(y, X + 1)


def test_one_child_answers_all_within_the_block(begun: list[Child]) -> None:
    with kept_children():
        answer()
        with pytest.raises(InterpreterError, match="refused"), ReferenceWorker(PRIMARY) as worker:
            worker.run(refused(), [X.astype(np.int16)])
        with kept_children():
            answer()
        answer()
        (child,) = begun
        assert child.lives
    assert not child.lives
    assert not os.path.exists(child.folder.name)  # noqa: PTH110 (a name, not a path)
    answer()
    assert [c.lives for c in begun] == [False, False]


def test_a_kept_child_that_died_is_replaced(begun: list[Child]) -> None:
    with kept_children():
        answer()
        begun[0].process.kill()
        begun[0].process.wait()
        answer()
    assert len(begun) == 2
    assert not any(os.path.exists(child.folder.name) for child in begun)  # noqa: PTH110


def test_two_at_a_time_are_two(begun: list[Child]) -> None:
    with kept_children():
        with ReferenceWorker(PRIMARY) as one, ReferenceWorker(PRIMARY) as two:
            for worker in (one, two):
                worker.run(plus_one(), [X])
        assert len(begun) == 2
        assert sum(child.lives for child in begun) == 1


def test_other_threads_have_none(begun: list[Child]) -> None:
    """A child dies with the thread that started it."""
    with kept_children():
        thread = threading.Thread(target=answer)
        thread.start()
        thread.join()
        assert [child.lives for child in begun] == [False]
        run_reference(plus_one(), [X], PRIMARY, processes=2)
        assert [child.lives for child in begun] == [False] * 3
