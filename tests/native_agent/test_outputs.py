"""The native agent computes what LiteRT computes through Python, on this machine and on an emulated ARM64 one."""

from __future__ import annotations

import types
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from numpy.typing import NDArray
from running import Running
from tflite_builder import ModelBuilder

from edgeq.devices.samples import fitting
from edgeq.link.codes import TicksKind
from edgeq.link.session import Session
from edgeq.model.flatbuffer import parse_tflite
from edgeq.records import Reference
from edgeq.reference import run_reference

pytestmark = pytest.mark.xdist_group("native-agent")

Samples = tuple[NDArray[np.generic], ...]


def random_samples(content: bytes, count: int) -> Samples:
    rng = np.random.default_rng(7)
    shapes = [((count, *t.shape[1:]), t.dtype.value) for t in parse_tflite(content).input_tensors]
    return tuple(
        rng.integers(-128, 128, shape).astype(dtype) if dtype == "int8" else rng.normal(size=shape).astype(dtype)
        for shape, dtype in shapes
    )


def outputs_of(agent: Running, model: Path, inputs: Samples, *options: str) -> tuple[bytes, ...]:
    """Of every output, all samples."""
    with agent(model, *options) as running, Session.connect(running.url, timeout=60) as session:
        fit = fitting(session.inputs, inputs)
        results = list(session.run_many(tuple(a[i].tobytes() for a in fit) for i in range(len(fit[0]))))
    return tuple(b"".join(r.outputs[i] for r in results) for i in range(len(results[0].outputs)))


def in_file(content: bytes, folder: Path) -> Path:
    path = folder / "model.tflite"
    path.write_bytes(content)
    return path


def float_model() -> bytes:
    b = ModelBuilder()
    rng = np.random.default_rng(3)
    x = b.tensor("x", (1, 20), "float32")
    w = b.tensor("w", (5, 20), "float32", data=rng.normal(size=(5, 20)))
    bias = b.tensor("b", (5,), "float32", data=rng.normal(size=5))
    y, z = b.tensor("y", (1, 5), "float32"), b.tensor("z", (1, 5), "float32")
    b.op("FULLY_CONNECTED", [x, w, bias], [y], fused_activation_function="RELU")
    b.op("SOFTMAX", [y], [z], beta=1.0)
    return b.finish([x], [z])


@pytest.mark.parametrize("name", ["demo", "mobilenet_v1", "two_in_two_out"])
def test_int8_outputs_are_those_of_xnnpack_through_python(
    name: str, zoo: types.ModuleType, host_agent: Running, tmp_path: Path
) -> None:
    content = zoo.zoo_tflite(name)
    inputs = random_samples(content, 40)
    expected = run_reference(content, inputs, Reference.LITERT_DEFAULT).outputs
    assert outputs_of(host_agent, in_file(content, tmp_path), inputs) == tuple(e.tobytes() for e in expected)
    assert outputs_of(host_agent, tmp_path / "model.tflite", inputs, "--threads", "2") == tuple(
        e.tobytes() for e in expected
    )


def without_xnnpack(path: Path, inputs: Samples) -> bytes:
    resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(model_path=str(path), experimental_op_resolver_type=resolver)
    interpreter.allocate_tensors()
    answers = []
    for sample in inputs[0]:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], sample[None])
        interpreter.invoke()
        answers.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).tobytes())
    return b"".join(answers)


def test_builtin_kernels_are_those_of_litert_without_xnnpack(
    zoo: types.ModuleType, host_agent: Running, tmp_path: Path
) -> None:
    content = zoo.zoo_tflite("demo")
    inputs = random_samples(content, 60)
    path = in_file(content, tmp_path)
    expected = without_xnnpack(path, inputs)
    assert outputs_of(host_agent, path, inputs, "--kernels", "builtin") == (expected,)
    assert outputs_of(host_agent, path, inputs) != (expected,)


@pytest.mark.parametrize("name", ["two_in_two_out", "demo", "mobilenet_v1"])
def test_int8_outputs_of_arm64_are_those_of_x86(
    name: str, zoo: types.ModuleType, arm64_agent: Running, tmp_path: Path
) -> None:
    """XNNPACK's bits are the same on both. SOFTMAX is LiteRT's own, and rounds to the other side now and then."""
    content = zoo.zoo_tflite(name)
    graph = parse_tflite(content)
    inputs = random_samples(content, 10)
    expected = run_reference(content, inputs, Reference.LITERT_DEFAULT).outputs
    outputs = outputs_of(arm64_agent, in_file(content, tmp_path), inputs)
    for tensor, data, wanted in zip(graph.output_tensors, outputs, expected, strict=True):
        values = np.frombuffer(data, wanted.dtype).reshape(wanted.shape)
        behind = next(op.name for op in graph.ops if tensor.index in op.outputs)
        np.testing.assert_allclose(
            values.astype(int), wanted.astype(int), rtol=0, atol=1 if behind == "SOFTMAX" else 0, err_msg=behind
        )


def test_a_float32_model_runs(host_agent: Running, tmp_path: Path) -> None:
    content = float_model()
    (x,) = random_samples(content, 8)
    expected = run_reference(content, (x,), Reference.LITERT_DEFAULT).outputs[0]
    assert outputs_of(host_agent, in_file(content, tmp_path), (x,)) == (expected.tobytes(),)


def test_what_it_tells_of_itself(zoo: types.ModuleType, host_agent: Running, tmp_path: Path) -> None:
    content = zoo.zoo_tflite("two_in_two_out")
    graph = parse_tflite(content)
    with host_agent(in_file(content, tmp_path)) as running, Session.connect(running.url) as session:
        hello = session.hello
        assert (hello.board, hello.engine, hello.model) == ("linux-x86_64", "litert", "model")
        assert hello.sha256 == graph.sha256
        assert (hello.ticks_kind, hello.ticks_hz, hello.trace_point_count) == (TicksKind.TIMER, 10**9, 0)
        assert hello.op_count == len(graph.ops)
        for told, tensors in ((session.inputs, graph.input_tensors), (session.outputs, graph.output_tensors)):
            assert [(t.name, t.shape, t.dtype, t.nbytes) for t in told] == [
                (t.name, t.shape, t.dtype.value, t.nbytes) for t in tensors
            ]
            for t, given in zip(told, tensors, strict=True):
                assert given.quantization is not None
                assert (t.scale, t.zero_point) == (given.quantization.scales[0], given.quantization.zero_points[0])


def test_it_counts_every_inference_and_starts_anew(zoo: types.ModuleType, host_agent: Running, tmp_path: Path) -> None:
    content = zoo.zoo_tflite("demo")
    (x,) = random_samples(content, 1)
    with host_agent(in_file(content, tmp_path)) as running, Session.connect(running.url) as session:
        result = session.run((x.tobytes(),), repeat=50)
        assert 0 < result.ticks_min <= result.ticks <= result.ticks_max
        assert 50 * result.ticks_min <= result.ticks_sum <= 50 * result.ticks_max
        times = session.times((x.tobytes(),), 300)
        assert times is not None and len(times) == 300 and min(times) > 0
        assert session.selftest()
        session.reset()
        assert session.stats().runs == 0
        assert session.run((x.tobytes(),)).outputs == result.outputs
        assert session.trace((x.tobytes(),)) == ()
