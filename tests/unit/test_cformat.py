"""Names, literals, comments and arrays as C text."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from projects import HOST, WARNINGS

from edgeq import process
from edgeq.errors import InputError
from edgeq.generate import cformat, tflm
from edgeq.generate.names import c_prefix, given_prefix


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("kws", "kws"), ("My Model-v2.1", "my_model_v2_1"), ("3d", "model_3d"), ("int", "model_int"), ("__a__b", "a_b"),
        ("edgeq", "model_edgeq"), ("edgeq_link", "model_edgeq_link"), ("Größe", "gr_e"), ("x" * 99, "x" * 40),
        # Names of headers, of edgeq's own files, of CMake's own targets: the project would not build.
        ("limits", "model_limits"), ("stdint", "model_stdint"), ("affine", "model_affine"), ("Test", "model_test"),
    ],
)  # fmt: skip
def test_names_become_prefixes(name: str, prefix: str) -> None:
    assert c_prefix(name) == prefix


@given(st.text(max_size=60))
def test_prefixes_are_identifiers(name: str) -> None:
    try:
        prefix = c_prefix(name)
    except InputError:
        return
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", prefix)
    assert c_prefix(prefix) == prefix or len(prefix) > 40


def test_a_name_without_letters_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        c_prefix("–!–")
    assert "--name" in str(caught.value.hint)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_float_literals_keep_every_bit(value: float) -> None:
    text = cformat.c_float(value)
    assert text.endswith("f")
    assert np.float32(text[:-1]).tobytes() == np.float32(value).tobytes()


@given(st.text(max_size=80))
@settings(max_examples=200)
def test_comments_stay_comments(text: str) -> None:
    comment = cformat.c_comment(text)
    assert "*/" not in comment
    assert "/*" not in comment
    assert "\n" not in comment
    assert not comment.endswith("\\")


@given(st.text(alphabet=st.sampled_from("a<b>*_[]|`\\\n\r\u2028 ")))
def test_code_in_markdown_stays_code_in_its_cell(name: str) -> None:
    span = cformat.code_span(name)
    assert len(span.splitlines()) == 1
    assert "|" not in span
    assert span == "–" or (span[0] == span[-1] == "`" and span[1:-1].strip() and "`" not in span[1:-1])


def test_strings_reach_c_as_they_are(tmp_path: Path) -> None:
    texts = ['a "b" \\', "??/", "é\n", "\x01" + "23", "%s", "\x7fA"]
    lines = "\n".join(f"  puts({cformat.c_string(t)});" for t in texts)
    (tmp_path / "main.c").write_text(f"#include <stdio.h>\nint main(void) {{\n{lines}\n  return 0;\n}}\n")
    process.run([*HOST, *WARNINGS, "main.c", "-o", "main"], timeout=60, what="compiling strings", cwd=tmp_path)
    done = process.run([tmp_path / "main"], timeout=20, what="printing strings")
    assert done.stdout.decode() == "".join(t + "\n" for t in texts)


@pytest.mark.parametrize(
    ("op", "method"),
    [
        ("CONV_2D", "AddConv2D"), ("DEPTHWISE_CONV_2D", "AddDepthwiseConv2D"), ("FULLY_CONNECTED", "AddFullyConnected"),
        ("ADD", "AddAdd"), ("PADV2", "AddPadV2"), ("PAD", "AddPad"), ("RELU6", "AddRelu6"),
        ("HARD_SWISH", "AddHardSwish"),
        ("EXPAND_DIMS", "AddExpandDims"), ("L2_NORMALIZATION", "AddL2Normalization"), ("MEAN", "AddMean"),
        ("AVERAGE_POOL_2D", "AddAveragePool2D"), ("SPLIT_V", "AddSplitV"), ("LOG_SOFTMAX", "AddLogSoftmax"),
    ],
)  # fmt: skip
def test_resolver_methods(op: str, method: str) -> None:
    assert tflm.resolver_method(op) == method


def test_a_megabyte_of_weights() -> None:
    """Large arrays are formatted in one pass: no line is long, and nothing is lost."""
    values = np.random.default_rng(0).integers(-128, 128, 1 << 20).astype(np.int8)
    text = cformat.c_array(values)
    assert max(map(len, text.splitlines())) <= 120
    assert np.array_equal(np.array(text.split(","), np.int8), values)


@pytest.mark.parametrize(
    ("name", "works"), [("9 bad-name", "model_9_bad_name"), ("int", "model_int"), ("KWS", "kws"), ("a__b", "a_b")]
)
def test_a_chosen_name_is_never_changed(name: str, works: str) -> None:
    with pytest.raises(InputError) as caught:
        given_prefix(name)
    assert repr(name) in caught.value.message
    assert caught.value.hint == f"--name {works} would do."
    assert given_prefix(works) == works
