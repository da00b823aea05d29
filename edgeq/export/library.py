"""The aot engine of a build as a plain C library: public headers, and files that only its own sources see.

It is made of the build's own C project, so what is exported is what was compiled and compared. Layouts differ by
ecosystem; what holds in all of them: public headers are found as "kws.h" and "kws/…" (one folder in the include path),
the sources lie in one folder, and headers beside them are found from there without an include path, so that two
models in one program never see each other's.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from edgeq.builds import Build
from edgeq.errors import InputError
from edgeq.export.namespace import ENGINE, renamed, shared_names
from edgeq.records import Group

_GROUPS = (Group.WEIGHTS, Group.MODEL, Group.KERNELS)
_MORE_SOURCES = ("link/crc32.c",)  # the self-test's
_INCLUDE = re.compile(r'^(?P<before>\s*#\s*include\s+)"(?P<name>[^"]+)"', re.MULTILINE)
_DIRECTIVE = re.compile(r"^#", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """Texts of a library, by path: `public` below the folder that users have in their include path, `private` below
    the sources' folder."""

    prefix: str
    public: Mapping[str, str]
    private: Mapping[str, str]

    @property
    def sources(self) -> tuple[str, ...]:
        """The files of `private` that are compiled, sorted."""
        return tuple(sorted(p for p in self.private if p.endswith((".c", ".cpp"))))


def library(build: Build) -> Library:
    """The library of a build of the aot engine.

    Raises:
        InputError: another engine's build, or a file of its project cannot be read.
    """
    if build.engine != "aot":
        raise InputError(
            f"{build.folder} is a build of the engine {build.engine}; the library is the aot engine's.",
            hint="Export with --engine tflm, or build with --engine aot.",
        )
    project, prefix = build.project, build.project.symbol
    sources = [*(s for g in _GROUPS for s in project.sources.get(g, ())), *_MORE_SOURCES]
    files = with_headers(project.root, sources, project.include_dirs)
    public = {f"model/{prefix}.h": f"{prefix}.h", f"include/{ENGINE}": f"{prefix}/engine.h"}
    private = {path: _place(path, prefix) for path in files if path not in public}
    return assembled(files, public, private, prefix)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A C file: `includes` has, for each name of the project's that it includes with quotes, the path there."""

    text: str
    includes: Mapping[str, str]


def with_headers(root: Path, sources: Iterable[str], include_dirs: Iterable[str]) -> dict[str, SourceFile]:
    """Path -> files of a project, and all of it that they include with quotes.

    Raises:
        InputError: one cannot be read.
    """
    pending, found = list(sources), dict[str, SourceFile]()
    while pending:
        path = pending.pop()
        if path in found:
            continue
        try:
            text = (root / path).read_text(encoding="utf-8")
        except OSError as exc:
            raise InputError(
                f"{root / path} cannot be read: {exc.strerror or exc}.", hint="Build again: edgeq build …"
            ) from exc
        folders = (posixpath.dirname(path), *include_dirs)
        names = sorted({m["name"] for m in _INCLUDE.finditer(text)})
        places = {n: [f"{d}/{n}" for d in folders if (root / d / n).is_file()] for n in names}
        found[path] = SourceFile(text=text, includes={n: p[0] for n, p in places.items() if p})
        pending += found[path].includes.values()
    return dict(sorted(found.items()))


def assembled(
    files: Mapping[str, SourceFile], public: Mapping[str, str], private: Mapping[str, str], prefix: str
) -> Library:
    """Files of a project in their new places, with names and includes that fit there.

    Args:
        files: path -> file; edgeq/engine.h below include/ is among them.
        public: path -> place below the include folder.
        private: path -> place below the sources' folder.
        prefix: of the model's names.
    """
    shared = shared_names(files[f"include/{ENGINE}"].text)

    def moved(path: str) -> str:
        here = posixpath.dirname(private.get(path, "")) or "."
        places = {n: public.get(t) or posixpath.relpath(private[t], here) for n, t in files[path].includes.items()}
        text = _INCLUDE.sub(lambda m: f'{m["before"]}"{places.get(m["name"], m["name"])}"', files[path].text)
        return renamed(text, prefix, shared)

    return Library(
        prefix=prefix,
        public={place: _configured(moved(path), prefix, place) for path, place in public.items()},
        private={place: _configured(moved(path), prefix, place) for path, place in private.items()},
    )


def _place(path: str, prefix: str) -> str:
    """Where a file of the project goes among the sources: the model's own on top, edgeq's below edgeq/ and kernels/."""
    folder, name = posixpath.split(path)
    if folder == "kernels":
        return path
    own = folder == "model" and (name.startswith(f"{prefix}_") or name == f"{prefix}.c")
    return name if own else f"edgeq/{name}"


def _configured(text: str, prefix: str, place: str) -> str:
    """The text, with the library's settings included where they count: in the model's header, and its sources."""
    config = f'#include "{prefix}/config.h"\n'
    engine = f'#include "{prefix}/engine.h"\n'
    if place == f"{prefix}.h":
        return text.replace(engine, engine + config, 1)
    if "/" not in place and place.endswith((".c", ".cpp")):
        return _DIRECTIVE.sub(lambda m: f"{config}\n{m[0]}", text, count=1)
    return text
