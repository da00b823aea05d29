"""One model's names for everything that is global, so that models link into one program, whatever edgeq made them.

The kernels that two models share are compiled once per model: they may come from different versions of edgeq, and a
linker that took one for both would break the other without a word. Macros that configure a library become the model's
own likewise. What edgeq/engine.h declares stays: it is types alone, and the models of one program have it in common.
"""

from __future__ import annotations

import re

ENGINE = "edgeq/engine.h"

_MACROS = ("EDGEQ_ARENA_SECTION", "EDGEQ_WEIGHTS_SECTION", "EDGEQ_NO_SELFTEST", "EDGEQ_TRACE")
_NAME = re.compile(r"\bedgeq_\w+")
# Strings stay: assembly has macros of its own in them, which no other file sees, and no names of C.
_STRING_OR_NAME = re.compile(rf'"(?:\\.|[^"\\\n])*"|(?P<name>{_NAME.pattern})|\b(?P<macro>{"|".join(_MACROS)})\b')


def shared_names(engine: str) -> frozenset[str]:
    """The names that edgeq/engine.h, whose text is given, declares."""
    return frozenset(_NAME.findall(engine))


def renamed(text: str, prefix: str, shared: frozenset[str]) -> str:
    """C text in which every name of edgeq's is the model's: edgeq_crc32 -> kws_edgeq_crc32.

    Args:
        text: a C file.
        prefix: of the model's own names.
        shared: names that stay as they are.
    """

    def replace(match: re.Match[str]) -> str:
        if match["macro"]:
            return prefix.upper() + match["macro"].removeprefix("EDGEQ")
        return f"{prefix}_{match['name']}" if match["name"] and match["name"] not in shared else match[0]

    return _STRING_OR_NAME.sub(replace, text)
