"""LiteRT on this host: time and memory of each variant, where its ops run, and what it answers."""

from __future__ import annotations

import json
import platform
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq import process
from edgeq.agent.machine import allowed_cpus, governors
from edgeq.errors import InterpreterError
from edgeq.interruption import scratch_folder
from edgeq.model.graph import Graph
from edgeq.records import HostInfo, Latency, Reference
from edgeq.reference import version
from edgeq.validation.latency import latency

RUNS, LEAST_RUNS, WARMUP_RUNS = 300, 30, 10
SECONDS = 20.0
"""After so long in all, no more rounds are begun, but for `LEAST_RUNS` of each variant."""

STALL_SECONDS = 120.0
"""A child that does not get on for so long is stopped; each inference, and each model that is loaded, is a step."""

Inputs = Sequence[NDArray[np.generic]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What LiteRT says about a loaded model. `delegates` are XNNPACK's partitions: their input and output tensors."""

    memory_bytes: int | None
    delegates: tuple[tuple[frozenset[int], frozenset[int]], ...]


def this_host(threads: int) -> HostInfo:
    """This machine."""
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8", errors="replace")
    except OSError:
        text = ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return HostInfo(
        machine=platform.machine(),
        processor=found[1].strip() if found else platform.processor(),
        governor=governors(allowed_cpus()),
        interpreter=version(Reference.LITERT_DEFAULT),
        threads=threads,
        warmup_runs=WARMUP_RUNS,
    )


def examine(content: bytes, graph: Graph, inputs: Inputs, *, threads: int, what: str) -> Examined:
    """Load one model in a process of its own and run it on the first sample.

    Args:
        content: the .tflite.
        graph: the same.
        inputs: one array per model input in the input's dtype, shape (n, *shape), the batch dimension of 1 left out.
        threads: of LiteRT.
        what: the model's name, for messages.

    Raises:
        InterpreterError: LiteRT refused the model, or crashed on it.
    """
    found = _ask("examine", [(content, graph, inputs)], {"threads": threads}, what=what)
    return Examined(
        memory_bytes=found["memory"],
        delegates=tuple((frozenset(d["inputs"]), frozenset(d["outputs"])) for d in found["delegates"]),
    )


def time_all(
    models: Sequence[tuple[bytes, Graph, Inputs]],
    *,
    threads: int,
    runs: int = RUNS,
    seconds: float = SECONDS,
) -> tuple[Latency, ...]:
    """Latency of every model on its first sample, in one process, where the models take turns in blocks of ten.

    Raises:
        InterpreterError: LiteRT refused a model, or crashed.
    """
    request = {"threads": threads, "runs": runs, "least": LEAST_RUNS, "warmup": WARMUP_RUNS, "seconds": seconds}
    found = _ask("time", models, request, what="the variants")
    return tuple(latency(ticks, 1_000_000_000) for ticks in found["nanoseconds"])


def _ask(
    command: str, models: Sequence[tuple[bytes, Graph, Inputs]], request: Mapping[str, Any], *, what: str
) -> dict[str, Any]:
    with scratch_folder() as folder:
        paths = []
        for i, (content, graph, inputs) in enumerate(models):
            paths.append(str(folder / f"model_{i}.tflite"))
            Path(paths[-1]).write_bytes(content)
            first = [x[0].reshape(t.shape) for x, t in zip(inputs, graph.input_tensors, strict=True)]
            np.savez(folder / f"inputs_{i}.npz", **{str(k): value for k, value in enumerate(first)})
        steps = folder / "progress"
        asked = {**request, "models": paths, "progress": str(steps)}
        (folder / "request.json").write_text(json.dumps(asked), encoding="utf-8")
        process.run(
            [sys.executable, "-P", "-m", "edgeq.mobile.child", command, folder],
            timeout=STALL_SECONDS, what=f"LiteRT on {what}", env=process.own_environment(), error=InterpreterError,
            progress=lambda: _content(steps),
        )  # fmt: skip
        answer: dict[str, Any] = json.loads((folder / "answer.json").read_text("utf-8"))
    if "refused" in answer:
        raise InterpreterError(f"LiteRT refused {what}: {answer['refused']}", hint=_HINT)
    return answer


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""


_HINT = "`edgeq inspect` shows the model's ops, types and scales."
