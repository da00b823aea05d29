"""Names and literals of exported Kotlin, Swift and C++."""

from __future__ import annotations

import json
import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from projects import HOST_CPP

from edgeq.errors import InputError
from edgeq.export.apps.literals import digits, float_bits, kotlin_string, ruby_string, swift_string, wrapped
from edgeq.export.apps.words import app_prefix, module_name, namespace, value_words


def test_words_of_tensors_and_signatures() -> None:
    inputs, outputs = value_words(["serving_default_melBins:0", "x"], ["StatefulPartitionedCall:1", "x"])
    assert [w.camel for w in inputs] == ["servingDefaultMelBins0", "x"]
    assert [w.snake for w in outputs] == ["stateful_partitioned_call_1", "x_output_1"]
    assert inputs[0].pascal == "ServingDefaultMelBins0"


@pytest.mark.parametrize(
    ("name", "camel"),
    [("class", "classInput"), ("fun", "funInput"), ("self", "selfInput"), ("namespace", "namespaceInput"),
     ("String", "stringInput"), ("k", "kInput"), ("", "input"), ("漢字", "input"), ("3d", "input3d"),
     ("inputs", "inputsInput"), ("anchor", "anchorInput"), ("Bundle", "bundleInput"), ("count", "countInput"),
     ("int_array", "intArrayInput"), ("errno", "errnoInput"), ("linux", "linuxInput")],
)  # fmt: skip
def test_no_word_is_one_of_a_language(name: str, camel: str) -> None:
    (word,), _ = value_words([name], [])
    assert word.camel == camel


@given(st.lists(st.text(max_size=30), max_size=6), st.lists(st.text(max_size=30), max_size=6))
def test_words_are_identifiers_and_differ(inputs: list[str], outputs: list[str]) -> None:
    words = [w for side in value_words(inputs, outputs) for w in side]
    assert len(words) == len(inputs) + len(outputs)
    for spelling in ("snake", "camel", "pascal"):
        spelled = [getattr(w, spelling).lower() for w in words]
        assert len(set(spelled)) == len(spelled)
        assert all(s.isidentifier() and s.isascii() and len(s) < 80 for s in spelled)


def test_modules_and_namespaces() -> None:
    assert (module_name("mobilenet_v1"), module_name("foundation")) == ("MobilenetV1", "FoundationNet")
    assert (namespace(None, "small_net"), namespace(None, "object")) == ("edgeq.smallnet", "edgeq.objectmodel")
    assert namespace("com.example.data", "x") == "com.example.data"
    for wrong in ("kws", "com.Example", "com..x", "com.is.x", "com.x;", ""):
        with pytest.raises(InputError, match="--namespace"):
            namespace(wrong, "x")


@pytest.mark.parametrize("name", ["index", "gamma", "log", "remove", "y1", "linux", "errno"])
def test_a_prefix_is_nothing_of_the_c_library(name: str) -> None:
    """It is a namespace in C++, beside all that the headers declare."""
    source = "#include <cerrno>\n#include <cmath>\n#include <cstring>\n#include <string>\n"
    source += f"namespace {app_prefix(None, name)} {{}}\n"
    argv = [*HOST_CPP, "-std=gnu++17", "-fsyntax-only", "-x", "c++", "-"]
    assert subprocess.run(argv, input=source, text=True, capture_output=True, check=False).returncode == 0


def test_prefixes() -> None:
    assert [app_prefix(None, name) for name in ("Small Net", "std", "9")] == ["small_net", "model_std", "model_9"]
    assert app_prefix("kws", "Small Net") == "kws"
    with pytest.raises(InputError, match="--name model_std"):
        app_prefix("std", "x")


@given(st.text())
def test_strings_say_the_text_and_nothing_else(text: str) -> None:
    """Kotlin's escapes are JSON's but for the dollar; Swift's have braces."""
    kotlin, swift = kotlin_string(text), swift_string(text)
    assert json.loads(kotlin.replace("\\$", "$")) == json.loads(json.dumps(text))
    assert "$" not in kotlin.replace("\\$", "")
    assert all(c.isprintable() for c in kotlin + swift)
    assert '"' not in swift[1:-1].replace("\\\\", "").replace('\\"', "")
    assert "\\(" not in swift.replace("\\\\", "")


def test_strings() -> None:
    assert kotlin_string('$a "b" \\ \u200b\U0001f600\n') == '"\\$a \\"b\\" \\\\ \\u200b\U0001f600\\n"'
    assert swift_string('\\(x) "y" \u202e') == '"\\\\(x) \\"y\\" \\u{202e}"'
    assert ruby_string("O'Hara \\ #{x}") == "'O\\'Hara \\\\ #{x}'"


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_floats_read_back_to_the_same_bits(value: float) -> None:
    text, bits = digits(value), np.float32(value).view(np.int32)
    assert np.float32(text).view(np.int32) == bits
    assert np.float32(float(text)).view(np.int32) == bits  # through a double, as Swift's compiler reads it
    assert any(c in text for c in ".e")
    assert int(float_bits(value)) == bits


def test_lines_are_short() -> None:
    text = wrapped(map(str, range(200)), 8)
    assert max(map(len, text.split("\n"))) <= 110
    assert [int(word) for word in text.replace("\n", " ").split(",")] == list(range(200))
