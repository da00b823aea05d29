"""The tflm engine's decisions on the host: what is run, with which arena, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from projects import small_model
from streaming_model import streaming
from tflite_builder import ModelBuilder

from edgeq.errors import EdgeqError, InputError, ToolError, UnsupportedError
from edgeq.interpreter import choose_arena, interpreted_program, kernel_notes, running, unusual_inputs
from edgeq.link.codes import Problem
from edgeq.link.messages import EngineState
from edgeq.link.problems import explained
from edgeq.lower.interpreted import file_ops, least_arena
from edgeq.lower.trace import trace_points
from edgeq.model.flatbuffer import parse_tflite
from edgeq.records import Quantized
from edgeq.toolchain.tflm import TflmLibrary
from edgeq.toolchain.tflm_words import explained as words_explained


def quantized(content: bytes) -> Quantized:
    graph = parse_tflite(content)
    return Quantized(content=content, graph=graph, method=None, float_model=None, calibration_samples=0, seed=0)


def relu6(out_scale: float) -> bytes:
    m = ModelBuilder()
    x = m.tensor("x", (1, 8), scale=0.1, zero_point=0)
    y = m.tensor("y", (1, 8), scale=out_scale, zero_point=-3)
    m.op("RELU6", [x], [y])
    return m.finish([x], [y])


def test_every_op_is_a_call_with_a_trace_point() -> None:
    model = quantized(small_model())
    run = running(model)
    assert run.content is model.content
    assert run.equal_model is None
    program = interpreted_program(run, model, choose_arena(8192, run.graph, before=None, on_host=None))
    assert [c.kernel for c in program.calls] == [op.name for op in model.graph.ops]
    assert [p.tensor for p in trace_points(program)] == [op.outputs[0] for op in model.graph.ops]
    assert (program.arena_bytes, program.placements) == (8192, {})


def test_relu6_with_unequal_scales_runs_as_an_equal_model() -> None:
    """What stands in its place has no tensor in the user's model, and no fingerprint."""
    model = quantized(relu6(out_scale=0.05))
    run = running(model)
    assert run.equal_model is not None
    assert "RELU6 ignores its output's scale" in run.equal_model
    assert [op.name for op in run.graph.ops] == ["RELU", "MINIMUM"]
    program = interpreted_program(run, model, choose_arena(4096, run.graph, before=None, on_host=None))
    assert program.model_sha256 == model.graph.sha256
    assert [(p.call, p.tensor) for p in trace_points(program)] == [(1, model.graph.outputs[0])]


def test_op_that_tflm_computes_wrong_is_refused() -> None:
    m = ModelBuilder()
    x = m.tensor("x", (1, 1, 1, 2), scale=0.1)
    size = m.tensor("size", (2,), "int32", data=np.array([120, 120]))
    y = m.tensor("y", (1, 120, 120, 2), scale=0.1)
    m.op("RESIZE_BILINEAR", [x, size], [y], align_corners=False, half_pixel_centers=False)
    with pytest.raises(UnsupportedError, match=r"op 0 RESIZE_BILINEAR .* reads behind the last row") as caught:
        running(quantized(m.finish([x], [y])))
    assert "Use the aot engine" in str(caught.value)


def test_op_that_tflm_gets_wrong_on_unusual_inputs_is_a_note() -> None:
    m = ModelBuilder()
    x, y = (m.tensor(name, (1, 8), scale=0.1, zero_point=-128) for name in "xy")
    m.op("RSQRT", [x], [y])
    model = quantized(m.finish([x], [y]))
    assert [e.rule for e in unusual_inputs(running(model).graph)] == ["rsqrt"]


@pytest.mark.parametrize("cmsis_nn_lstm", [True, False])
def test_an_lstm_of_cmsis_nn_is_a_note(cmsis_nn_lstm: bool) -> None:
    library = TflmLibrary(
        archive=Path("lib.a"), include_dirs=(), stripped=True, cmsis_nn=True, cmsis_nn_lstm=cmsis_nn_lstm,
        schema_version=3, methods=frozenset(), sha256="0" * 64,
    )  # fmt: skip
    assert kernel_notes(library, parse_tflite(small_model())) == ()
    notes = kernel_notes(library, parse_tflite(streaming()))
    assert [note.split(",")[0] for note in notes] == [
        "This library runs UNIDIRECTIONAL_SEQUENCE_LSTM with CMSIS-NN's kernel"
    ] * cmsis_nn_lstm


