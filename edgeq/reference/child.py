"""The child process around a reference interpreter: `python -P -m edgeq.reference.child <reference> <log file>`.

Interpreters are native code that may crash on a model; here that ends this process and nothing else. Requests come on
stdin, answers go to what was stdout; the interpreter's own words go to the log file.
"""

from __future__ import annotations

import os
import sys
import time
import zlib
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from edgeq.records import Reference
from edgeq.reference.session import Session
from edgeq.reference.wire import Arrays, receive, send

_SIGN_OF_LIFE = 0.2  # seconds between progress messages


def _open(reference: Reference, content: bytes, arena_bytes: int, keep_tensors: bool) -> Session:
    if reference is Reference.TFLM:
        from edgeq.reference.tflm import TflmSession

        return TflmSession(content, arena_bytes=arena_bytes, keep_tensors=keep_tensors)
    from edgeq.reference.litert import LiteRtSession

    return LiteRtSession(content, reference, keep_tensors=keep_tensors)


def _infer(
    session: Session, request: dict[str, Any], inputs: Arrays, answers: BinaryIO
) -> list[list[NDArray[np.generic]]]:
    """Per collected value, one array per sample. `inputs` are (n, *full shape), checked by the parent."""
    what, indices = request["collect"], request["indices"]
    collected: list[list[NDArray[np.generic]]] = [[] for _ in indices]
    told, last = 0, time.monotonic()
    for sample in range(request["samples"]):
        for i, values in enumerate(inputs):
            session.set_input(i, values[sample])
        session.invoke()
        for column, index in zip(collected, indices, strict=True):
            value = session.output(index) if what == "outputs" else session.tensor(index)
            if what == "crcs":
                value = np.asarray(zlib.crc32(np.ascontiguousarray(value).tobytes()), np.uint32)
            column.append(value)
        if time.monotonic() - last > _SIGN_OF_LIFE:
            send(answers, {"progress": sample + 1 - told})
            told, last = sample + 1, time.monotonic()
    return collected


def _answer(reference: Reference, request: dict[str, Any], arrays: Arrays, answers: BinaryIO) -> None:
    content = arrays[0].tobytes()
    keep = request["collect"] in ("tensors", "crcs")
    session = _open(reference, content, request["arena_bytes"], keep)
    collected = _infer(session, request, arrays[1:], answers)
    header: dict[str, Any] = {"done": True}
    if request["collect"] == "arena":
        header["arena_bytes"] = session.arena_bytes()  # type: ignore[attr-defined] # the parent asks TFLM only
    send(answers, header, [np.stack(column) for column in collected if column])


def main() -> int:
    """Serve requests until stdin ends."""
    reference = Reference(sys.argv[1])
    requests = sys.stdin.buffer
    # Native code prints to descriptors 1 and 2: neither may reach the answers.
    answers = os.fdopen(os.dup(1), "wb")
    log = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    while True:
        try:
            request, arrays = receive(requests)
        except EOFError:
            return 0
        os.ftruncate(log, 0)
        try:
            _answer(reference, request, arrays, answers)
        except (RuntimeError, ValueError, TypeError, MemoryError) as exc:
            send(answers, {"refused": str(exc)})


if __name__ == "__main__":
    sys.exit(main())
