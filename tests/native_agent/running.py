"""Runs of the native agent, which must end without a leak, an overrun or undefined behaviour."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

# What the emulator hands through of the real /proc/cpuinfo makes an arm64 program crash that asks for its processor.
_CORE = """processor\t: {}
BogoMIPS\t: 125.00
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp ssbs
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x4
CPU part\t: 0xd0b
CPU revision\t: 1

"""
# LiteRT's library is not instrumented: its globals, and what it keeps for good, are its own affair.
_ENVIRONMENT = {"ASAN_OPTIONS": "quarantine_size_mb=1:detect_leaks=1", "UBSAN_OPTIONS": "print_stacktrace=1"}
_CROSS = Path("/usr/aarch64-linux-gnu/lib")


def arm64_root(folder: Path) -> Path:
    """A root for qemu: the C library of Debian's cross packages, and a processor to read about."""
    if not (_CROSS / "libstdc++.so.6").exists():
        pytest.skip("libc6-arm64-cross or libstdc++6-arm64-cross is not installed")
    (folder / "lib").symlink_to(_CROSS)
    (folder / "proc").mkdir()
    (folder / "proc" / "cpuinfo").write_text("".join(_CORE.format(i) for i in range(2)))
    return folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A running agent."""

    url: str
    process: subprocess.Popen[str]

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def resident_bytes(self) -> int:
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def open_files(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))


class Running:
    """Starts agents of one kind."""

    def __init__(self, command: Sequence[str | Path], litert: Path) -> None:
        self.command = [*map(str, command)]
        self.litert = litert

    @contextmanager
    def __call__(self, model: Path, *options: str) -> Iterator[Agent]:
        """An agent; at its end it must have freed everything, and nothing may be wrong."""
        child = self._start(str(model), "--litert", str(self.litert), "--end-with-stdin", *options)
        with child:
            try:
                assert child.stdout is not None and child.stdin is not None
                url = child.stdout.readline().strip()
                assert url, child.stderr.read() if child.stderr else ""
                yield Agent(url=url, process=child)
                _, words = child.communicate(timeout=60)
                assert child.returncode == 0, words
            finally:
                child.kill()

    def refusal(self, *words: str) -> tuple[int, str]:
        """Status and message of an agent that does not start."""
        with self._start(*words) as child:
            _, said = child.communicate(timeout=60)
        return child.returncode, said

    def _start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self.command, *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **_ENVIRONMENT},
        )  # fmt: skip
