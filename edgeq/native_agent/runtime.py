"""LiteRT's shared library for the native agent: found, fetched or taken from the user, and checked."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

from edgeq import process, resources
from edgeq.caches import cache_folder
from edgeq.errors import InputError, ToolError
from edgeq.native_agent.targets import Target, is_host
from edgeq.toolchain.elf import open_elf

LIBRARY = "libLiteRt.so"

_PACKAGE = "ai_edge_litert"
_CALL = re.compile(r"^\s*CALL\([^,]+,\s*(LiteRt\w+),", re.MULTILINE)
_DOWNLOAD_SECONDS = 600.0
# The oldest first: pip takes the newest of them that the index has.
_WHEELS = ("manylinux2014", "manylinux_2_27", "manylinux_2_28", "manylinux_2_31", "manylinux_2_34")
_ANDROID_HINT = (
    "It is in LiteRT's package for Android (com.google.ai.edge.litert:litert on Google's Maven repository). Give its "
    ".aar, or the libLiteRt.so in it, with --litert."
)


def litert_library(target: Target, given: Path | None, folder: Path) -> Path:
    """The library for a target.

    Args:
        target: for what.
        given: a library, or an Android package (.aar) that has it; None: the one of the installed ai-edge-litert, or of
            its wheel of the same version for the target.
        folder: gets what is taken out of an Android package.

    Raises:
        InputError: what is given is no such library.
        ToolError: none is given for Android; or pip is missing, or did not get the wheel.
    """
    if given is not None:
        found = _out_of_package(given, target, folder) if zipfile.is_zipfile(given) else given
    elif is_host(target):
        found = _installed()
    elif target.android_abi is not None:
        raise ToolError(f"LiteRT's library for {target.name} is not known.", hint=_ANDROID_HINT)
    else:
        found = wheel_library(target)
    check_library(found, target)
    return found


def wheel_library(target: Target) -> Path:
    """The library of the wheel for another kind of Linux, of the installed version; kept in edgeq's cache.

    Raises:
        ToolError: pip is missing, or did not get the wheel.
    """
    version = wheel_version()
    kept = cache_folder("litert") / f"{version}-{target.name}" / LIBRARY
    if kept.is_file():
        return kept
    if importlib.util.find_spec("pip") is None:
        raise ToolError("LiteRT's wheel is fetched with pip, which is not installed.", hint="python -m ensurepip")
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
        platforms = [word for wheel in _WHEELS for word in ("--platform", f"{wheel}_{target.machine}")]
        process.run(
            [
                sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
                "--only-binary=:all:", *platforms, "--dest", scratch, f"{_PACKAGE}=={version}",
            ],
            timeout=_DOWNLOAD_SECONDS, what=f"Fetching LiteRT {version} for {target.name}",
        )  # fmt: skip
        wheel = next(Path(scratch).glob("*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            _extract(archive, f"{_PACKAGE}/{LIBRARY}", Path(scratch) / LIBRARY)
        (Path(scratch) / LIBRARY).replace(kept)
    return kept


def wheel_version() -> str:
    """Of the ai-edge-litert that is installed here.

    Raises:
        ToolError: none is.
    """
    try:
        return importlib.metadata.version(_PACKAGE)
    except importlib.metadata.PackageNotFoundError as exc:
        raise ToolError("LiteRT is not installed.", hint="pip install ai-edge-litert") from exc


def required_symbols() -> tuple[str, ...]:
    """The functions of LiteRT that the agent calls, as its source declares them."""
    text = (resources.firmware() / "agent" / "src" / "litert_api.h").read_text("utf-8")
    return tuple(_CALL.findall(text))


def check_library(path: Path, target: Target) -> None:
    """The library is for this kind of device, and has every function that the agent calls.

    Raises:
        InputError: says what is wrong.
    """
    with open_elf(path) as elf:
        machine = elf["e_machine"]
        table = elf.get_section_by_name(".dynsym")
        exported = {s.name for s in (table.iter_symbols() if table else ()) if s["st_shndx"] != "SHN_UNDEF"}
    if machine != target.elf_machine:
        raise InputError(f"{path} is for {machine}, not for {target.name} ({target.elf_machine}).")
    missing = [name for name in required_symbols() if name not in exported]
    if missing:
        raise InputError(
            f"{path} lacks {', '.join(missing[:3])}{' and more' if len(missing) > 3 else ''}, which the agent calls.",
            hint="It must be LiteRT's library (libLiteRt.so) of version 2.1 or later, not TensorFlow Lite's.",
        )


def _installed() -> Path:
    spec = importlib.util.find_spec(_PACKAGE)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        if (Path(place) / LIBRARY).is_file():
            return Path(place) / LIBRARY
    raise ToolError("LiteRT is not installed.", hint="pip install ai-edge-litert")


def _out_of_package(package: Path, target: Target, folder: Path) -> Path:
    member = f"jni/{target.android_abi}/{LIBRARY}" if target.android_abi else f"{_PACKAGE}/{LIBRARY}"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(package) as archive:
        if member not in archive.namelist():
            raise InputError(f"{package} has no {member}.", hint=_ANDROID_HINT if target.android_abi else None)
        _extract(archive, member, folder / LIBRARY)
    return folder / LIBRARY


def _extract(archive: zipfile.ZipFile, member: str, to: Path) -> None:
    with archive.open(member) as source, to.open("wb") as out:
        shutil.copyfileobj(source, out)
