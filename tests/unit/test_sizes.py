"""Sizes that lowering and kernels share: Python has the numbers of the C headers."""

from __future__ import annotations

import re

import pytest

from edgeq import resources
from edgeq.lower.mve import depthwise, matrix
from edgeq.lower.ops import arithmetic, move, reduce, shape


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EDGEQ_MATRIX_MVE_SCRATCH", matrix.SUMS_BYTES),
        ("EDGEQ_DEPTHWISE_MVE_SUMS", depthwise._SUMS_BYTES),
        ("EDGEQ_MAX_LOOPS", arithmetic.MAX_LOOPS),
        ("EDGEQ_MAX_LOOPS", move._MAX_LOOPS),
        ("EDGEQ_MAX_LOOPS", reduce.MAX_LOOPS),
        ("EDGEQ_PAD_DIMS", shape._PAD_DIMS),
    ],
)
def test_python_has_the_headers_number(name: str, value: int) -> None:
    headers = (resources.firmware() / "include" / "edgeq").glob("*.h")
    source = "".join(header.read_text() for header in headers)
    assert re.findall(rf"#define {name}\s+(\d+)u?\b", source) == [str(value)]


def test_rows_of_the_vector_kernels() -> None:
    source = (resources.firmware() / "kernels" / "matrix_mve.c").read_text()
    assert re.findall(r"#define ROW\s+(\d+)", source) == [str(matrix.ROW)]
