"""Building the native agent: for whom, with which library, and by which Android NDK."""

from __future__ import annotations

import platform
import shutil
import zipfile
from pathlib import Path

import pytest

from edgeq import resources
from edgeq.errors import InputError, ToolError
from edgeq.native_agent import build, bundle
from edgeq.native_agent.build import NDK, build_agent
from edgeq.native_agent.bundle import make_bundle, ready_bundle
from edgeq.native_agent.runtime import litert_library, wheel_library
from edgeq.native_agent.targets import find_target
from edgeq.progress import Progress

pytestmark = pytest.mark.xdist_group("native-agent")

ANDROID = find_target("android-arm64")

# What Android's own toolchain file is told is written down, and the compilers stay this machine's.
TOOLCHAIN = """if(ANDROID_ABI)
  file(WRITE {told} "${{ANDROID_ABI}} ${{ANDROID_PLATFORM}}")
endif()
"""


def android_package(folder: Path, abi: str = "arm64-v8a") -> Path:
    path = folder / "litert.aar"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(wheel_library(find_target("linux-arm64")), f"jni/{abi}/libLiteRt.so")
        archive.writestr("AndroidManifest.xml", "<manifest/>")
    return path


def test_targets_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError) as error:
        find_target("windows")
    assert "linux-arm64, linux-x86_64, android-arm64, android-x86_64, host" in str(error.value.hint)
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(InputError, match="does not run on this machine"):
        find_target("host")


def test_the_library_comes_out_of_an_android_package(tmp_path: Path) -> None:
    taken = litert_library(ANDROID, android_package(tmp_path), tmp_path / "out")
    assert taken.read_bytes() == wheel_library(find_target("linux-arm64")).read_bytes()
    with pytest.raises(InputError, match=r"litert\.aar has no jni/arm64-v8a/libLiteRt\.so"):
        litert_library(ANDROID, android_package(tmp_path, "armeabi-v7a"), tmp_path / "out")
    with pytest.raises(ToolError) as error:
        litert_library(ANDROID, None, tmp_path / "out")
    assert "Give its .aar" in str(error.value.hint)


def test_the_ndk_must_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(NDK, raising=False)
    with pytest.raises(ToolError, match="need the Android NDK, and ANDROID_NDK_HOME is not set"):
        build_agent(ANDROID, tmp_path)
    monkeypatch.setenv(NDK, str(tmp_path))
    with pytest.raises(ToolError, match="which is no Android NDK"):
        build_agent(ANDROID, tmp_path)


def test_the_ndks_toolchain_is_told_what_to_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not all(map(shutil.which, ("cmake", "make", "g++"))):
        pytest.skip("cmake, make or g++ is not installed")
    place = tmp_path / "ndk" / "build" / "cmake"
    place.mkdir(parents=True)
    told = tmp_path / "told"
    (place / "android.toolchain.cmake").write_text(TOOLCHAIN.format(told=told))
    monkeypatch.setenv(NDK, str(tmp_path / "ndk"))
    monkeypatch.setattr(bundle, "default_folder", lambda target: tmp_path / "cache" / target.name)
    heard: list[str] = []
    progress = Progress(start=lambda what, total=None: heard.append(what))
    made = make_bundle(ANDROID, litert=android_package(tmp_path), progress=progress)
    assert heard == ["Getting LiteRT's library for android-arm64", "Compiling edgeq-agent for android-arm64"]
    assert told.read_text() == "arm64-v8a android-26"
    assert sorted(path.name for path in made.folder.iterdir()) == ["edgeq-agent", "libLiteRt.so", "made-of.sha256"]
    assert ready_bundle(ANDROID).folder == made.folder

    (made.folder / "made-of.sha256").write_text("of other sources\n")
    with pytest.raises(ToolError, match="android-arm64 was built by another version of edgeq"):
        ready_bundle(ANDROID)


def test_every_file_that_is_compiled_is_a_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "_run", lambda argv, what: Path(argv[-1]).touch())
    totals, steps = list[int](), list[int]()
    progress = Progress(start=lambda what, total: totals.append(total), step=lambda n=1: steps.append(n))
    build_agent(find_target("host"), tmp_path, progress=progress)
    assert totals == [sum(steps)] == [len(build.sources())]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written: Not a directory"):
        make_bundle(ANDROID, litert=android_package(tmp_path), out=tmp_path / "file" / "agent")


def test_an_agent_of_another_litert_or_other_options_is_not_taken_for_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    linux = find_target("linux-arm64")
    digests = {bundle._digest(linux), bundle._digest(ANDROID), bundle._digest(find_target("linux-x86_64"))}
    assert len(digests) == 3
    for target, name, value in ((linux, "_COMMON", ("-O3",)), (ANDROID, "_OLDEST_ANDROID", 28)):
        with monkeypatch.context() as patch:
            patch.setattr(build, name, value)
            digests.add(bundle._digest(target))
    assert len(digests) == 5
    android = bundle._digest(ANDROID)
    monkeypatch.setattr(bundle, "wheel_version", lambda: "9.9.9")
    digests.add(bundle._digest(linux))
    assert len(digests) == 6
    assert bundle._digest(ANDROID) == android  # whose library is given


def test_both_ways_of_building_read_the_same_definitions() -> None:
    agent = resources.firmware() / "agent"
    names = (agent / "definitions.txt").read_text().split()
    assert {"EDGEQ_LINK_FACTS", "EDGEQ_STACK_BYTES=0"} < set(names)
    assert build._definitions() == tuple(f"-D{name}" for name in names)
    cmake = (agent / "CMakeLists.txt").read_text()
    assert "file(STRINGS definitions.txt definitions)" in cmake and "EDGEQ_LINK_" not in cmake
