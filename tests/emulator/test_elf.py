"""What images hold: memory by section and group, budgets, instructions; and that they are reproducible."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from tiny import tiny_project

from edgeq.boards import load_board
from edgeq.errors import BudgetError, InputError, ToolError
from edgeq.records import Group, Image
from edgeq.toolchain.compile import compile_project, host_toolchain
from edgeq.toolchain.elf import by_group, memory_use, symbols
from edgeq.toolchain.instructions import check_instructions

GCC = pytest.param(
    "gcc",
    marks=pytest.mark.skipif(not shutil.which("arm-none-eabi-gcc"), reason="arm-none-eabi-gcc is not installed"),
)
TOOLCHAINS = ["zig", GCC]
ImageOf = Callable[..., Image]


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_memory_by_group(toolchain: str, image_of: ImageOf) -> None:
    memory = image_of("mps2-an386", toolchain, "kernels").memory
    groups = by_group(memory)
    arena = 2 * 12 * 12 * 16
    weights = 16 * 9 * 16 + 9 * 16 + 10 * 12 * 12 * 16
    assert memory.arena_bytes == arena
    assert groups[Group.ARENA] == (0, arena)
    assert groups[Group.MODEL][1] == pytest.approx(weights, abs=16)  # this engine's weights are variables
    assert groups[Group.KERNELS][0] > 1000
    assert groups[Group.LINK][1] > 2000
    assert memory.stack_bytes == 2048
    assert not memory.stack_measured
    assert groups[Group.STACK][1] == 2048 + 1024
    assert memory.flash_bytes == sum(s.flash for s in memory.sections) < 20_000
    assert memory.ram_bytes == sum(s.ram for s in memory.sections)


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_images_are_reproducible(toolchain: str, tmp_path: Path) -> None:
    board = load_board("mps2-an386")
    digests = set()
    for name in ("here", "elsewhere/deeper"):
        project = tiny_project(board, tmp_path / name / "project")
        image = compile_project(project, board, toolchain=toolchain, traced=False, out=tmp_path / name / "out")
        content = image.elf.read_bytes()
        assert str(tmp_path).encode() not in content
        digests.add(image.sha256)
    assert len(digests) == 1


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_a_traced_image_shares_what_tracing_does_not_change(toolchain: str, tmp_path: Path) -> None:
    board = load_board("mps2-an386")
    project = tiny_project(board, tmp_path / "project")
    alone = compile_project(project, board, toolchain=toolchain, traced=True, out=tmp_path / "alone")
    compile_project(project, board, toolchain=toolchain, traced=False, out=tmp_path / "out")
    options = {"toolchain": toolchain, "traced": True, "out": tmp_path / "out"}
    shared = compile_project(project, board, **options, after_untraced=True)
    assert shared.elf.read_bytes() == alone.elf.read_bytes()
    compiled = {path.name for path in (tmp_path / "out" / "firmware-traced.obj").iterdir()}
    assert any(name.endswith("execute.c.link.o") for name in compiled)
    assert not any(".kernels." in name for name in compiled)


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_limits_smaller_than_the_board(toolchain: str, tmp_path: Path) -> None:
    board = load_board("mps2-an386")
    project = tiny_project(board, tmp_path / "project")
    build = {"toolchain": toolchain, "traced": False, "out": tmp_path / "out"}
    memory = compile_project(project, board, **build).memory
    exact = {"flash_limit": memory.flash_bytes, "ram_limit": memory.ram_bytes}
    assert compile_project(project, board, **build, **exact).memory == memory
    with pytest.raises(BudgetError) as caught:
        compile_project(project, board, **build, flash_limit=memory.flash_bytes - 1, ram_limit=memory.ram_bytes - 100)
    message = caught.value.message
    assert (
        f"flash: {memory.flash_bytes:,} bytes needed, the limit has {memory.flash_bytes - 1:,}: 1 too many" in message
    )
    assert f"RAM: {memory.ram_bytes:,} bytes needed" in message
    assert ": 100 too many" in message
    assert "stack" in message
    assert "3,072" in message


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_more_than_the_board_has(toolchain: str, tmp_path: Path) -> None:
    """The linker itself refuses; the message is the same as for a limit."""
    board = load_board("mps2-an386")
    project = tiny_project(board, tmp_path / "project")
    engine = project.root / "model" / "engine.c"
    text = engine.read_text()
    assert "#define TINY_BYTES 64u" in text
    engine.write_text(text.replace("[2u * TINY_BYTES]", "[5000000]"))
    with pytest.raises(BudgetError) as caught:
        compile_project(project, board, toolchain=toolchain, traced=False, out=tmp_path / "out")
    assert "RAM: 5,0" in caught.value.message
    assert "mps2-an386 has 4,194,304" in caught.value.message
    assert "arena" in caught.value.message
    assert not list((tmp_path / "out").glob("*.elf"))


def test_compile_errors_are_the_compilers_words(tmp_path: Path) -> None:
    board = load_board("mps2-an386")
    project = tiny_project(board, tmp_path / "project")
    (project.root / "model" / "engine.c").write_text("int broken(void) { return nothing_of_that_name; }\n")
    with pytest.raises(ToolError, match=r"model/engine\.c") as caught:
        compile_project(project, board, toolchain="zig", traced=False, out=tmp_path / "out")
    assert "nothing_of_that_name" in caught.value.message


def test_unknown_toolchain_and_missing_gcc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    board = load_board("mps2-an386")
    project = tiny_project(board, tmp_path / "project")
    with pytest.raises(InputError, match=r"no toolchain 'icc'"):
        compile_project(project, board, toolchain="icc", traced=False, out=tmp_path / "out")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolError, match="arm-none-eabi-gcc is not installed") as caught:
        compile_project(project, board, toolchain="gcc", traced=False, out=tmp_path / "out")
    assert "--toolchain zig" in str(caught.value)


SMLAD = """
    int32_t tiny_smlad(int32_t a, int32_t b, int32_t c);
    __attribute__((noinline)) int32_t tiny_smlad(int32_t a, int32_t b, int32_t c) {
      int32_t sum;
      __asm volatile("smlad %0, %1, %2, %3" : "=r"(sum) : "r"(a), "r"(b), "r"(c));
      return sum;
    }
    """


def test_instructions_that_the_core_lacks(tmp_path: Path, image_of: ImageOf) -> None:
    board = load_board("mps2-an386")
    project = tiny_project(board, tmp_path / "project")
    engine = project.root / "model" / "engine.c"
    text = engine.read_text()
    place = "edgeq_status tiny_invoke(void) {"
    assert place in text
    engine.write_text(text.replace(place, f"{SMLAD}{place} tiny_sink = tiny_smlad(tiny_sink, 2, 3);"))
    m4 = compile_project(project, board, toolchain="zig", traced=False, out=tmp_path / "out").elf
    check_instructions(m4, board)
    with pytest.raises(ToolError, match="cortex-m3 of mps2-an385 does not execute") as caught:
        check_instructions(m4, load_board("mps2-an385"))
    assert "tiny_smlad: smlad" in caught.value.message
    assert "DSP extension" in caught.value.message
    m3 = image_of("mps2-an385", engine="kernels").elf
    check_instructions(m3, load_board("mps2-an385"))
    m0 = replace(load_board("mps2-an385"), core="cortex-m0")
    with pytest.raises(ToolError, match="not in Armv6-M"):
        check_instructions(m3, m0)


def test_symbols_and_memory_of_a_broken_file(tmp_path: Path) -> None:
    broken = tmp_path / "broken.elf"
    broken.write_bytes(b"\x7fELF then nothing")
    with pytest.raises(InputError, match="not a whole ELF file"):
        symbols(broken)
    with pytest.raises(InputError, match="cannot be read"):
        memory_use(tmp_path / "missing.elf", load_board("mps2-an386"))


def test_native_build_has_sizes(tmp_path: Path) -> None:
    board = load_board("native")
    project = tiny_project(board, tmp_path / "project")
    image = compile_project(project, board, toolchain=host_toolchain(), traced=False, out=tmp_path / "out")
    assert image.elf.stat().st_mode & 0o100
    assert image.memory.flash_bytes > 1000
    assert image.memory.stack_bytes == 0
