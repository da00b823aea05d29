"""What `--device arm64` runs on: QEMU's user mode, an arm64 Python from Debian, LiteRT's arm64 wheel.

Installed by `edgeq doctor --install arm64` alone, into edgeq's cache; as a user, with nothing changed outside of it.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from edgeq import process
from edgeq.caches import cache_folder
from edgeq.errors import ToolError
from edgeq.progress import Progress
from edgeq.unfinished import clear_remains, hidden_folder

CPU = "cortex-a76"
"""Always named: with QEMU's own choice (SVE) LiteRT computed wrong values."""

INSTALL = "edgeq doctor --install arm64"

_QEMU = ("qemu-aarch64-static", "qemu-aarch64")
_SECONDS = 900.0

# Debian's names; the Python that it has is asked for.
_LIBRARIES = ("libc6", "libgcc-s1", "libstdc++6", "zlib1g", "libexpat1", "libffi8")
_PYTHON = ("python{}-minimal", "libpython{}-minimal", "libpython{}-stdlib")

# The wheels' names for "glibc 2.17 and later" and so on, up to what every distribution has by now.
_PLATFORMS = ("manylinux2014_aarch64", *(f"manylinux_2_{minor}_aarch64" for minor in (17, 27, 28, 31, 34)))

# XNNPACK (cpuinfo) reads this to learn which instructions there are; the host's own, of an x86, makes it crash.
_CPUINFO = """processor\t: {}
BogoMIPS\t: 48.00
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x4
CPU part\t: 0xd0b
CPU revision\t: 1

"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packages:
    """What is installed: `root` for QEMU's -L, the `python` in it, and `site`, its packages."""

    root: Path
    python: Path
    site: Path


def find_qemu() -> Path:
    """QEMU's user mode for arm64.

    Raises:
        ToolError: it is not installed.
    """
    for name in _QEMU:
        if found := shutil.which(name):
            return Path(found)
    raise ToolError(f"{_QEMU[0]} is not installed, or not on PATH.", hint="apt-get install qemu-user-static")


def find_packages() -> Packages:
    """The arm64 packages for the LiteRT that is installed here.

    Raises:
        ToolError: they are not installed.
    """
    folder = _folder()
    pythons = sorted((folder / "root" / "usr" / "bin").glob("python3.*[0-9]"))
    if not pythons:
        raise ToolError(
            "The arm64 packages (Debian's Python, LiteRT's wheel) are not installed.", hint=f"About 65 MB: {INSTALL}"
        )
    return Packages(root=folder / "root", python=pythons[0], site=folder / "site")


def install(progress: Progress) -> Packages:
    """Download and unpack the arm64 packages, about 65 MB; what is there already stays.

    Debian's come through apt (its sources and keys, lists of its own), LiteRT and numpy through pip, of the versions
    that are installed here.

    Raises:
        ToolError: apt-get, dpkg-deb or pip is missing, or failed; the message has its words.
    """
    folder = _folder()
    if folder.is_dir():
        return find_packages()
    for tool in ("apt-get", "apt-cache", "dpkg-deb"):
        process.find_tool(tool, hint="The arm64 packages come from Debian's or Ubuntu's archive, through apt.")
    clear_remains(folder)
    with hidden_folder(folder) as hidden, ThreadPoolExecutor(1) as pool:
        made = hidden / "made"
        progress.start("Reading Debian's list of arm64 packages")
        version = _python_version(made)
        progress.start(f"Downloading Python {version} for arm64 (Debian), LiteRT and numpy (wheels)")
        wheels = pool.submit(_unpack_wheels, made / "site", version)
        _unpack_debian(made, version)
        wheels.result()
        (made / "root" / "proc").mkdir()
        cpus = range(os.cpu_count() or 1)
        (made / "root" / "proc" / "cpuinfo").write_text("".join(_CPUINFO.format(cpu) for cpu in cpus))
        for part in ("lists", "debs"):
            shutil.rmtree(made / part)
        made.rename(folder)
    return find_packages()


def _folder() -> Path:
    return cache_folder("arm64") / f"litert-{_version('ai-edge-litert')}-numpy-{_version('numpy')}"


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError as exc:
        raise ToolError(f"{package} is not installed here.", hint=f"pip install {package}") from exc


def _apt(made: Path, program: str, *arguments: str) -> str:
    """apt's own programs for arm64, as this user: lists and packages in `made`, nothing installed is looked at."""
    lists, debs = made / "lists", made / "debs"
    for folder in (lists / "partial", debs / "archives" / "partial"):
        folder.mkdir(parents=True, exist_ok=True)
    status = debs / "status"
    status.touch()
    options = {
        "APT::Architecture": "arm64",
        "APT::Architectures": "arm64",
        "APT::Sandbox::User": "root",  # of the downloads; only root can become another user
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
        "Debug::NoLocking": "1",
        "Dir::Cache": str(debs),
        "Dir::State::Lists": str(lists),
        "Dir::State::Status": str(status),
    }
    words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
    what = f"{program} {arguments[0]} for arm64"
    return process.run([program, "-q", *words, *arguments], timeout=_SECONDS, what=what, cwd=debs).stdout.decode(
        errors="replace"
    )


def _python_version(made: Path) -> str:
    """Debian's, such as "3.11"."""
    _apt(made, "apt-get", "update")
    found = re.search(r"Depends: python(3\.\d+)-minimal", _apt(made, "apt-cache", "depends", "python3-minimal"))
    if found is None:
        raise ToolError(
            "apt's sources have no Python for arm64.",
            hint="On Ubuntu, arm64 packages are in another archive than those of amd64: add it to apt's sources.",
        )
    return found[1]


def _unpack_debian(made: Path, version: str) -> None:
    _apt(made, "apt-get", "download", *_LIBRARIES, *(name.format(version) for name in _PYTHON))
    for package in sorted((made / "debs").glob("*.deb")):
        process.run(["dpkg-deb", "-x", package, made / "root"], timeout=_SECONDS, what=f"unpacking {package.name}")


def _unpack_wheels(site: Path, version: str) -> None:
    """LiteRT and numpy of this machine's versions, with what they need, and click, for the command line."""
    wanted = [f"{name}=={_version(name)}" for name in ("ai-edge-litert", "numpy", "click")]
    platforms = [word for name in _PLATFORMS for word in ("--platform", name)]
    options = ["--no-input", "--only-binary=:all:", "--python-version", version, "--implementation", "cp", *platforms]
    process.run(
        [sys.executable, "-m", "pip", "install", "-q", "--target", site, *options, *wanted],
        timeout=_SECONDS,
        what="pip install for arm64",
    )
