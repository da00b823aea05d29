"""Reference interpreters in child processes: right outputs, contained crashes, no hangs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import zlib

import numpy as np
import pytest
from tflite_builder import ModelBuilder

from edgeq.errors import DataError, InterpreterError, ModelError
from edgeq.records import Progress, Reference
from edgeq.reference import (
    ReferenceWorker,
    available,
    layer_crcs,
    layer_outputs,
    measure_arena,
    primary,
    run_reference,
    run_references,
    version,
    why_unavailable,
)
from edgeq.reference import run as run_module
from edgeq.reference.children import Child

PRIMARY = primary()[0]
needs_tflm = pytest.mark.skipif(not available(Reference.TFLM), reason="the tflite-micro wheel is not for this machine")
REFERENCES = [r for r in Reference if available(r)]


def two_layers() -> bytes:
    """y = x + 1, z = −2·(y − 0): MUL and ADD with constants, all scales 1."""
    model = ModelBuilder()
    x, y, z = (model.tensor(n, (1, 4), scale=1.0) for n in "xyz")
    one = model.tensor("one", (1, 1), data=[[1]], scale=1.0)
    minus_two = model.tensor("minus two", (1, 1), data=[[-2]], scale=1.0)
    model.op("ADD", [x, one], [y])
    model.op("MUL", [y, minus_two], [z])
    return model.finish([x], [z])


def crashing() -> bytes:
    """A softmax whose input scale makes the interpreters abort."""
    model = ModelBuilder()
    x = model.tensor("x", (1, 4), scale=1e-9)
    y = model.tensor("y", (1, 4), scale=1 / 256, zero_point=-128)
    model.op("SOFTMAX", [x], [y], beta=1.0)
    return model.finish([x], [y])


def refused() -> bytes:
    """GELU has no kernel in TFLM, and no int8 kernel with these types in LiteRT."""
    model = ModelBuilder()
    x = model.tensor("x", (1, 4), "int16", scale=1.0)
    y = model.tensor("y", (1, 4), scale=1.0)
    model.op("GELU", [x], [y])
    return model.finish([x], [y])


X = np.asarray([[1, 2, 3, 4], [-5, 6, -70, 80], [0, 0, 0, 0]], np.int8)
Z = np.clip(-2 * (X.astype(int) + 1), -128, 127)


@pytest.mark.parametrize("reference", REFERENCES)
def test_outputs(reference: Reference) -> None:
    result = run_reference(two_layers(), (X,), reference)
    assert result.reference is reference and result.version == version(reference)
    (output,) = result.outputs
    assert output.dtype == np.int8 and output.shape == (3, 4) and (output == Z).all()


def test_the_batch_dimension_may_be_given() -> None:
    (output,) = run_reference(two_layers(), (X.reshape(3, 1, 4),), PRIMARY).outputs
    assert (output == Z).all()


def test_samples_may_be_divided_among_processes() -> None:
    many = np.random.default_rng(0).integers(-128, 128, (101, 4)).astype(np.int8)
    started: list[tuple[str, int]] = []
    done: list[int] = []
    progress = Progress(start=lambda what, total: started.append((what, total)), step=done.append)
    one = run_reference(two_layers(), (many,), PRIMARY)
    two = run_reference(two_layers(), (many,), PRIMARY, processes=3, progress=progress)
    assert (one.outputs[0] == two.outputs[0]).all()
    assert [total for _, total in started] == [101] and sum(done) == 101


def test_several_interpreters_at_once() -> None:
    references = [PRIMARY, Reference.LITERT_REFERENCE, Reference.LITERT_DEFAULT]
    done: list[int] = []
    runs = run_references(two_layers(), (X,), references, progress=Progress(step=done.append))
    assert [r.reference for r in runs.outputs] == references and not runs.failures
    assert all((r.outputs[0] == Z).all() for r in runs.outputs)
    assert sum(done) == 9


@needs_tflm
def test_a_reference_that_is_not_required_may_fail() -> None:
    """TFLM computes a convolution without a bias; LiteRT refuses it."""
    model = ModelBuilder()
    x, y = (model.tensor(n, (1, 2, 2, 1), scale=1.0) for n in "xy")
    w = model.tensor("w", (1, 1, 1, 1), data=np.ones((1, 1, 1, 1)), scale=1.0)
    model.op("CONV_2D", [x, w], [y], stride_w=1, stride_h=1)
    content, inputs = model.finish([x], [y]), (X.reshape(3, 2, 2, 1),)
    references = [Reference.TFLM, Reference.LITERT_REFERENCE]
    runs = run_references(content, inputs, references, required=[Reference.TFLM])
    assert [r.reference for r in runs.outputs] == [Reference.TFLM]
    assert (runs.outputs[0].outputs[0] == inputs[0]).all()
    assert "refused the model" in str(runs.failures[Reference.LITERT_REFERENCE])
    with pytest.raises(InterpreterError, match="refused the model"):
        run_references(content, inputs, references)


def test_one_failure_ends_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """One interpreter refuses at once; the other child, which would never answer, is killed and nobody waits for it."""
    started = run_module.ReferenceWorker._started

    def frozen(worker: ReferenceWorker) -> Child:
        child = started(worker)
        if worker.reference is Reference.LITERT_DEFAULT:
            os.kill(child.process.pid, signal.SIGSTOP)
        return child

    monkeypatch.setattr(run_module.ReferenceWorker, "_started", frozen)
    with pytest.raises(InterpreterError, match="refused the model"):
        run_references(refused(), (X.astype(np.int16),), [Reference.LITERT_DEFAULT, PRIMARY], processes=2)


def test_no_samples() -> None:
    (output,) = run_reference(two_layers(), (X[:0],), PRIMARY).outputs
    assert output.shape == (0, 4) and output.dtype == np.int8


@pytest.mark.parametrize("reference", [PRIMARY, Reference.LITERT_REFERENCE])
def test_layers(reference: Reference) -> None:
    layers = layer_outputs(two_layers(), (X,), (1, 2), reference=reference)
    assert set(layers) == {1, 2}
    assert layers[1].shape == (3, 1, 4)
    assert (layers[1][:, 0] == X + 1).all() and (layers[2][:, 0] == Z).all()
    crcs = layer_crcs(two_layers(), (X,), (1, 2), reference=reference)
    assert crcs.dtype == np.uint32
    assert crcs.tolist() == [[zlib.crc32(layers[i][s].tobytes()) for i in (1, 2)] for s in range(3)]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ((), "1 inputs, the data 0"),
        ((X, X), "1 inputs, the data 2"),
        ((X.astype(np.float32),), 'Input "x" is int8, the data float32'),
        ((X[:, :3],), 'Input "x" has shape (1, 4), one sample (3,)'),
        ((np.int8(3),), "one sample"),
    ],
)
def test_wrong_inputs(inputs: tuple[np.ndarray, ...], message: str) -> None:
    with pytest.raises(DataError) as caught:
        run_reference(two_layers(), inputs, PRIMARY)
    assert message in str(caught.value)


def test_wrong_model() -> None:
    with pytest.raises(ModelError, match="damaged"):
        run_reference(two_layers()[:200], (X,), PRIMARY)


@pytest.mark.parametrize("reference", [PRIMARY, Reference.LITERT_REFERENCE])
def test_a_crash_is_contained_and_the_next_model_runs(reference: Reference) -> None:
    with ReferenceWorker(reference) as worker:
        with pytest.raises(InterpreterError) as caught:
            worker.run(crashing(), (X,))
        assert "crashed on this model (SIGABRT)" in caught.value.message
        assert caught.value.hint and "edgeq inspect" in caught.value.hint
        assert (worker.run(two_layers(), (X,))[0] == Z).all()


@pytest.mark.parametrize("reference", REFERENCES)
def test_a_refusal_has_the_interpreters_words_and_keeps_the_child(reference: Reference) -> None:
    with ReferenceWorker(reference) as worker:
        worker.run(two_layers(), (X,))
        child = worker._child
        with pytest.raises(InterpreterError) as caught:
            worker.run(refused(), (X.astype(np.int16),))
        assert "refused the model" in caught.value.message
        if reference is Reference.TFLM:
            assert "GELU" in caught.value.message
        assert (worker.run(two_layers(), (X,))[0] == Z).all()
        assert worker._child is child


def test_a_killed_child_is_replaced() -> None:
    with ReferenceWorker(PRIMARY) as worker:
        worker.run(two_layers(), (X,))
        assert worker._child is not None
        os.kill(worker._child.process.pid, signal.SIGKILL)
        worker._child.process.wait()
        assert (worker.run(two_layers(), (X,))[0] == Z).all()


def test_a_silent_child_is_stopped() -> None:
    with ReferenceWorker(PRIMARY, stall_seconds=30) as worker:
        worker.run(two_layers(), (X,))
        child = worker._child
        assert child is not None
        os.kill(child.process.pid, signal.SIGSTOP)
        worker._stall_seconds = 0.2
        with pytest.raises(InterpreterError, match=r"no sign of life for 0\.2 s"):
            worker.run(two_layers(), (X,))
        assert not child.lives


def test_nothing_is_left_behind(tmp_path: object) -> None:
    with ReferenceWorker(PRIMARY) as worker:
        worker.run(two_layers(), (X,))
        child = worker._child
    assert child is not None and not child.lives
    assert not os.path.exists(child.folder.name)  # noqa: PTH110
    assert threading.active_count() < 20


@needs_tflm
def test_the_arena_is_measured_and_enough() -> None:
    measured = measure_arena(two_layers())
    assert 100 < measured < 10_000
    # TFLM runs in that much, and not in 16 bytes less, in processes of their own.
    script = (
        "import sys; from tflite_micro.python.tflite_micro import runtime\n"
        "i = runtime.Interpreter.from_bytes(sys.stdin.buffer.read(), arena_size=int(sys.argv[1])); i.invoke()"
    )
    codes = [
        subprocess.run([sys.executable, "-c", script, str(n)], input=two_layers(), capture_output=True, check=False)
        for n in (measured, measured - 16)
    ]
    assert codes[0].returncode == 0 and codes[1].returncode != 0


def test_where_tflm_does_not_exist_litert_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "_PACKAGES", {**run_module._PACKAGES, Reference.TFLM: ("no_such", "tflite-micro")})
    monkeypatch.setattr(run_module.platform, "machine", lambda: "arm64")
    reference, note = primary()
    assert reference is Reference.LITERT_REFERENCE
    assert note is not None and "stand in" in note and "arm64" in note
    assert why_unavailable(Reference.LITERT_REFERENCE) is None
    with pytest.raises(InterpreterError) as caught:
        measure_arena(two_layers())
    assert "not available" in str(caught.value) and "stand in" in str(caught.value)


def test_neither_parent_nor_child_imports_tensorflow() -> None:
    script = (
        "import sys, edgeq.reference, edgeq.reference.child, edgeq.reference.litert\n"
        "assert not {'tensorflow', 'keras'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
