"""Packages as their ecosystems take them: manifests through the ecosystem's own tool where an index has it, build files
by the ecosystem's rules, examples compiled and run on this computer."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tarfile
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
import stubs
import yaml
from exports import ZIG
from projects import HOST_CPP

import edgeq
from edgeq import process
from edgeq.builds import Build
from edgeq.errors import ToolError

pytestmark = pytest.mark.xdist_group("export")

needs_cmake = pytest.mark.skipif(shutil.which("cmake") is None, reason="cmake is not installed")
PASSED = b"small: self-test passed"


def export(build: Build, to: str, folder: Path, **options: str) -> Path:
    return edgeq.export_build(build.folder, to=to, out=folder / build.name, **options).out  # type: ignore[arg-type]


def run(argv: list[str | Path], folder: Path, **environment: str) -> bytes:
    done = process.run(argv, timeout=200, what=str(argv[0]), cwd=folder, env={**os.environ, **environment})
    assert b"warning" not in done.stderr.lower(), done.stderr.decode()
    return done.stdout + done.stderr


def pio(folder: Path, *arguments: str | Path) -> bytes:
    """PlatformIO without a network, and nothing of it in the user's home."""
    dead = "http://127.0.0.1:9"
    return run(
        [sys.executable, *arguments], folder,
        PLATFORMIO_CORE_DIR=str(folder / "core"), http_proxy=dead, https_proxy=dead,
    )  # fmt: skip


def test_platformio_packs_it(small: Build, tmp_path: Path) -> None:
    """`pio pkg pack` checks the manifest, and takes all files along."""
    library = export(small, "platformio", tmp_path, author="Ada <ada@example.org>", url="https://example.org/small")
    pio(tmp_path, "-m", "platformio", "pkg", "pack", library, "-o", "small.tar.gz")
    with tarfile.open(tmp_path / "small.tar.gz") as archive:
        packed = {name.removeprefix("./") for name in archive.getnames()}
    assert {p.relative_to(library).as_posix() for p in library.rglob("*") if p.is_file()} <= packed


_CHECK = """
import json, sys
from platformio.package.manifest.parser import ManifestParserFactory
from platformio.package.manifest.schema import ManifestSchema

known = {"licenses": [{"licenseId": "MIT"}, {"licenseId": "Apache-2.0"}]}  # the real list is on the net
ManifestSchema.load_spdx_licenses = staticmethod(lambda: known)
print(json.dumps(ManifestSchema().load_manifest(ManifestParserFactory.new_from_dir(sys.argv[1]).as_dict())))
"""


@pytest.mark.parametrize("to", ["platformio", "arduino"])
def test_platformios_schema_takes_manifests_with_a_license(small: Build, tmp_path: Path, to: str) -> None:
    """Its own, and Arduino's library.properties, which it reads too."""
    out = export(small, to, tmp_path, license="MIT", author="Ada L <ada@example.org>", url="https://example.org/s")
    manifest = json.loads(pio(tmp_path, "-c", _CHECK, out))
    assert (manifest["name"], manifest["version"]) == ("small", "1.0.0")
    assert manifest["license"] == "MIT AND Apache-2.0"
    assert manifest["headers"] == ["small.h"]
    assert (manifest["authors"][0]["name"], manifest["authors"][0]["email"]) == ("Ada L", "ada@example.org")
    assert manifest["homepage"] == "https://example.org/s"
    assert manifest["frameworks"] == (["*"] if to == "platformio" else ["arduino"])


def test_arduino_properties(small: Build, tmp_path: Path) -> None:
    out = export(small, "arduino", tmp_path)
    lines = (out / "library.properties").read_text().splitlines()
    fields = dict(line.split("=", 1) for line in lines)
    assert list(fields) == [
        "name", "version", "author", "maintainer", "sentence", "paragraph", "category", "url", "architectures",
        "includes",
    ]  # fmt: skip
    assert (out / "src" / fields["includes"]).is_file()
    assert (out / "examples" / "small_example" / "small_example.ino").is_file()
    # The recursive layout compiles all of src/, and looks for C files nowhere else.
    assert {p.relative_to(out).parts[0] for p in out.rglob("*.c")} == {"src"}


