"""Finding the user's TensorFlow Lite Micro: every layout that it comes in, and a message for what is wrong with one."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from tflm_trees import (
    ALLOCATES,
    CMSIS_NN,
    DOWNLOADS,
    HEADERS,
    HOST,
    M4_SOFT,
    M4F,
    M33F,
    PRINTS,
    headers,
    library,
    parts,
    write,
)

from edgeq.boards import load_board
from edgeq.errors import InputError
from edgeq.records import Group
from edgeq.toolchain.archive import Archive
from edgeq.toolchain.compile import object_name
from edgeq.toolchain.tflm import check_model, find_library

BOARD = load_board("mps2-an386")
GEN = "gen/cortex_m_generic_cortex-m4+fp_{}_cmsis_nn_gcc/lib/libtensorflow-microlite.a"


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return library(tmp_path_factory.mktemp("plain") / "lib.a", ALLOCATES, PRINTS)


@pytest.fixture(scope="module")
def optimized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Without error strings, with CMSIS-NN."""
    return library(tmp_path_factory.mktemp("optimized") / "lib.a", ALLOCATES, CMSIS_NN)


def put(source: Path, to: Path, *, age: float = 0) -> Path:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, to)
    os.utime(to, (1e9 - age, 1e9 - age))
    return to


def made(root: Path, lib: Path) -> Path:
    """A source tree with its library."""
    headers(root)
    parts(root / DOWNLOADS)
    return put(lib, root / GEN.format("default"))


def test_source_tree_after_make(tmp_path: Path, plain: Path) -> None:
    archive = made(tmp_path, plain)
    found = find_library(tmp_path, BOARD)
    assert found.archive == archive
    assert found.include_dirs == tuple(
        tmp_path / d for d in ("", f"{DOWNLOADS}/flatbuffers/include", f"{DOWNLOADS}/gemmlowp", f"{DOWNLOADS}/ruy")
    )
    assert (found.stripped, found.cmsis_nn, found.schema_version) == (False, False, 3)
    assert {"AddConv2D", "AddSoftmax"} <= found.methods


@pytest.mark.parametrize("inner", ["gen", str(Path(GEN.format("default")).parent), GEN.format("default")])
def test_a_folder_or_file_inside_of_that_tree_will_do(tmp_path: Path, plain: Path, inner: str) -> None:
    archive = made(tmp_path, plain)
    assert find_library(tmp_path / inner, BOARD).archive == archive


def test_generated_project_tree(tmp_path: Path, optimized: Path) -> None:
    """What create_tflm_tree.py writes, compiled into a library by the user's own build."""
    headers(tmp_path)
    parts(tmp_path / "third_party")
    archive = put(optimized, tmp_path / "build/libtflm.a")
    found = find_library(tmp_path, BOARD)
    assert found.archive == archive
    assert found.include_dirs[1] == tmp_path / "third_party/flatbuffers/include"
    assert (found.stripped, found.cmsis_nn) == (True, True)
    assert "with CMSIS-NN" in found.title


def test_include_and_lib(tmp_path: Path, plain: Path) -> None:
    headers(tmp_path / "include")
    parts(tmp_path / "include", flatbuffers=".")
    shutil.move(tmp_path / "include/gemmlowp/fixedpoint", tmp_path / "include/fixedpoint")
    shutil.move(tmp_path / "include/ruy/ruy/profiler", tmp_path / "include/ruy/profiler")
    put(plain, tmp_path / "lib/libtensorflow-microlite.a")
    assert find_library(tmp_path, BOARD).include_dirs == (tmp_path / "include",)


def test_of_several_that_fit_cmsis_nn_and_then_the_newest_is_taken(
    tmp_path: Path, plain: Path, optimized: Path
) -> None:
    made(tmp_path, plain)
    old = put(optimized, tmp_path / GEN.format("release"), age=100)
    assert find_library(tmp_path, BOARD).archive == old
    new = put(optimized, tmp_path / GEN.format("release_with_logs"))
    library(tmp_path / "gen/other/lib/liba.a", "something_else")
    assert find_library(tmp_path, BOARD).archive == new


@pytest.mark.parametrize(
    ("target", "said"),
    [(M4_SOFT, "-mfloat-abi=soft"), (M33F, "Armv8-M Mainline, which the core does not execute"), (HOST, "not for Arm")],
)
def test_library_for_another_core(tmp_path: Path, target: tuple[str, str], said: str) -> None:
    headers(tmp_path)
    parts(tmp_path / DOWNLOADS)
    library(tmp_path / "gen/x/lib/libtensorflow-microlite.a", ALLOCATES, target=target)
    with pytest.raises(InputError, match=r"fits mps2-an386 \(cortex-m4, float-abi=hard\)") as caught:
        find_library(tmp_path, BOARD)
    assert said in caught.value.message
    assert "built for cortex-m4 (float-abi=hard)" in " ".join(str(caught.value).split())


