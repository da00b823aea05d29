"""An Android library module: Kotlin around LiteRT's CompiledModel, and the same in C++ for the NDK."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from edgeq.errors import UnsupportedError
from edgeq.export.apps.facts import Facts, facts_of
from edgeq.export.apps.literals import kotlin_string
from edgeq.export.apps.sources import golden_files, own_cpp, rendered
from edgeq.export.apps.words import namespace
from edgeq.export.record import AppPlatform, Package
from edgeq.mobile.builds import MobileBuild
from edgeq.model.graph import DType
from edgeq.records import VariantKind

LITERT = "2.3.0"
"""Of LiteRT's package for Android, and of the API that the sources are written for."""

_KOTLIN = {
    "README.md": "android/README.md.j2",
    "build.gradle.kts": "android/build.gradle.kts.j2",
    "src/main/AndroidManifest.xml": "android/AndroidManifest.xml.j2",
    "src/main/kotlin/{folder}/{{type}}Spec.kt": "android/Spec.kt.j2",
    "src/main/kotlin/{folder}/Conversion.kt": "android/Conversion.kt.j2",
    "src/main/kotlin/{folder}/{{type}}Model.kt": "android/Model.kt.j2",
    "src/test/kotlin/{folder}/{{type}}SpecTest.kt": "android/SpecTest.kt.j2",
    "src/androidTest/kotlin/{folder}/{{type}}ModelTest.kt": "android/ModelTest.kt.j2",
}
_CPP = {
    "cpp/CMakeLists.txt": "android/cpp/CMakeLists.txt.j2",
    "cpp/include/{name}/spec.h": "android/cpp/spec.h.j2",
    "cpp/include/{name}/model.h": "android/cpp/model.h.j2",
    "cpp/src/model.cpp": "android/cpp/model.cpp.j2",
    "cpp/test/test_spec.cpp": "android/cpp/test_spec.cpp.j2",
    "cpp/test/test_model.cpp": "android/cpp/test_model.cpp.j2",
}
# Files of firmware/ that go along, and their places.
_OWN = {
    "app/conversion.h": "cpp/include/{name}/conversion.h",
    "app/runtime.h": "cpp/src/runtime.h",
    "app/runtime.cpp": "cpp/src/runtime.cpp",
    "agent/src/litert_api.h": "cpp/src/litert_api.h",
    "agent/src/sha256.h": "cpp/src/sha256.h",
    "agent/src/sha256.cpp": "cpp/src/sha256.cpp",
}
_GOLDEN = "src/androidTest/assets"


def _files(build: MobileBuild, kind: VariantKind, package: Package, prefix: str) -> Mapping[str, bytes]:
    facts, space = facts_of(build, kind), namespace(package.namespace, prefix)
    _check(facts, build)
    folder = space.replace(".", "/")
    kotlin = {path.format(folder=folder): template for path, template in _KOTLIN.items() if "{folder}" in path}
    plain = {path: template for path, template in _KOTLIN.items() if "{folder}" not in path}
    asset = f"src/main/assets/{prefix}.tflite"
    more = {"namespace": space, "litert": LITERT, "golden": f"../{_GOLDEN}", "asset": f"../{asset}"}
    return {
        **rendered(build, facts, package, prefix, {**plain, **kotlin, **_CPP}, **more),
        **golden_files(facts, f"{_GOLDEN}/{prefix}"),
        **own_cpp(_OWN, prefix),
        asset: facts.content,
    }


def _check(facts: Facts, build: MobileBuild) -> None:
    """Refuse what LiteRT's API for Android cannot run.

    Raises:
        UnsupportedError: 16-bit values, or variables.
    """
    for value in facts.values:
        if value.dtype is DType.INT16:
            raise UnsupportedError(
                f"{value.kind.capitalize()} {value.name!r} of the {facts.kind.value} variant is int16, and LiteRT's "
                "API for Kotlin has no 16-bit buffers.",
                hint=f"{_others(facts, build)}; --to ios takes this one.",
            )
    if facts.stateful:
        raise UnsupportedError(
            "The model has variables, which LiteRT's CompiledModel refuses to run.",
            hint="Make the state an input and an output of the model, and hand it on in the app; --to ios takes it as "
            "it is.",
        )


def _others(facts: Facts, build: MobileBuild) -> str:
    """Which variants of the build to export instead, or how to get one."""
    others = [row.kind.value for row in build.info.rows if "int16" not in (*row.inputs, *row.outputs)]
    if others:
        return f"Export another variant, --variant {' or '.join(others)}"
    return f"Build from the float model, which gives other variants than {facts.kind.value}"


def _commands(prefix: str, out: Path) -> tuple[str, ...]:
    """In the app's own project."""
    folder = out.absolute().as_posix()
    lines = f'include(":{prefix}")', f'project(":{prefix}").projectDir = file({kotlin_string(folder)})'
    return (
        f"printf '%s\\n' {' '.join(map(shlex.quote, lines))} >> settings.gradle.kts",
        f"./gradlew :{prefix}:testDebugUnitTest",
        f"./gradlew :{prefix}:connectedDebugAndroidTest",
    )


PLATFORM = AppPlatform(name="android", files=_files, commands=_commands)