def test_arduino_compiles_its_way(small: Build, vector: Build, tmp_path: Path) -> None:
    """Two libraries, src/ of each in the include path and no other flag; for size; every object linked."""
    libraries = [export(b, "arduino", tmp_path / "libraries") for b in (vector, small)]
    (tmp_path / "Arduino.h").write_text(stubs.ARDUINO)
    sketch = libraries[1] / "examples" / "small_example" / "small_example.ino"
    (tmp_path / "sketch.cpp").write_text(f"#include <Arduino.h>\n{sketch.read_text()}")
    includes = ["-I.", *(f"-I{library / 'src'}" for library in libraries)]
    gcc, cpp = (("gcc",), ("g++",)) if shutil.which("g++") else ((*ZIG, "cc"), (*ZIG, "c++"))
    for library in libraries:
        folder = tmp_path / "objects" / library.name
        folder.mkdir(parents=True)
        for source in sorted((library / "src").rglob("*.c")):
            name = source.relative_to(library).as_posix().replace("/", "_")
            run([*gcc, "-Os", "-Wall", "-Wextra", "-std=gnu11", *includes, "-c", source, "-o", folder / name], tmp_path)
    objects = sorted((tmp_path / "objects").rglob("*.c"))
    run([*cpp, "-std=gnu++17", "-Wall", *includes, "-x", "c++", "sketch.cpp", "-x", "none", "-o", "sketch",
         *(o.rename(o.with_suffix(".o")) for o in objects)], tmp_path)  # fmt: skip
    assert PASSED in run([tmp_path / "sketch"], tmp_path)


def test_arduino_kernels_ask_for_speed(small: Build, tmp_path: Path) -> None:
    if shutil.which("arm-none-eabi-gcc") is None:
        pytest.skip("arm-none-eabi-gcc is not installed")
    sizes = []
    for to, flag, place in (("arduino", "-Os", "src/small"), ("library", "-Os", "src"), ("library", "-O2", "src")):
        out = export(small, to, tmp_path / to)
        flags = ["-mcpu=cortex-m4", "-mthumb", "-funroll-loops", flag, f"-I{out}/src", f"-I{out}/include"]
        run(["arm-none-eabi-gcc", *flags, "-c", f"{out}/{place}/kernels/softmax.c", "-o", "softmax.o"], tmp_path)
        sizes.append((tmp_path / "softmax.o").stat().st_size)
    arduino, small_code, fast_code = sizes
    assert small_code < arduino
    assert abs(arduino - fast_code) < abs(arduino - small_code)


@needs_cmake
def test_zephyr_builds_the_sample(small: Build, tmp_path: Path) -> None:
    module = export(small, "zephyr", tmp_path / "modules")
    (tmp_path / "ZephyrConfig.cmake").write_text(stubs.ZEPHYR)
    run(["cmake", "-S", module / "samples" / "small", "-B", "out", f"-DZephyr_DIR={tmp_path}"], tmp_path)
    run(["cmake", "--build", "out"], tmp_path)
    printed = run([tmp_path / "out" / "app"], tmp_path)
    wanted = yaml.safe_load((module / "samples" / "small" / "sample.yaml").read_text())
    assert wanted["common"]["harness_config"]["regex"][0].encode() in printed


