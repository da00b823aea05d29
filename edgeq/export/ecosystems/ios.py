"""A Swift package, and a pod of it: Swift around TensorFlow Lite's Interpreter. No Mac in the tests runs it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

from edgeq.export.apps.facts import facts_of
from edgeq.export.apps.literals import ruby_string
from edgeq.export.apps.sources import golden_files, rendered
from edgeq.export.apps.words import module_name
from edgeq.export.record import AppPlatform, Package
from edgeq.mobile.builds import MobileBuild
from edgeq.mobile.platforms import NEVER_RUN
from edgeq.records import VariantKind

_TEMPLATES = {
    "README.md": "ios/README.md.j2",
    "Package.swift": "ios/Package.swift.j2",
    "{type}.podspec": "ios/podspec.j2",
    "Sources/{type}/{type}Spec.swift": "ios/Spec.swift.j2",
    "Sources/{type}/Conversion.swift": "ios/Conversion.swift.j2",
    "Sources/{type}/Resources.swift": "ios/Resources.swift.j2",
    "Sources/{type}/{type}Model.swift": "ios/Model.swift.j2",
    "Tests/{type}Tests/{type}SpecTests.swift": "ios/SpecTests.swift.j2",
    "Tests/{type}Tests/{type}ModelTests.swift": "ios/ModelTests.swift.j2",
}


def _files(build: MobileBuild, kind: VariantKind, package: Package, prefix: str) -> Mapping[str, bytes]:
    facts, module = facts_of(build, kind), module_name(prefix)
    return {
        **rendered(build, facts, package, prefix, _TEMPLATES),
        **golden_files(facts, f"Tests/{module}Tests/Golden"),
        f"Sources/{module}/Resources/{prefix}.tflite": facts.content,
    }


def _commands(prefix: str, out: Path) -> tuple[str, ...]:
    """On a Mac, in the app's own project."""
    kind = module_name(prefix)
    pod = f"pod '{kind}', :path => {ruby_string(out.absolute().as_posix())}, :testspecs => ['Tests']"
    return (
        f"swift test --package-path {shlex.quote(str(out))}",
        f"echo {shlex.quote(pod)} >> Podfile   # inside of your target",
        "pod install",
    )


PLATFORM = AppPlatform(name="ios", files=_files, commands=_commands, note=f"The sources are {NEVER_RUN}.")