def test_no_library(tmp_path: Path) -> None:
    headers(tmp_path)
    parts(tmp_path / DOWNLOADS)
    library(tmp_path / "libother.a", "something_else")
    with pytest.raises(InputError, match=r"of 1 static libraries .* none\s+defines tflite::MicroInterpreter"):
        find_library(tmp_path, BOARD)


def test_a_library_of_no_elf_objects_is_named_and_another_taken(tmp_path: Path, plain: Path) -> None:
    """Bitcode of link-time optimization, or another system's objects; and an index that leads nowhere."""
    headers(tmp_path)
    parts(tmp_path / DOWNLOADS)
    content = plain.read_bytes()
    put(plain, tmp_path / "a/bitcode.a").write_bytes(content.replace(b"\x7fELF", b"BC\xc0\xde"))
    count = int.from_bytes(content[68:72], "big")
    nowhere = len(content).to_bytes(4, "big") * count
    put(plain, tmp_path / "b/nowhere.a").write_bytes(content[:72] + nowhere + content[72 + len(nowhere) :])
    with pytest.raises(InputError, match=r"(?s)bitcode\.a: what defines .* is no ELF object.*nowhere\.a: is damaged"):
        find_library(tmp_path, BOARD)
    good = put(plain, tmp_path / "c/good.a")
    assert find_library(tmp_path, BOARD).archive == good


def test_headers_without_a_schema_version(tmp_path: Path, plain: Path) -> None:
    made(tmp_path, plain)
    write(tmp_path / "tensorflow/lite/micro/micro_interpreter.h", "")
    with pytest.raises(InputError, match="has no TFLITE_SCHEMA_VERSION"):
        find_library(tmp_path, BOARD)


def test_no_headers(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no headers of TensorFlow Lite Micro: tensorflow/lite/micro/micro_inter"):
        find_library(tmp_path, BOARD)
    with pytest.raises(InputError, match="there is no such file or folder"):
        find_library(tmp_path / "nowhere", BOARD)


def test_missing_part(tmp_path: Path, plain: Path) -> None:
    made(tmp_path, plain)
    shutil.rmtree(tmp_path / DOWNLOADS / "gemmlowp")
    with pytest.raises(InputError, match="gemmlowp, which the headers") as caught:
        find_library(tmp_path, BOARD)
    assert f"{DOWNLOADS}/gemmlowp" in caught.value.message
    assert "the tree in which your library was built" in str(caught.value)


@pytest.mark.parametrize("header", ["debug_log.h", "micro_common.h", "micro_op_resolver.h"])
def test_too_old(tmp_path: Path, plain: Path, header: str) -> None:
    made(tmp_path, plain)
    write(tmp_path / "tensorflow/lite/micro" / header, "// of 2021\n")
    with pytest.raises(InputError, match=f"is too old for the generated code: tensorflow/lite/micro/{header}"):
        find_library(tmp_path, BOARD)


def test_the_host_is_no_board_for_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="runs on Cortex-M boards; native is host"):
        find_library(tmp_path, load_board("native"))


def test_operator_that_its_resolver_lacks(tmp_path: Path, plain: Path) -> None:
    made(tmp_path, plain)
    found = find_library(tmp_path, BOARD)
    check_model(found, methods=["AddConv2D"], schema_version=3)
    with pytest.raises(InputError, match="has no AddBatchMatMul"):
        check_model(found, methods=["AddBatchMatMul", "AddConv2D"], schema_version=3)


def test_other_schema_version(tmp_path: Path, plain: Path) -> None:
    made(tmp_path, plain)
    text = HEADERS["micro_interpreter.h"].replace("3", "4")
    write(tmp_path / "tensorflow/lite/micro/micro_interpreter.h", text)
    with pytest.raises(InputError, match="schema version 3, this TensorFlow Lite Micro reads version 4"):
        check_model(find_library(tmp_path, BOARD), methods=[], schema_version=3)


def test_archives(tmp_path: Path) -> None:
    path = library(tmp_path / "lib.a", "one", "two", target=M4F)
    archive = Archive(path)
    assert archive.symbols == {"one", "two"}
    built = archive.built_for("two")
    assert (built.machine, built.architecture, built.hard_float) == ("ARM", 13, True)
    for content, said in (
        (b"!<thin>\n", "thin archive"),
        (b"\x7fELF", "no static library"),
        (b"!<arch>\n", "no index of symbols"),
        (path.read_bytes()[:70], "damaged"),
    ):
        path.write_bytes(content)
        with pytest.raises(InputError, match=said):
            Archive(path)
    with pytest.raises(InputError, match="cannot be read"):
        Archive(tmp_path)


def test_c_and_cpp_of_one_name_have_objects_of_their_own() -> None:
    names = {object_name(source, Group.MODEL) for source in ("tflm/log.c", "tflm/log.cc", "model/log.c")}
    assert len(names) == 3
    assert all(name.endswith(".model.o") for name in names)
