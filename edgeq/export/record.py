"""What an export is made of: the package's own data, an ecosystem or an app's platform, and what came out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgeq.errors import InputError

if TYPE_CHECKING:
    from edgeq.builds import Build
    from edgeq.mobile.builds import MobileBuild
    from edgeq.records import VariantKind

_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
_LICENSE = re.compile(r"[A-Za-z0-9.+() -]+")
_AUTHOR = re.compile(r"(?P<name>[^<>]*[^<>\s])\s*(<(?P<email>[^<>@\s]+@[^<>@\s]+)>)?")
_URL = re.compile(r"https?://[^\s<>\"']+")
# Of the C files that edgeq brings along.
_OWN_LICENSE = "Apache-2.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """What a manifest says about a package, beside its content.

    `version` is MAJOR.MINOR.PATCH; `license` an SPDX expression for the model (None: nothing is said about it);
    `author` a name, with an address in <> if wanted. `engine` is what runs the model in it, "aot" or "tflm"; None: the
    build's own. Of a build for phones: `variant` goes in (None: the recommended one), `name` begins names and files
    (None: the model's own), `namespace` is the package of Kotlin sources (None: edgeq.<name>).
    """

    version: str = "1.0.0"
    license: str | None = None
    author: str = "edgeq"
    url: str | None = None
    engine: str | None = None
    variant: VariantKind | None = None
    name: str | None = None
    namespace: str | None = None

    def check(self) -> None:
        """Refuse what no manifest could hold.

        Raises:
            InputError: names the option.
        """
        if not _VERSION.fullmatch(self.version):
            raise InputError(
                f"The package's version {self.version!r} is not MAJOR.MINOR.PATCH, as all ecosystems want it.",
                hint="For example: --package-version 1.0.0",
            )
        if self.license is not None and not _LICENSE.fullmatch(self.license):
            raise InputError(
                f"The license {self.license!r} is no SPDX expression.",
                hint='For example: --license MIT, or "MIT OR ISC".',
            )
        if not _AUTHOR.fullmatch(self.author) or not self.author.isprintable():
            raise InputError(
                f"The author {self.author!r} is no name, with or without an address.",
                hint='For example: --author "Ada Lovelace <ada@example.org>"',
            )
        if self.url is not None and not _URL.fullmatch(self.url):
            raise InputError(f"The address {self.url!r} is no http or https URL.", hint="--url https://…")

    @property
    def author_name(self) -> str:
        """The author without the address."""
        found = _AUTHOR.fullmatch(self.author)
        return found["name"] if found else self.author

    @property
    def author_email(self) -> str | None:
        """The author's address."""
        found = _AUTHOR.fullmatch(self.author)
        return found["email"] if found else None

    @property
    def spdx(self) -> str | None:
        """The license of the whole package: the model's and that of edgeq's files; None if the model's is unknown."""
        if self.license is None or self.license == _OWN_LICENSE:
            return self.license
        given = f"({self.license})" if " " in self.license else self.license
        return f"{given} AND {_OWN_LICENSE}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ecosystem:
    """How a build becomes a package of an ecosystem.

    `files` gives path in the package -> content. `commands` are what a user would type next, three of them, for a
    package of that C prefix in that folder; `tflm_commands` those where TensorFlow Lite Micro runs it, None if they are
    the same.
    """

    name: str
    files: Callable[[Build, Package], Mapping[str, bytes]]
    commands: Callable[[str, Path], tuple[str, ...]]
    tflm_commands: Callable[[str, Path], tuple[str, ...]] | None = None

    def commands_for(self, engine: str, name: str, out: Path) -> tuple[str, ...]:
        """The commands for a package that this engine, "aot" or "tflm", runs."""
        own = self.tflm_commands if engine == "tflm" else None
        return (own or self.commands)(name, out)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppPlatform:
    """How a variant of a build for phones becomes sources of an app; `files` (of that variant) and `commands` as an
    ecosystem's, for names and files that begin with the given prefix. `note` is what a user must know of it."""

    name: str
    files: Callable[[MobileBuild, VariantKind, Package, str], Mapping[str, bytes]]
    commands: Callable[[str, Path], tuple[str, ...]]
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """An export that was written: `files` relative to `out`, in POSIX form, sorted; `commands` to type next; `note` is
    what a user must know of it. `variant` is that of a build for phones."""

    to: str
    name: str
    out: Path
    files: tuple[str, ...]
    commands: tuple[str, ...]
    note: str | None = None
    variant: str | None = None
