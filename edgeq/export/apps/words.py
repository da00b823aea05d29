"""Names in Kotlin, Swift and C++ from a model's names: one word in all three, each language's own spelling of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edgeq.errors import InputError
from edgeq.generate.names import c_prefix, given_prefix

_LONGEST = 40

# Of Kotlin, always, and of Java: these cannot be parts of a package's name.
_HARD = """
    abstract as assert boolean break byte case catch char class const continue default do double else enum extends false
    final finally float for fun goto if implements import in instanceof int interface is long native new null object
    package private protected public return short static strictfp super switch synchronized this throw throws transient
    true try typealias typeof val var void volatile when while
"""
# Keywords in places, and types that the generated code uses: an object of that name would hide them.
_KOTLIN = """
    actual annotation by companion constructor crossinline data delegate dynamic expect external field file get infix
    init inline inner internal it lateinit noinline open operator out outer override param property receiver reified
    sealed set suspend tailrec value vararg where
"""
_SWIFT = """
    any actor associatedtype associativity async await borrowing catch consuming convenience defer deinit didset enum
    extension fallthrough fileprivate func guard indirect inout left let mutating nil none nonisolated nonmutating
    optional postfix precedence precedencegroup prefix protocol repeat required rethrows right self self_ some struct
    subscript throws type unowned weak willset
"""
_CPP = """
    alignas alignof and asm auto bitand bitor bool compl concept consteval constexpr constinit decltype delete explicit
    export extern friend long mutable namespace noexcept not nullptr or register requires signed sizeof static template
    thread_local typedef typeid typename union unsigned using virtual wchar_t xor
"""
_TYPES = """
    anchor array boolean bundle bytearray character data error float32 floatarray int8 int16 intarray intrange list map
    normalization quantization ranked result spec std string topranked uint8 unit
"""
# Of every C compiler, or of <errno.h> and <stdio.h>.
_MACROS = "errno linux stderr stdin stdout unix"
# What the generated functions call their own.
_OWN = (
    "accelerators context count edgeq form golden has inputs interpreter k labels model options outputs run threads top"
)
_RESERVED = frozenset(f"{_HARD} {_KOTLIN} {_SWIFT} {_CPP} {_TYPES} {_MACROS} {_OWN}".split())
_KEYWORDS = frozenset(_HARD.split())

# Of Apple, as far as a model may be called so.
_MODULES = frozenset(
    [
        "Accelerate",
        "Accounts",
        "Charts",
        "Cinematic",
        "Combine",
        "Contacts",
        "CryptoKit",
        "Dispatch",
        "Foundation",
        "Intents",
        "Messages",
        "Metal",
        "Network",
        "Observation",
        "Photos",
        "Security",
        "Speech",
        "Swift",
        "SwiftUI",
        "TensorFlowLite",
        "Testing",
        "Translation",
        "UIKit",
        "Vision",
        "XCTest",
    ]
)
# Namespaces of other libraries, and functions and types of C's and POSIX's headers, as far as a model may be called so.
_NAMESPACES = frozenset(
    f"""
    android litert std tflite {_MACROS}
    abort abs accept access acct acos alarm asin atan basename bind brk calloc cbrt ceil clock clone close connect cos
    cosh daemon daylight difftime div dprintf drem dup environ erf exit exp exp2 expm1 fabs fdim finite floor fma fmax
    fmin fmod fork free gamma getline hypot ilogb index isalpha isdigit j0 j1 jn kill labs lconv ldexp ldiv lgamma
    linger link listen localtime lockf log log10 log1p log2 logb lrint lround malloc memcpy mktime mount nan nice open
    optarg pause perror pipe poll pow printf profil putc puts qsort raise rand random read readlink realloc realpath
    recv remainder remove rename rewind rindex rint round roundeven scalb scanf select send setstate shutdown sigaction
    signal significand sigval sin sincos sinh sleep snprintf socket sqrt srand stat statx strlen swab symlink sync
    syscall sysconf system tan tanh tgamma time times timespec timeval timezone tm tolower toupper trunc truncate tzname
    uint ulong umask uname ungetc unlink ushort usleep wait write y0 y1 yn
    """.split()
)
_NAMESPACE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A name in lower-case parts: ("mel", "bins")."""

    parts: tuple[str, ...]

    @property
    def snake(self) -> str:
        """mel_bins."""
        return "_".join(self.parts)

    @property
    def camel(self) -> str:
        """melBins."""
        return self.parts[0] + "".join(map(_capital, self.parts[1:]))

    @property
    def pascal(self) -> str:
        """MelBins."""
        return "".join(map(_capital, self.parts))


