"""The child process around LiteRT: `python -P -m edgeq.mobile.child examine|time FOLDER`.

FOLDER has request.json and inputs_<i>.npz, one per model, with its inputs by number; the answer goes to answer.json.
Meanwhile the file that the request names for it changes as work gets done, at most once a second.
Native code may crash on a model; here that ends this process and nothing else.
"""

from __future__ import annotations

import ctypes
import json
import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter

_BLOCK = 10  # inferences of one model before it is the next one's turn


class _Progress:
    """Tells the parent that there is some."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._steps = 0
        self._told = time.monotonic()

    def step(self) -> None:
        self._steps += 1
        if time.monotonic() > self._told + 1.0:
            self._file.write_text(str(self._steps), encoding="ascii")
            self._told = time.monotonic()


def main() -> int:
    """Answer one request."""
    what, folder = sys.argv[1], Path(sys.argv[2])
    request = json.loads((folder / "request.json").read_text("utf-8"))
    try:
        answer = {"examine": _examine, "time": _time}[what](folder, request)
    except (RuntimeError, ValueError) as exc:
        answer = {"refused": str(exc)}
    (folder / "answer.json").write_text(json.dumps(answer), encoding="utf-8")
    return 0


def _examine(folder: Path, request: Mapping[str, Any]) -> dict[str, Any]:
    """What one model needs of memory, and where its ops run."""
    inputs = _inputs(folder, 0)
    _touch_libraries()
    before = _resident(reset=True)
    progress = _Progress(Path(request["progress"]))
    interpreter = _ready(request["models"][0], request["threads"], inputs)
    for _ in range(3):
        progress.step()
        interpreter.invoke()
    peak = _resident()
    native = interpreter._interpreter
    nodes = range(native.NumNodes())
    return {
        "memory": None if before is None or peak is None else max(0, peak - before),
        "delegates": [
            {"inputs": [int(i) for i in native.NodeInputs(n)], "outputs": [int(i) for i in native.NodeOutputs(n)]}
            for n in nodes
            if native.NodeName(n) == "DELEGATE"
        ],
    }


def _time(folder: Path, request: Mapping[str, Any]) -> dict[str, Any]:
    """Nanoseconds of every inference, per model. The models take turns, each round in another order: a clock that
    changes, or another process, hits all of them."""
    progress = _Progress(Path(request["progress"]))
    models = []
    for i, path in enumerate(request["models"]):
        models.append(_ready(path, request["threads"], _inputs(folder, i)))
        progress.step()
    for model in models:
        for _ in range(request["warmup"]):
            model.invoke()
            progress.step()
    found: list[list[int]] = [[] for _ in models]
    order = np.random.default_rng(0)
    end = time.perf_counter() + request["seconds"]
    while len(found[0]) < request["runs"] and (len(found[0]) < request["least"] or time.perf_counter() < end):
        for i in order.permutation(len(models)):
            invoke = models[i].invoke
            invoke()  # brings the model's weights back into the caches
            for _ in range(_BLOCK):
                begin = time.perf_counter_ns()
                invoke()
                found[i].append(time.perf_counter_ns() - begin)
                progress.step()
    return {"nanoseconds": found}


def _inputs(folder: Path, model: int) -> list[np.ndarray[Any, Any]]:
    with np.load(folder / f"inputs_{model}.npz", allow_pickle=False) as arrays:
        return [arrays[str(i)] for i in range(len(arrays.files))]


def _ready(path: str, threads: int, inputs: list[np.ndarray[Any, Any]]) -> Interpreter:
    """The model as an app loads it, mapped from its file, with its inputs filled."""
    interpreter = Interpreter(model_path=path, num_threads=threads)
    interpreter.allocate_tensors()
    for details, value in zip(interpreter.get_input_details(), inputs, strict=True):
        interpreter.set_tensor(details["index"], value)
    return interpreter


def _touch_libraries() -> None:
    """Make LiteRT's code resident, so that it does not count as the first model's memory."""
    try:
        maps = Path("/proc/self/maps").read_text("utf-8")
    except OSError:
        return
    for line in maps.splitlines():
        found = re.match(r"([0-9a-f]+)-([0-9a-f]+) r\S* .*litert\S*\.so", line)
        if found is not None:
            start, end = (int(edge, 16) for edge in found.groups())
            for page in range(start, end, 4096):
                ctypes.c_char.from_address(page).value  # noqa: B018 (reading it is the point)


def _resident(*, reset: bool = False) -> int | None:
    """The process's resident bytes at their peak; `reset` makes what is resident now the peak. None where the system
    does not tell."""
    try:
        if reset:
            Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
        status = Path("/proc/self/status").read_text("utf-8")
    except OSError:
        return None
    found = re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)
    return None if found is None else 1024 * int(found[1])


if __name__ == "__main__":
    sys.exit(main())
