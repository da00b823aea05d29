"""The real agent as a child process, and small models for it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tflite_builder import ModelBuilder

from edgeq import process


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """A running agent: its process and, over TCP, what --device takes."""

    child: subprocess.Popen[bytes]
    url: str


@contextlib.contextmanager
def running_agent(model: Path, *options: str) -> Iterator[Agent]:
    """`edgeq agent`, ended at the end of the block. Over TCP it listens when the block begins."""
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "edgeq", "agent", str(model), *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=process.own_environment(),
    )
    try:
        assert child.stdout is not None
        line = "" if "--serial" in options else child.stdout.readline().decode().strip()
        if not line and "--serial" not in options:
            raise AssertionError(child.communicate()[1].decode())
        yield Agent(child=child, url=line)
    finally:
        child.kill()
        child.communicate()


def integer_model() -> bytes:
    """x → CONV_2D → ADD with itself → SOFTMAX over channels: ops that XNNPACK takes, with weights that round."""
    rng = np.random.default_rng(3)
    b = ModelBuilder()
    x = b.tensor("x", (1, 8, 8, 3), scale=1 / 128, zero_point=-1)
    w = b.tensor("w", (10, 3, 3, 3), data=rng.integers(-127, 128, (10, 3, 3, 3)).astype(np.int8), scale=0.01)
    bias = b.tensor("b", (10,), "int32", data=rng.integers(-900, 900, 10).astype(np.int32), scale=0.01 / 128)
    y = b.tensor("y", (1, 8, 8, 10), scale=0.043, zero_point=3)
    b.op("CONV_2D", [x, w, bias], [y], version=3, padding="SAME", stride_w=1, stride_h=1, dilation_w_factor=1,
         dilation_h_factor=1, fused_activation_function="NONE")  # fmt: skip
    z = b.tensor("z", (1, 8, 8, 10), scale=0.081, zero_point=-7)
    b.op("ADD", [y, y], [z], fused_activation_function="NONE")
    p = b.tensor("p", (1, 8, 8, 10), scale=1 / 256, zero_point=-128)
    b.op("SOFTMAX", [z], [p], beta=1.0)
    return b.finish([x], [p])


def float_model() -> bytes:
    """x → FULLY_CONNECTED, in float32."""
    rng = np.random.default_rng(4)
    b = ModelBuilder()
    x = b.tensor("x", (1, 600), "float32")
    w = b.tensor("w", (5, 600), "float32", data=rng.normal(size=(5, 600)).astype(np.float32))
    y = b.tensor("y", (1, 5), "float32")
    b.op("FULLY_CONNECTED", [x, w, -1], [y], fused_activation_function="NONE")
    return b.finish([x], [y])


def integers(count: int) -> list[bytes]:
    """Inputs for `integer_model`."""
    rng = np.random.default_rng(0)
    return [rng.integers(-128, 128, (8, 8, 3)).astype(np.int8).tobytes() for _ in range(count)]


def open_pty() -> tuple[int, int, str]:
    """Both ends of a pseudo-terminal, and the second one's name."""
    import tty

    master, slave = os.openpty()
    tty.setraw(slave)
    return master, slave, os.ttyname(slave)
