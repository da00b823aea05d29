"""What a traced image takes from the one without tracing."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeq.toolchain.shared_objects import asks_for_tracing


@pytest.mark.parametrize(
    ("line", "asks"),
    [
        ("#ifdef EDGEQ_TRACE", True),
        ("  #  if defined(EDGEQ_TRACE) && 1", True),
        ("/* null without EDGEQ_TRACE */", False),
        ("#ifdef EDGEQ_TRACE_POINTS", False),
        ("int x;", False),
    ],
)
def test_only_the_preprocessor_asks(tmp_path: Path, line: str, asks: bool) -> None:
    (tmp_path / "include").mkdir()
    (tmp_path / "include" / "deep.h").write_text(f'#include "deep.h"\n#include <stdint.h>\n{line}\n')
    (tmp_path / "include" / "outer.h").write_text('#include "deep.h"\n#include "of_the_compiler.h"\n')
    source = tmp_path / "source.c"
    source.write_text('# include "outer.h"\n')
    assert asks_for_tracing(source, [tmp_path / "include"]) is asks
    assert not asks_for_tracing(source, [])


def test_headers_beside_the_source_come_first(tmp_path: Path) -> None:
    (tmp_path / "include").mkdir()
    (tmp_path / "include" / "window.h").write_text("#ifdef EDGEQ_TRACE\n#endif\n")
    (tmp_path / "window.h").write_bytes(b"/* 5 \xb5s, of a vendor */\n")
    (tmp_path / "source.c").write_text('#include "window.h"\n')
    assert not asks_for_tracing(tmp_path / "source.c", [tmp_path / "include"])
