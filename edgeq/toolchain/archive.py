"""Static libraries: what an ar archive defines, and for which core it was compiled."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from pathlib import Path

from edgeq.errors import InputError

_MAGIC, _THIN = b"!<arch>\n", b"!<thin>\n"
_HEADER = 60
# Build attributes of the Arm ELF ABI (IHI 0045): Tag_CPU_arch, and the calling convention of Tag_ABI_VFP_args.
ARCHITECTURES = {
    1: "Armv4", 2: "Armv4T", 3: "Armv5T", 4: "Armv5TE", 5: "Armv5TEJ", 6: "Armv6", 7: "Armv6KZ", 8: "Armv6T2",
    9: "Armv6K", 10: "Armv7", 11: "Armv6-M", 12: "Armv6S-M", 13: "Armv7E-M", 14: "Armv8-A", 15: "Armv8-R",
    16: "Armv8-M Baseline", 17: "Armv8-M Mainline", 21: "Armv8.1-M Mainline",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltFor:
    """What an object was compiled for: `architecture` by Tag_CPU_arch (0: it is not known, or no Arm at all)."""

    machine: str
    architecture: int
    hard_float: bool


class Archive:
    """A static library, read once."""

    def __init__(self, path: Path) -> None:
        """Read its index.

        Raises:
            InputError: it cannot be read, is no archive, or only refers to object files elsewhere.
        """
        self.path = path
        try:
            self._content = path.read_bytes()
        except OSError as exc:
            raise InputError(f"{path}: cannot be read: {exc.strerror or exc}") from exc
        if self._content[:8] == _THIN:
            raise InputError(
                f"{path} is a thin archive: it only refers to object files.", hint="Make it with `ar rcs`, without T."
            )
        if self._content[:8] != _MAGIC:
            raise InputError(f"{path} is no static library (no ar archive).")
        try:
            self._members = self._index()
        except (ValueError, struct.error) as exc:
            raise InputError(f"{path} is damaged: {exc}.") from exc

    @property
    def symbols(self) -> frozenset[str]:
        """All names that it defines."""
        return frozenset(self._members)

    def built_for(self, symbol: str) -> BuiltFor:
        """What the member that defines `symbol` was compiled for.

        Raises:
            InputError: that member is no ELF object, or the index does not lead to it.
        """
        from elftools.common.exceptions import ELFError
        from elftools.elf.elffile import ELFFile

        start = self._members[symbol]
        try:
            size = int(self._content[start + 48 : start + 58])
            elf = ELFFile(io.BytesIO(self._content[start + _HEADER : start + _HEADER + size]))
            machine = str(elf["e_machine"]).removeprefix("EM_")
            section = elf.get_section_by_name(".ARM.attributes")
            found = {
                attribute.tag: attribute.value
                for part in (section.iter_subsections() if section is not None else ())
                for piece in part.iter_subsubsections()
                for attribute in piece.iter_attributes()
            }
        except ELFError as exc:
            raise InputError(f"{self.path}: what defines {symbol} is no ELF object: {exc}.") from exc
        except ValueError as exc:
            raise InputError(f"{self.path}: is damaged: its index does not lead to {symbol}.") from exc
        return BuiltFor(
            machine=machine,
            architecture=int(found.get("TAG_CPU_ARCH", 0)),
            hard_float=found.get("TAG_ABI_VFP_ARGS", 0) == 1,
        )

    def _index(self) -> dict[str, int]:
        """Symbol -> where the header of its member is, from the archive's first member."""
        if self._content[8:24].rstrip() not in (b"/", b"/SYM64/"):
            raise ValueError("it has no index of symbols (ranlib makes one)")
        wide = self._content[8:24].rstrip() == b"/SYM64/"
        size = int(self._content[8 + 48 : 8 + 58])
        table = self._content[8 + _HEADER : 8 + _HEADER + size]
        word = ">Q" if wide else ">I"
        width = struct.calcsize(word)
        (count,) = struct.unpack_from(word, table)
        places = struct.unpack_from(f">{count}{word[1]}", table, width)
        names = table[width * (count + 1) :].split(b"\0")[:count]
        # The first definition is the one that a linker takes.
        return {name.decode(errors="replace"): at for name, at in reversed(list(zip(names, places, strict=True)))}