def value_words(inputs: Sequence[str], outputs: Sequence[str]) -> tuple[tuple[Word, ...], tuple[Word, ...]]:
    """One word for each input and output; no two are equal, and none is a word of the three languages.

    Args:
        inputs: the names that the signature or the tensors have, any text.
        outputs: likewise.
    """
    taken: set[str] = set()
    found = [_value_word(n, "input", i, taken) for i, n in enumerate(inputs)]
    found += [_value_word(n, "output", i, taken) for i, n in enumerate(outputs)]
    return tuple(found[: len(inputs)]), tuple(found[len(inputs) :])


def app_prefix(given: str | None, model: str) -> str:
    """The prefix of an export's names and files, which is the namespace of its C++, too.

    Args:
        given: what the user says; None: made of the model's name.
        model: its name.

    Raises:
        InputError: what is given is no prefix, or a name of another library's.
    """
    prefix = c_prefix(model) if given is None else given_prefix(given)
    if prefix not in _NAMESPACES:
        return prefix
    if given is not None:
        raise InputError(
            f"The name {given!r} is taken in C++ by another library.", hint=f"For example: --name model_{given}"
        )
    return f"model_{prefix}"


def module_name(prefix: str) -> str:
    """The Swift module of a model, and the beginning of its types' names: "kws_small" -> "KwsSmall"."""
    name = Word(parts=tuple(prefix.split("_"))).pascal
    return f"{name}Net" if name in _MODULES else name


def namespace(given: str | None, prefix: str) -> str:
    """The package of the Kotlin sources, which is the Android library's namespace too.

    Args:
        given: what the user says; None: edgeq.<prefix>, without underscores.
        prefix: the model's.

    Raises:
        InputError: what is given is no such name.
    """
    if given is None:
        own = prefix.replace("_", "")
        return f"edgeq.{own}model" if own in _KEYWORDS else f"edgeq.{own}"
    if not _NAMESPACE.fullmatch(given) or _KEYWORDS & set(given.split(".")):
        raise InputError(
            f"The namespace {given!r} is none that Android takes: at least two lower-case words with dots between, "
            "none of them a keyword.",
            hint=f"For example: --namespace com.example.{prefix}",
        )
    return given


def _value_word(name: str, kind: str, index: int, taken: set[str]) -> Word:
    parts = _parts(name)
    if not parts or parts[0][0].isdigit():
        parts = (kind, *parts)
    word = Word(parts=parts)
    if {word.snake, word.camel, word.pascal.lower()} & _RESERVED:
        word = Word(parts=(*parts, kind))
    if word.camel.lower() in taken:
        word = Word(parts=(*word.parts, kind, str(index)))
    while word.camel.lower() in taken:
        word = Word(parts=(*word.parts, "x"))
    taken.add(word.camel.lower())
    return word


def _parts(name: str) -> tuple[str, ...]:
    """Its ASCII words: at underscores, blanks and signs, and where a capital follows a small letter."""
    separated = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return tuple(_short(re.findall(r"[a-z0-9]+", separated.lower())))


def _short(words: Iterable[str]) -> Iterable[str]:
    room = _LONGEST
    for word in words:
        room -= len(word)
        if room < 0:
            return
        yield word


def _capital(part: str) -> str:
    return part[:1].upper() + part[1:]
