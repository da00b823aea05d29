"""Generated projects: what is written, that it compiles and computes, and that it is the same every time."""

from __future__ import annotations

import ctypes
import itertools
import re
import shutil
from pathlib import Path

import golden_project
import numpy as np
import pytest
from projects import (
    GCC,
    HOST,
    HOST_CPP,
    ZIG,
    compile_c,
    engine_sources,
    integers,
    make_project,
    small_model,
    tiny_model,
)

from edgeq import process
from edgeq.errors import DataError, InputError, ToolError
from edgeq.generate import tflm
from edgeq.generate.staging import MARKER
from edgeq.lower.program import Program
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.graph import DType, Quantization, Tensor
from edgeq.model.quantization import dequantize_output, quantize_input
from edgeq.records import Group, Project
from edgeq.reference import primary, run_reference
from edgeq.toolchain.elf import open_elf

Made = tuple[Project, Program]


def needs(*tools: str) -> pytest.MarkDecorator:
    missing = [t for t in tools if shutil.which(t) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Made:
    out = tmp_path_factory.mktemp("small") / "project"
    return make_project(small_model(), out, "small", labels=['a "b" \\', "??/", "é", "d"], arena_tflm_bytes=5000)


@pytest.fixture(scope="module")
def library(small: Made, tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The small model as a shared library of this machine."""
    project, _ = small
    out = tmp_path_factory.mktemp("lib") / "small.so"
    compile_c(HOST, project.root, engine_sources(project), out, "-shared", "-fPIC", "-DEDGEQ_TRACE")
    loaded = ctypes.CDLL(str(out))
    loaded.small_input.restype = loaded.small_output_0.restype = loaded.small_output_1.restype = ctypes.c_void_p
    return loaded


def read(project: Project, name: str) -> str:
    return (project.root / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", [golden_project.FOLDER, golden_project.TFLM_FOLDER], ids=["aot", "tflm"])
def test_golden_files(folder: Path) -> None:
    """What the templates write, byte by byte; tools/update-golden accepts a change."""
    found, expected = golden_project.generated(folder), golden_project.stored(folder)
    assert sorted(found) == sorted(expected), "run tools/update-golden"
    for name, content in found.items():
        assert content == expected[name], f"{name} differs; if that is right, run tools/update-golden"


@pytest.mark.parametrize("compiler", [pytest.param(GCC, marks=needs("gcc"), id="gcc"), pytest.param(ZIG, id="zig")])
@pytest.mark.parametrize("defines", [[], ["-DEDGEQ_TRACE"]], ids=["plain", "traced"])
def test_selftest_passes_without_a_warning(
    small: Made, tmp_path: Path, compiler: tuple[str, ...], defines: list[str]
) -> None:
    project, _ = small
    program = tmp_path / "selftest"
    compile_c(compiler, project.root, [*engine_sources(project), "app/selftest.c"], program, *defines)
    done = process.run([program], timeout=20, what="self-test")
    assert done.stdout == b"small: self-test passed\n"


def test_selftest_fails_on_a_changed_bias(small: Made, tmp_path: Path) -> None:
    project, _ = small
    path = project.root / "model" / "small_weights.c"
    before = path.read_text()
    # The first start value has channel 1's bias times 256 in it.
    changed = re.sub(r"(small_weights_00\[\d+\] = \{\s+)(-?\d+)", lambda m: f"{m[1]}{int(m[2]) + 256 * 5000}", before)
    assert changed != before
    try:
        path.write_text(changed)
        compile_c(HOST, project.root, [*engine_sources(project), "app/selftest.c"], tmp_path / "selftest")
    finally:
        path.write_text(before)
    with pytest.raises(ToolError, match="exit status 1") as caught:
        process.run([tmp_path / "selftest"], timeout=20, what="self-test")
    assert "SELF-TEST FAILED" in caught.value.message


@needs("make", "gcc", "ar")
def test_make_builds_and_tests_it_alone(small: Made, tmp_path: Path) -> None:
    project, _ = small
    done = process.run(
        ["make", "-s", "selftest", f"BUILD={tmp_path}"],
        timeout=120,
        what="make",
        cwd=project.root,
        env={"PATH": "/usr/bin:/bin"},
    )
    assert b"self-test passed" in done.stdout
    assert (tmp_path / "native" / "libsmall.a").is_file()


@needs("make", "arm-none-eabi-gcc")
def test_make_builds_the_firmware_alone(small: Made, tmp_path: Path) -> None:
    project, _ = small
    env = {"PATH": "/usr/bin:/bin"}
    process.run(["make", "-s", "firmware", f"BUILD={tmp_path}"], timeout=120, what="make", cwd=project.root, env=env)
    sections = sections_of(tmp_path / "firmware" / "small.elf")
    assert sections["small_arena"] == ".arena"
    assert sections["small_weights_00"] == ".weights"
    assert {sections[symbol] for symbol in project.op_symbols} == {".model"}


@needs("cmake", "gcc", "make")
def test_cmake_builds_and_tests_it(small: Made, tmp_path: Path) -> None:
    process.run(["cmake", "-S", small[0].root, "-B", tmp_path], timeout=120, what="cmake")
    process.run(["cmake", "--build", tmp_path], timeout=120, what="cmake")
    process.run([tmp_path / "small_selftest"], timeout=20, what="self-test")


def test_outputs_equal_the_reference(library: ctypes.CDLL, small: Made) -> None:
    project, program = small
    graph = parse_tflite(small_model())
    (samples,) = integers(graph, 20, seed=3)
    expected = run_reference(small_model(), [samples], primary()[0]).outputs
    assert library.small_init() == 0
    for i, sample in enumerate(samples):
        ctypes.memmove(library.small_input(), sample.tobytes(), sample.nbytes)
        assert library.small_invoke() == 0
        for address, want in zip((library.small_output_0(), library.small_output_1()), expected, strict=True):
            got = np.frombuffer(ctypes.string_at(address, want[i].nbytes), np.int8)
            assert got.tolist() == want[i].reshape(-1).tolist()
    assert project.op_symbols[0] == "small_op_00_conv_strips_dsp"
    assert all(hasattr(library, symbol) for symbol in project.op_symbols)
    assert len(program.calls) == len(project.op_symbols)


def test_trace_points_come_in_order_and_can_stop(library: ctypes.CDLL, small: Made) -> None:
    _, program = small
    seen: list[tuple[int, int]] = []
    kind = ctypes.CFUNCTYPE(ctypes.c_bool, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p, ctypes.c_uint32)

    def stop_after(limit: int) -> int:
        seen.clear()

        def trace(_context: int, point: int, _data: int, count: int) -> bool:
            seen.append((point, count))
            return point < limit

        return int(library.small_invoke_traced(kind(trace), None))

    assert stop_after(100) == 0
    assert seen == [(i, program.placements[c.outputs[0]].nbytes) for i, c in enumerate(program.calls)]
    assert stop_after(2) == 1
    assert [p for p, _ in seen] == [0, 1, 2]


EDGES = [0.0, -0.0, 0.5, -0.5, 0.49999997, 1e30, -1e30, 3.4e38, -3.4e38, 1e-45, 131072.0, -131072.0, 127.5, -128.5]


@pytest.fixture(scope="module")
def affine(small: Made, tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    out = tmp_path_factory.mktemp("affine") / "affine.so"
    compile_c(HOST, small[0].root, ["model/affine.c"], out, "-shared", "-fPIC")
    return ctypes.CDLL(str(out))


@pytest.mark.parametrize("dtype", [DType.INT8, DType.INT16])
@pytest.mark.parametrize(
    ("scale", "zero_point"), [(1 / 255, -128), (0.584702909, 83), (1e-6, 0), (3.0, 127), (1e30, 5)]
)
def test_c_and_python_quantize_alike(affine: ctypes.CDLL, dtype: DType, scale: float, zero_point: int) -> None:
    rng = np.random.default_rng(11)
    steps = rng.uniform(-300, 300, 40_000).astype(np.float32)
    halves = (rng.integers(-600, 600, 20_000) / 2).astype(np.float32)
    with np.errstate(over="ignore", under="ignore"):
        values = np.concatenate([steps, halves, np.nextafter(halves, np.float32(9)), np.float32(EDGES)])
        values = np.concatenate([values * np.float32(scale), np.float32(EDGES)])
    values = np.ascontiguousarray(values[np.isfinite(values)], np.float32)
    single = float(np.float32(scale))
    tensor = Tensor(
        index=0,
        name="t",
        shape=values.shape,
        dtype=dtype,
        quantization=Quantization(scales=(single,), zero_points=(zero_point,)),
    )
    bits = dtype.value.removeprefix("int")
    q = np.empty(values.shape, dtype.value)
    pointers = values.ctypes.data_as(ctypes.c_void_p), q.ctypes.data_as(ctypes.c_void_p)
    affine[f"edgeq_affine_to_int{bits}"](
        pointers[0], ctypes.c_uint32(values.size), ctypes.c_float(single), ctypes.c_int32(zero_point), pointers[1]
    )
    np.testing.assert_array_equal(q, quantize_input(values, tensor))
    back = np.empty(values.shape, np.float32)
    affine[f"edgeq_affine_from_int{bits}"](
        pointers[1], ctypes.c_uint32(values.size), ctypes.c_float(single), ctypes.c_int32(zero_point),
        back.ctypes.data_as(ctypes.c_void_p),
    )  # fmt: skip
    assert back.tobytes() == dequantize_output(q, tensor).astype(np.float32).tobytes()


def test_generated_helpers_use_the_models_own_scales(library: ctypes.CDLL) -> None:
    graph = parse_tflite(small_model())
    values = np.random.default_rng(2).uniform(-0.2, 1.2, 72).astype(np.float32)
    q = np.empty(72, np.int8)
    library.small_quantize_input(values.ctypes.data_as(ctypes.c_void_p), q.ctypes.data_as(ctypes.c_void_p))
    np.testing.assert_array_equal(q, quantize_input(values, graph.input_tensors[0]))
    outputs = np.arange(-2, 2, dtype=np.int8)
    real = np.empty(4, np.float32)
    library.small_dequantize_output_0(outputs.ctypes.data_as(ctypes.c_void_p), real.ctypes.data_as(ctypes.c_void_p))
    np.testing.assert_array_equal(real, dequantize_output(outputs, graph.output_tensors[0]))


def test_two_models_in_one_program(tmp_path: Path) -> None:
    first, _ = make_project(tiny_model(1), tmp_path / "first", "first")
    second, _ = make_project(tiny_model(2, depth=9), tmp_path / "second", "second")
    (tmp_path / "main.c").write_text(
        '#include "first.h"\n#include "second.h"\n'
        "int main(void) {\n  return first_init() || second_init() ||\n"
        "         first_selftest() || second_selftest() || first_selftest();\n}\n"
    )
    own = [s for s in engine_sources(second) if "second" in s]
    compile_c(
        HOST, first.root, [*engine_sources(first), *(f"../second/{s}" for s in own), "../main.c"], tmp_path / "both",
        "-I../second/model",
    )  # fmt: skip
    process.run([tmp_path / "both"], timeout=20, what="two models")


def sections_of(path: Path) -> dict[str, str]:
    """Variable or function -> section, of an ELF file."""
    with open_elf(path) as elf:
        table = elf.get_section_by_name(".symtab")
        kinds = ("STT_OBJECT", "STT_FUNC")
        return {
            s.name: elf.get_section(s["st_shndx"]).name
            for s in table.iter_symbols()
            if s["st_info"]["type"] in kinds and isinstance(s["st_shndx"], int)
        }


def test_section_macros_place_arena_and_weights(small: Made, tmp_path: Path) -> None:
    project, _ = small
    defines = ['-DEDGEQ_ARENA_SECTION=".fast_ram"', '-DEDGEQ_WEIGHTS_SECTION=".slow_flash"']
    for source in ("small", "small_weights"):
        compile_c(HOST, project.root, [f"model/{source}.c"], tmp_path / f"{source}.o", "-c", *defines)
    assert sections_of(tmp_path / "small.o")["small_arena"] == ".fast_ram"
    weights = sections_of(tmp_path / "small_weights.o")
    assert {weights[s] for s in weights if s.startswith("small_weights_")} == {".slow_flash"}
    compile_c(HOST, project.root, ["model/small.c"], tmp_path / "default.o", "-c")
    assert sections_of(tmp_path / "default.o")["small_arena"] == ".bss"


def test_no_selftest_leaves_the_golden_input_out(small: Made, tmp_path: Path) -> None:
    project, _ = small
    sources = [*engine_sources(project), "app/selftest.c"]
    compile_c(HOST, project.root, sources, tmp_path / "program", "-DEDGEQ_NO_SELFTEST")
    assert not any("golden" in s for s in sections_of(tmp_path / "program"))
    with pytest.raises(ToolError, match="exit status 1"):
        process.run([tmp_path / "program"], timeout=20, what="self-test")


@pytest.mark.parametrize(
    "header", ["include/edgeq/engine.h", "include/edgeq/affine.h", "model/small.h", "tflm/small_settings.h"]
)
def test_headers_are_good_cpp(small: Made, tmp_path: Path, header: str) -> None:
    (tmp_path / "check.cc").write_text(f'#include "{header}"\n#include "{header}"\n')
    argv = [
        *HOST_CPP,
        "-std=c++11",
        "-pedantic",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-fsyntax-only",
        "-Iinclude",
        "-I.",
        str(tmp_path / "check.cc"),
    ]
    process.run(argv, timeout=60, what="including a header in C++", cwd=small[0].root)


def test_tflm_artifacts(small: Made, tmp_path: Path) -> None:
    project, _ = small
    library = tmp_path / "data.so"
    argv = [
        *HOST_CPP,
        "-std=c++11",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-shared",
        "-fPIC",
        "tflm/small_model_data.cc",
        "-o",
        str(library),
    ]
    process.run(argv, timeout=60, what="compiling the model's array", cwd=project.root)
    loaded = ctypes.CDLL(str(library))
    length = ctypes.c_uint.in_dll(loaded, "small_model_data_len").value
    data = (ctypes.c_ubyte * length).in_dll(loaded, "small_model_data")
    assert bytes(data) == small_model()
    assert ctypes.addressof(data) % 16 == 0
    resolver = read(project, "tflm/small_op_resolver.h")
    assert "MicroMutableOpResolver<7>" in resolver
    assert re.findall(r"resolver\.(\w+)\(\)", resolver) == [
        "AddConcatenation", "AddConv2D", "AddFullyConnected", "AddLogistic", "AddMaxPool2D", "AddReshape", "AddSoftmax"
    ]  # fmt: skip
    assert f"#define SMALL_TFLM_ARENA_BYTES {tflm.arena_estimate(5000)}" in read(project, "tflm/small_settings.h")


def test_two_runs_write_the_same_bytes(tmp_path: Path) -> None:
    folders = []
    for name in ("one", "another/place"):
        project, _ = make_project(small_model(), tmp_path / name, "small")
        folders.append({f: (project.root / f).read_bytes() for f in project.files})
    assert folders[0] == folders[1]
    everything = b"".join(folders[0].values()).decode(errors="replace")
    assert str(tmp_path) not in everything
    assert str(Path.cwd()) not in everything


def test_every_file_is_listed_and_grouped(small: Made) -> None:
    project, _ = small
    on_disk = {
        p.relative_to(project.root).as_posix()
        for p in project.root.rglob("*")
        if p.is_file() and "build/" not in str(p.relative_to(project.root))
    }
    assert set(project.files) == on_disk
    assert list(project.files) == sorted(project.files)
    grouped = list(itertools.chain.from_iterable(project.sources.values()))
    assert sorted(grouped) == sorted(f for f in project.files if f.endswith(".c") and f != "app/selftest.c")
    assert project.sources[Group.WEIGHTS] == ("model/small_weights.c",)
    assert "kernels/mean.c" not in project.files
    assert project.linker_script == "board/link.ld"


def test_a_later_run_replaces_its_own_files_only(tmp_path: Path) -> None:
    out = tmp_path / "project"
    make_project(small_model(), out, "old")
    (out / ".git").mkdir()
    (out / ".git" / "HEAD").write_text("mine")
    (out / "model" / "mine.txt").write_text("mine")
    project, _ = make_project(tiny_model(1), out, "fresh")
    assert not (out / "model" / "old.c").exists()
    assert not (out / "kernels" / "softmax.c").exists()
    assert (out / ".git" / "HEAD").read_text() == (out / "model" / "mine.txt").read_text() == "mine"
    assert (out / "model" / "fresh.c").is_file()
    assert MARKER in project.files
    assert not list(tmp_path.glob(".project-*"))


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="not a C project made by edgeq"):
        make_project(tiny_model(1), tmp_path, "model")
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_wrong_number_of_labels_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="2 labels for outputs of 3 values"):
        make_project(tiny_model(1), tmp_path / "project", "model", labels=["a", "b"])
    assert not list(tmp_path.iterdir())
