"""Compiles the native agent: by zig for Linux, by the Android NDK's CMake toolchain for Android."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from edgeq import process, resources
from edgeq.caches import zig_environment
from edgeq.errors import ToolError
from edgeq.native_agent.targets import Target
from edgeq.progress import Progress
from edgeq.toolchain import zig

PROGRAM = "edgeq-agent"
NDK = "ANDROID_NDK_HOME"

_TIMEOUT = 300.0
_OLDEST_ANDROID = 26  # API level: Android 8
# Nothing of C++'s own library: the program then needs none on the device, and zig need not compile one (a minute).
_CXX = ("-std=c++17", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics", "-nostdlib++")
_C = ("-std=c99",)
_COMMON = ("-O2", "-g0", "-fno-sanitize=all", "-ffunction-sections", "-fdata-sections")
_LINK = ("-Wl,--gc-sections", "-s")


def build_agent(target: Target, folder: Path, *, progress: Progress | None = None) -> Path:
    """Compile it.

    Args:
        target: for what.
        folder: gets the program and what comes up on the way; made if missing.
        progress: hears of the stage, and with zig of each file.

    Returns:
        The program.

    Raises:
        ToolError: zig, CMake or the NDK is missing, or refused the code.
    """
    folder.mkdir(parents=True, exist_ok=True)
    progress = progress or Progress()
    what = f"Compiling {PROGRAM} for {target.name}"
    if target.zig is None:
        progress.start(what)
        return _with_ndk(target, folder)
    progress.start(what, total=len(sources()))
    return _with_zig(target.zig, folder, progress)


def sources() -> tuple[Path, ...]:
    """The C++ of the agent and the C of the firmware's link, in the order of their names."""
    root = resources.firmware()
    # The list of the link's files is CMake's too: firmware/agent/link_sources.txt.
    link = (root / "agent" / "link_sources.txt").read_text("utf-8").split()
    return (*sorted((root / "agent" / "src").glob("*.cpp")), *(root / "src" / name for name in link))


def recipe(target: Target) -> str:
    """What beside the sources decides what is compiled: the compiler's options; for Android, CMake's file."""
    if target.zig is None:
        cmake = (resources.firmware() / "agent" / "CMakeLists.txt").read_text("utf-8")
        return "\n".join((f"{target.android_abi} android-{_OLDEST_ANDROID}", *_definitions(), cmake))
    return " ".join(("zig", target.zig, *_CXX, *_C, *_COMMON, *_definitions(), *_LINK))


def _definitions() -> tuple[str, ...]:
    """The compiler's options, of the list that is CMake's too."""
    names = (resources.firmware() / "agent" / "definitions.txt").read_text("utf-8").split()
    return tuple(f"-D{name}" for name in names)


def _with_zig(triple: str, folder: Path, progress: Progress) -> Path:
    command = zig.command()
    definitions = _definitions()
    include = f"-I{resources.firmware() / 'include'}"

    def compile_one(source: Path) -> Path:
        obj = folder / f"{source.name}.o"
        compiler, flags = ("c++", _CXX) if source.suffix == ".cpp" else ("cc", _C)
        argv = [*command, compiler, "-target", triple, *flags, *_COMMON, *definitions, include, "-c", source, "-o", obj]
        _run(argv, f"Compiling {source.name} for {triple}")
        return obj

    first, *others = sources()
    objects = [compile_one(first)]  # alone: zig makes what it needs of the target's C library first, once
    progress.step()
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        for obj in pool.map(compile_one, others):
            objects.append(obj)
            progress.step()
    program = folder / PROGRAM
    _run(
        [*command, "cc", "-target", triple, *_LINK, *objects, "-ldl", "-o", program],
        f"Linking {PROGRAM} for {triple}",
    )
    for obj in objects:
        obj.unlink()
    return program


def _run(argv: Sequence[str | Path], what: str) -> None:
    process.run(argv, timeout=_TIMEOUT, what=what, env=zig_environment())


def _with_ndk(target: Target, folder: Path) -> Path:
    toolchain = ndk_toolchain()
    cmake = process.find_tool("cmake", hint="Install CMake 3.18 or later; Android Studio's SDK manager has one too.")
    made = folder / "cmake"
    process.run(
        [
            cmake, "-S", resources.firmware() / "agent", "-B", made, "-DCMAKE_BUILD_TYPE=Release",
            f"-DCMAKE_TOOLCHAIN_FILE={toolchain}", f"-DANDROID_ABI={target.android_abi}",
            f"-DANDROID_PLATFORM=android-{_OLDEST_ANDROID}",
        ],
        timeout=_TIMEOUT, what=f"Preparing {PROGRAM} for {target.name}",
    )  # fmt: skip
    process.run([cmake, "--build", made], timeout=_TIMEOUT, what=f"Compiling {PROGRAM} for {target.name}")
    program = folder / PROGRAM
    (made / PROGRAM).replace(program)
    return program


def ndk_toolchain() -> Path:
    """The CMake toolchain file of the Android NDK that ANDROID_NDK_HOME names.

    Raises:
        ToolError: the variable is not set, or its folder is no NDK.
    """
    place = os.environ.get(NDK)
    hint = f"Install the NDK (Android Studio: SDK Manager, NDK side by side), and set {NDK} to its folder."
    if not place:
        raise ToolError(f"Programs for Android need the Android NDK, and {NDK} is not set.", hint=hint)
    toolchain = Path(place) / "build" / "cmake" / "android.toolchain.cmake"
    if not toolchain.is_file():
        raise ToolError(
            f"{NDK} is {place}, which is no Android NDK: it has no build/cmake/{toolchain.name}.", hint=hint
        )
    return toolchain
