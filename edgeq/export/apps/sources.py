"""The files of an app's package: templates filled with a variant's facts, the .tflite, and edgeq's own C++ under the
model's names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from edgeq import resources
from edgeq.export.apps.facts import Facts
from edgeq.export.apps.literals import FILTERS
from edgeq.export.apps.words import module_name
from edgeq.export.record import Package
from edgeq.generate.environment import environment
from edgeq.mobile.builds import MobileBuild
from edgeq.version import version

_GUARD = re.compile(r"^#(ifndef|define) EDGEQ_(?:AGENT|APP)_", re.MULTILINE)


def rendered(
    build: MobileBuild, facts: Facts, package: Package, prefix: str, templates: Mapping[str, str], **more: object
) -> dict[str, bytes]:
    """Path -> content of templates.

    Args:
        build: that the variant is of.
        facts: the variant's.
        package: what manifests say.
        prefix: of names and files.
        templates: path -> template below templates/export/; {name} and {type} in a path stand for the prefix, and for
            the beginning of types' names.
        more: what the templates see beside.
    """
    kind = module_name(prefix)
    context = {
        "prefix": prefix,
        "type": kind,
        "macro": prefix.upper(),
        "version": version(),
        "facts": facts,
        "package": package,
        "normalization": build.info.normalization,
        **more,
    }
    texts = {
        path.format(name=prefix, type=kind): _environment().get_template(template).render(context)
        for path, template in templates.items()
    }
    texts["LICENSE"] = (resources.templates() / "export" / "common" / "LICENSE").read_text(encoding="utf-8")
    return {path: text.encode() for path, text in texts.items()}


def golden_files(facts: Facts, folder: str) -> dict[str, bytes]:
    """A sample: the real values of each input, and what the host answered, little-endian float32."""
    return {f"{folder}/{value.golden_file}": value.golden_values for value in facts.values}


def own_cpp(places: Mapping[str, str], prefix: str) -> dict[str, bytes]:
    """edgeq's own C++ in a namespace of the model's, so that two models in one program never share it.

    Args:
        places: file of firmware/ -> path in the package, with {name} for the prefix.
        prefix: the model's.
    """
    root = resources.firmware()
    texts = {place: (root / file).read_text(encoding="utf-8") for file, place in places.items()}
    space, guard = f"namespace {prefix}::edgeq", f"#\\1 {prefix.upper()}_EDGEQ_"
    return {
        place.format(name=prefix): _GUARD.sub(guard, text.replace("namespace edgeq", space)).encode()
        for place, text in texts.items()
    }


@cache
def _environment() -> Any:
    made = environment("export").overlay()
    made.filters = {**made.filters, **FILTERS}
    return made
