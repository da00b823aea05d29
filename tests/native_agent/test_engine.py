"""Ticks that do not wrap, and a self-test that sees what LiteRT does not write."""

from __future__ import annotations

import types
from pathlib import Path

import numpy as np
import pytest
from running import Running
from test_outputs import float_model, in_file
from tflite_builder import ModelBuilder

from edgeq import process, resources
from edgeq.link.session import Session

pytestmark = pytest.mark.xdist_group("native-agent")

MICROSECONDS, NANOSECONDS = 10**6, 10**9

TICKS = r"""
#include <cstdio>
#include "ticks.h"

/* What an inference of so many nanoseconds is told to take, with the unit for what was expected. */
static void tell(uint64_t expected, uint64_t took) {
  edgeq::Ticks ticks;
  ticks.choose(expected);
  const uint64_t start = 12345678901234567u;
  const uint32_t begin = ticks.at(start);
  const uint32_t passed = ticks.at(start + took) - begin;
  std::printf("%u %u\n", ticks.hz(), passed);
}

int main() {
  tell(1000, 4000000000u);           /* below 2^32 ns */
  tell(1000, 5000000000u);           /* above */
  tell(400000000, 5000000000u);      /* long: microseconds */
  tell(0, 5000000000u);              /* not known: likewise */
  tell(0, 4294967296u * 1000 + 999); /* 2^32 of them */
}
"""

# LiteRT, except that nothing is computed: the input is written down, and the output left as it is.
NOTHING = """
#include <stdio.h>
#include <stddef.h>
extern int LiteRtGetTensorBufferHostMemory(void *buffer, void **memory);
int LiteRtRunCompiledModel(void *m, size_t s, size_t n, void **inputs, size_t outputs_count, void **outputs) {
  void *memory = NULL;
  FILE *file = fopen("%s", "wb");
  (void)m, (void)s, (void)n, (void)outputs_count, (void)outputs;
  if (file == NULL || LiteRtGetTensorBufferHostMemory(inputs[0], &memory) != 0) return 3;
  fwrite(memory, 4, 20, file);
  fclose(file);
  return 0;
}
"""


def test_ticks_are_never_what_is_left_of_a_counter_that_has_wrapped(tmp_path: Path) -> None:
    (tmp_path / "ticks.cpp").write_text(TICKS)
    include = f"-I{resources.firmware() / 'agent' / 'src'}"
    argv = ["g++", "-std=c++17", include, tmp_path / "ticks.cpp", "-o", tmp_path / "ticks"]
    process.run(argv, timeout=60, what="compiling")
    told = process.run([tmp_path / "ticks"], timeout=10, what="counting").stdout.decode().split("\n")
    assert told[:5] == [
        f"{NANOSECONDS} 4000000000",
        f"{NANOSECONDS} {2**32 - 1}",
        f"{MICROSECONDS} 5000000",
        f"{MICROSECONDS} 5000000",
        f"{MICROSECONDS} {2**32 - 1}",
    ]


def stateful_model() -> bytes:
    b = ModelBuilder()
    rng = np.random.default_rng(4)
    x = b.tensor("x", (1, 3), "float32")
    features = b.tensor("f", (2, 3), "float32", data=rng.normal(size=(2, 3)))
    times = b.tensor("t", (2, 4), "float32", data=rng.normal(size=(2, 4)))
    state = b.tensor("state", (1, 8), "float32", variable=True)
    y = b.tensor("y", (1, 2), "float32")
    b.op("SVDF", [x, features, times, -1, state], [y], rank=1)
    return b.finish([x], [y])


def test_ticks_of_what_was_not_warmed_up_are_microseconds(
    zoo: types.ModuleType, host_agent: Running, tmp_path: Path
) -> None:
    model = in_file(zoo.zoo_tflite("demo"), tmp_path)
    for options, hz in (((), NANOSECONDS), (("--warmup", "0"), MICROSECONDS)):
        with host_agent(model, *options) as agent, Session.connect(agent.url) as session:
            assert session.hello.ticks_hz == hz


def test_a_model_with_variable_tensors_is_refused_in_litert_s_words(host_agent: Running, tmp_path: Path) -> None:
    status, said = host_agent.refusal(str(in_file(stateful_model(), tmp_path)), "--litert", str(host_agent.litert))
    assert status == 2
    assert "Variable tensors not yet supported" in said and "reading the model: LiteRT's status 5" in said


def test_the_self_test_runs_a_ramp_and_sees_outputs_that_are_not_written(host_agent: Running, tmp_path: Path) -> None:
    source, library, seen = (tmp_path / name for name in ("nothing.c", "nothing.so", "seen"))
    source.write_text(NOTHING % seen)
    litert = host_agent.litert
    argv = [
        "gcc",
        "-shared",
        "-fPIC",
        source,
        "-o",
        library,
        "-Wl,--no-as-needed",
        litert,
        f"-Wl,-rpath,{litert.parent}",
    ]
    process.run(argv, timeout=60, what="compiling")
    model = in_file(float_model(), tmp_path)
    with host_agent(model) as agent, Session.connect(agent.url) as session:
        assert session.selftest()
    with host_agent(model, "--litert", str(library)) as agent, Session.connect(agent.url) as session:
        assert not session.selftest()
    np.testing.assert_allclose(np.fromfile(seen, np.float32), np.linspace(-1, 1, 20), rtol=0, atol=1e-6)
