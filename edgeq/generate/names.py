"""C names from people's names."""

from __future__ import annotations

import re

from edgeq.errors import InputError

_LONGEST = 40

# Words that C or C++ keeps for itself, or that would make files which some file systems refuse.
_WORDS = """
    alignas alignof and asm auto bitand bitor bool break case catch char class compl const constexpr continue decltype
    default delete do double else enum explicit export extern false float for friend goto if inline int long mutable
    namespace new noexcept not nullptr operator or private protected public register reinterpret restrict return short
    signed sizeof static struct switch template this throw true try typedef typeid typename union unsigned using
    virtual void volatile wchar while xor
    aux com con lpt nul prn
"""
# A name is also that of a header, of C files beside edgeq's own, and of a target of CMake.
_HEADERS = """
    alloca assert complex ctype errno features fenv float inttypes iso646 limits locale malloc math memory setjmp signal
    stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string strings tgmath threads time uchar
    unistd wchar wctype
"""
_FILES = "affine selftest"
_TARGETS = "all clean help install package test"
_RESERVED = frozenset(f"{_WORDS} {_HEADERS} {_FILES} {_TARGETS}".split())


def c_prefix(name: str) -> str:
    """The prefix of a model's C symbols and files, from the name that a user gave or a file has.

    Lower case, letters, digits and single underscores; never a keyword, a system header, one of edgeq's own files or
    prefixes, or a reserved target of CMake: those get `model_` in front.

    Raises:
        InputError: nothing of the name can be part of an identifier.
    """
    text = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:_LONGEST].strip("_")
    if not text:
        raise InputError(
            f"The name {name!r} has no letter or digit that a C identifier could begin with.",
            hint="Give another one with --name.",
        )
    if text[0].isdigit() or text in _RESERVED or text == "edgeq" or text.startswith("edgeq_"):
        return f"model_{text}"
    return text


def given_prefix(name: str) -> str:
    """A name that a user chose as the prefix of C symbols: taken as it is, or refused.

    Raises:
        InputError: it is no such prefix; the hint has the nearest one that is.
    """
    prefix = c_prefix(name)
    if prefix != name:
        raise InputError(
            f"The name {name!r} cannot begin C symbols and file names: they are lower-case letters, digits and single "
            "underscores, and no word of C's or edgeq's.",
            hint=f"--name {prefix} would do.",
        )
    return name


def op_symbol(prefix: str, index: int, count: int, kernel: str) -> str:
    """The C function of kernel call `index`: `kws_op_03_conv_2d`."""
    kind = re.sub(r"_(int8|int16|float32)$", "", kernel.removeprefix("edgeq_"))
    return f"{prefix}_op_{op_number(index, count)}_{kind}"


def op_number(index: int, count: int) -> str:
    """A call's index with as many digits as all of them need, two at least."""
    return f"{index:0{max(2, len(str(count - 1)))}d}"