def test_zephyr_module_and_kconfig(small: Build, tmp_path: Path) -> None:
    """module.yml names folders that are there; Kconfig, read by the library that Zephyr reads it with, has the switches
    that prj.conf and CMakeLists.txt use."""
    import kconfiglib

    module = export(small, "zephyr", tmp_path)
    described = yaml.safe_load((module / "zephyr" / "module.yml").read_text())
    assert described["name"] == "small"
    assert (module / described["build"]["cmake"] / "CMakeLists.txt").is_file()
    assert all((module / folder).is_dir() for folder in described["samples"])
    (tmp_path / "Kconfig").write_text(
        f'config BIG_ENDIAN\n\tbool\n\nsource "{module / described["build"]["kconfig"]}"\n'
    )
    kconfig = kconfiglib.Kconfig(str(tmp_path / "Kconfig"))
    assert not kconfig.warnings
    kconfig.load_config(str(module / "samples" / "small" / "prj.conf"))
    assert not kconfig.warnings
    assert [kconfig.syms[name].str_value for name in ("EDGEQ_SMALL", "EDGEQ_SMALL_SELFTEST")] == ["y", "y"]
    used = (module / "zephyr" / "CMakeLists.txt").read_text()
    assert all(f"CONFIG_{name}" in used for name in ("EDGEQ_SMALL", "EDGEQ_SMALL_SELFTEST"))


@needs_cmake
def test_esp_idf_builds_the_example(small: Build, tmp_path: Path) -> None:
    component = export(small, "esp-idf", tmp_path / "components")
    (tmp_path / "tools" / "cmake").mkdir(parents=True)
    (tmp_path / "tools" / "cmake" / "project.cmake").write_text(stubs.IDF)
    run(["cmake", "-S", component / "examples" / "small_example", "-B", "out"], tmp_path, IDF_PATH=str(tmp_path))
    run(["cmake", "--build", "out"], tmp_path)
    assert PASSED in run([tmp_path / "out" / "app"], tmp_path)


def test_esp_idf_manifest_and_kconfig(small: Build, tmp_path: Path) -> None:
    import kconfiglib

    component = export(
        small, "esp-idf", tmp_path, license="MIT", author="Ada <ada@example.org>", package_version="2.0.1"
    )
    manifest = yaml.safe_load((component / "idf_component.yml").read_text())
    assert (manifest["version"], manifest["license"]) == ("2.0.1", "MIT AND Apache-2.0")
    assert manifest["maintainers"] == ["Ada <ada@example.org>"]
    assert all((component / example["path"]).is_dir() for example in manifest["examples"])
    kconfig = kconfiglib.Kconfig(str(component / "Kconfig"))
    assert not kconfig.warnings
    assert kconfig.syms["EDGEQ_SMALL_NO_SELFTEST"].str_value == "n"


def test_cmsis_pack_lists_every_file(small: Build, tmp_path: Path) -> None:
    pack = export(small, "cmsis-pack", tmp_path, author="A & B <ab@example.org>", url="https://example.org/?a=1&b=2")
    root = ET.parse(pack / "edgeq.small.pdsc").getroot()  # noqa: S314 (our own)
    assert (root.findtext("vendor"), root.findtext("name")) == ("edgeq", "small")
    assert root.findtext("url") == "https://example.org/?a=1&b=2"
    assert (pack / str(root.findtext("license"))).is_file()
    files = [f.attrib for f in root.iter("file")]
    assert all((pack / f["name"]).exists() for f in files)
    compiled = {f["name"] for f in files if f["category"] == "sourceC"}
    assert compiled == {p.relative_to(pack).as_posix() for p in (pack / "src").rglob("*.c")}
    (component,) = root.iter("component")
    assert component.get("condition") in {c.get("id") for c in root.iter("condition")}


def test_avr_is_refused_by_a_sketch(small: Build, tmp_path: Path) -> None:
    out = export(small, "arduino", tmp_path)
    (tmp_path / "sketch.cpp").write_text("#include <small.h>\n")
    with pytest.raises(ToolError, match="small: AVR has neither"):
        run([*HOST_CPP, "-D__AVR__", f"-I{out / 'src'}", "-fsyntax-only", "sketch.cpp"], tmp_path)
