"""The package around TensorFlow Lite Micro, in arenas that are too small: linked with TFLM itself for a Cortex-M4F, by
nothing of edgeq's, and run by QEMU."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from tflm_trees import NO_TFLM

import edgeq
from edgeq import process
from edgeq.builds import Build
from edgeq.options import TFLM_ROOT_VARIABLE
from edgeq.toolchain.tflm import find_library

pytestmark = [
    pytest.mark.xdist_group("export"),
    pytest.mark.skipif(not os.environ.get(TFLM_ROOT_VARIABLE), reason=NO_TFLM),
    pytest.mark.skipif(shutil.which("arm-none-eabi-g++") is None, reason="arm-none-eabi-g++ is not installed"),
    pytest.mark.skipif(shutil.which("qemu-system-arm") is None, reason="qemu-system-arm is not installed"),
]

# Says on a UART what came of it, and how many bytes of arena lacked; then ends QEMU by semihosting.
_MAIN = r"""
#include <small.h>
#include <stdint.h>

void *__dso_handle;
void reset(void);
__attribute__((section(".vectors"), used)) const uintptr_t vectors[16] = {0x20400000u, (uintptr_t)reset};

static void say(uint32_t number) {
  char digits[11];
  int count = 0;
  do digits[count++] = (char)('0' + number % 10u);
  while ((number /= 10u) != 0u);
  while (count > 0) *(volatile uint32_t *)0x40004000u = (uint32_t)digits[--count];
  *(volatile uint32_t *)0x40004000u = ' ';
}

static uint32_t tried(void) {
  if (small_init() == EDGEQ_OK) return small_selftest() == EDGEQ_OK ? 0u : 1u;
  const uint32_t lacking = small_arena_lacking();
  return small_init() == EDGEQ_FAILED && small_arena_lacking() == lacking && small_invoke() == EDGEQ_FAILED ? 2u : 3u;
}

void reset(void) {
  *(volatile uint32_t *)0xE000ED88u |= 0x00F00000u; /* the FPU on */
  __asm volatile("dsb\n  isb");
  *(volatile uint32_t *)0x40004008u = 1u;
  say(tried());
  say(small_arena_lacking());
  __asm volatile("mov r0, #0x18\n  ldr r1, =0x20026\n  bkpt 0xAB" : : : "r0", "r1", "memory");
  for (;;) {
  }
}
"""


@pytest.mark.timeout(1200)  # TFLM's headers, once for each size
def test_init_refuses_on_the_device_what_tflm_would_crash_of(small: Build, tmp_path: Path) -> None:
    """Size after size, up to the first that init takes, which computes what the host did, bit for bit."""
    package = edgeq.export_build(small.folder, to="library", out=tmp_path / "small", engine="tflm").out
    tflm = find_library(Path(os.environ[TFLM_ROOT_VARIABLE]), small.board)
    flags = [*small.board.gcc_flags, "-O1", "-ffunction-sections", "-fno-exceptions", "-fno-rtti",
             "-fno-threadsafe-statics", "-DTF_LITE_STATIC_MEMORY", f"-I{package / 'include'}",
             *(["-DTF_LITE_STRIP_ERROR_STRINGS"] if tflm.stripped else []),
             *(a for folder in tflm.include_dirs for a in ("-isystem", folder))]  # fmt: skip
    (tmp_path / "main.c").write_text(_MAIN)
    sources = [p for p in (package / "src").rglob("*.c*") if p.name != "small_engine.cpp"]

    def arm(*arguments: str | Path) -> None:
        process.run(["arm-none-eabi-g++", *flags, *arguments], timeout=200, what="compiling", cwd=tmp_path)

    arm("-x", "c", "-c", tmp_path / "main.c", *(p for p in sources if p.suffix == ".c"))
    arm("-c", *(p for p in sources if p.suffix == ".cpp"))
    objects = sorted(tmp_path.glob("*.o"))

    def run(arena: int) -> tuple[int, int]:
        """The status of `tried`, and what lacks."""
        arm(
            f"-DSMALL_ARENA_BYTES={arena}", package / "src/small_engine.cpp", *objects, tflm.archive,
            "--specs=nosys.specs", "-nostartfiles", "-Wl,-n,--gc-sections,-ereset,-uvectors,--section-start=.vectors=0",
            "-Wl,-Ttext=0x400,-Tdata=0x20000000", "-o", "firmware",
        )  # fmt: skip
        done = process.run(
            ["qemu-system-arm", "-M", "mps2-an386", "-nographic", "-monitor", "none", "-serial", "stdio",
             "-semihosting-config", "enable=on,target=native", "-kernel", tmp_path / "firmware"],
            timeout=30, what="the firmware",
        )  # fmt: skip
        status, lacking = map(int, done.stdout.split())
        return status, lacking

    arena, refused = 16, 0
    while (found := run(arena))[0] != 0:
        assert found[0] == 2, arena
        assert found[1] > 0, arena
        arena, refused = arena + max(160, -(-found[1] // 16) * 16), refused + 1
    assert found == (0, 0)
    assert refused > 2
