"""Ctrl-C reaches edgeq even if what it runs swallows it."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgeq.interruption import held, not_swallowed, raise_if_swallowed, scratch_folder
from edgeq.model.runtime import quiet
from edgeq.stopwatch import Stopwatch


@pytest.fixture(autouse=True)
def deaf_to_no_signal() -> Any:
    """A suite in the background is deaf to SIGINT."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def swallow() -> None:
    """What TensorFlow's converter does to a signal for most of its time."""
    with contextlib.suppress(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("block", [not_swallowed, quiet, lambda: Stopwatch()("quantize")])
def test_the_block_ends_with_it(block: Callable[[], AbstractContextManager[Any]]) -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), block():
        swallow()
    with pytest.raises(KeyboardInterrupt) as caught, block():
        swallow()
        raise RuntimeError("converter failed")
    assert isinstance(caught.value.__cause__, RuntimeError)
    with pytest.raises(ValueError, match="another"), block():
        raise ValueError("another")
    with block(), not_swallowed():
        pass
    assert signal.getsignal(signal.SIGINT) is before


def test_a_long_loop_within_ends_with_it() -> None:
    turns: list[int] = []
    with pytest.raises(KeyboardInterrupt), not_swallowed(), not_swallowed():
        for turn in range(10):
            raise_if_swallowed()
            turns.append(turn)
            swallow()
    assert turns == [0]
    raise_if_swallowed()


def test_an_unswallowed_one_comes_at_once() -> None:
    reached = False
    with pytest.raises(KeyboardInterrupt), not_swallowed():
        signal.raise_signal(signal.SIGINT)
        reached = True
    assert not reached


def test_ignored_signals_stay_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with not_swallowed():
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_what_is_held_comes_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a signal comes while the operating system makes the folder."""
    done = False
    with pytest.raises(KeyboardInterrupt), held():
        signal.raise_signal(signal.SIGINT)
        done = True
    assert done
    mkdir = os.mkdir

    def slow(*arguments: Any) -> None:
        mkdir(*arguments)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(os, "mkdir", slow)
    with pytest.raises(KeyboardInterrupt), scratch_folder():
        pytest.fail("the block was entered")
    gc.collect()
    assert not list(tmp_path.iterdir())


def test_other_threads_do_not_mind() -> None:
    def work() -> int:
        with not_swallowed():
            return 1

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(work).result() == 1


def test_training_ends_with_the_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    from edgeq.training import train as training

    epochs: list[int] = []

    class Run:
        finished = property(lambda self: len(epochs) >= 100)

        def __init__(self, *args: Any) -> None:
            self.epochs = epochs

        def begin(self, checkpoints: Any) -> None:
            return None

        def epoch(self) -> None:
            swallow()
            epochs.append(1)

    monkeypatch.setattr(training, "_Run", Run)
    plan: Any = SimpleNamespace(notes=(), epochs=100)
    with pytest.raises(KeyboardInterrupt):
        training.train(None, plan, what="training")
    assert len(epochs) == 1