def test_arena() -> None:
    graph = parse_tflite(small_model())
    assert least_arena(graph) == 6 * 6 * 3 + 6 * 6 * 6
    assert choose_arena(6001, graph, before=9, on_host=9).nbytes == 6016
    tight = choose_arena(None, graph, before=4321, on_host=9999)
    assert (tight.nbytes, tight.words) == (4336, "As an earlier build's device reported it: 4,321 bytes are used.")
    estimate = choose_arena(None, graph, before=None, on_host=8000)
    assert estimate.nbytes == 11056
    assert "An estimate: 8,000 bytes measured on a 64-bit host" in estimate.words
    with pytest.raises(InputError, match="one operator of this model alone reads and writes 324 bytes"):
        choose_arena(323, graph, before=None, on_host=None)
    with pytest.raises(InputError, match="no interpreter on this computer") as caught:
        choose_arena(None, graph, before=None, on_host=None)
    assert "--arena 64K" in str(caught.value)


def test_shape_ops_run_too() -> None:
    """A Graph has their results as constants; the interpreter computes them, and counts them."""
    m = ModelBuilder()
    x = m.tensor("x", (1, 4), scale=0.1)
    shape = m.tensor("shape", (2,), "int32")
    m.op("SHAPE", [x], [shape], out_type=2)
    y = m.tensor("y", (1, 4), scale=0.1)
    m.op("RESHAPE", [x, shape], [y])
    model = quantized(m.finish([x], [y]))
    assert [op.name for op in model.graph.ops] == ["RESHAPE"]
    assert [op.name for op in file_ops(model.graph)] == ["SHAPE", "RESHAPE"]
    program = interpreted_program(running(model), model, choose_arena(4096, model.graph, before=None, on_host=None))
    assert [(p.call, p.tensor) for p in trace_points(program)] == [(1, model.graph.outputs[0])]


@pytest.mark.parametrize(
    ("problem", "detail", "said"),
    [
        (Problem.ARENA, 4000, ("needs more than the 4,000 bytes of its arena", "--arena 5120")),
        (Problem.OPERATOR, 3, ("no kernel for one of the model's operators (builtin code 3", "build again")),
        (Problem.PREPARE, 7, ("refuses operator 7 of the model", "edgeq inspect")),
        (Problem.INVOKE, 7, ("kernel of operator 7 ended with an error", "docs/exceptions.md")),
        (Problem.SCHEMA, 4, ("schema version 4 only", "of the model's version")),
        (Problem.LIBRARY, 0, ("compiled with other headers than the application", "--tflm-root")),
        (Problem.TENSORS, 12, ("has 12 bytes in the interpreter", "Build the firmware again")),
        (Problem.START, 1, ("could not register the operators", "error strings", "--device tflm-host")),
        (Problem.START, 2, ("could not allocate the tensors, for another reason than a small arena", "tflm-host")),
        (99, 0, ("It did not start.", "Build the firmware again")),
    ],
)
def test_problems_of_the_device_in_words(problem: int, detail: int, said: tuple[str, ...]) -> None:
    error = explained(EngineState(arena_used=0, problem=problem, detail=detail, words=""), "It did not start")
    for part in said:
        assert part in str(error)


def test_how_much_an_arena_lacks_is_told_where_it_is_known() -> None:
    state = EngineState(arena_used=9000, problem=Problem.ARENA, detail=4000, words="")
    error = explained(state, "It did not start")
    assert "more than the 4,000 bytes of its arena, at least 9,000." in error.message
    assert "--arena 11264" in str(error)


def test_the_interpreters_own_words_are_told() -> None:
    state = EngineState(arena_used=0, problem=Problem.ARENA, detail=64, words="Failed to resize buffer")
    assert 'It says: "Failed to resize buffer"' in explained(state, "No").message
    assert EngineState.unpack(state.pack()) == state


@pytest.mark.parametrize(
    ("printed", "kind", "said"),
    [
        (
            "x.o: in function `f': undefined reference to `tflite::Register_CONV_2D()'\n"
            "x.o: undefined reference to `tflite::Register_SOFTMAX()'",
            UnsupportedError,
            "has no kernel for CONV_2D, SOFTMAX, which its headers declare",
        ),
        (
            "undefined reference to `tflite::MicroInterpreter::MicroInterpreter(tflite::Model const*)'",
            ToolError,
            "do not belong together: the library lacks\n  tflite::MicroInterpreter::MicroInterpreter(",
        ),
        (
            "a.h:3:10: fatal error: ruy/profiler/instrumentation.h: No such file or directory",
            ToolError,
            "include ruy/profiler/instrumentation.h, which is in none of the folders",
        ),
        (
            "static assertion failed: Non-compatible flatbuffers version included",
            ToolError,
            "was made for another version of FlatBuffers",
        ),
        ("error: lib.a(x.o) uses VFP register arguments, y.elf does not", ToolError, "for another core or calling"),
        ("internal compiler error", ToolError, "internal compiler error"),
    ],
)
def test_what_gcc_says_in_words(printed: str, kind: type[EdgeqError], said: str) -> None:
    with pytest.raises(kind) as caught, words_explained():
        raise ToolError(f"Linking firmware.elf with gcc: exit status 1.\n{printed}")
    assert said in caught.value.message
