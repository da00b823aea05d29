"""Messages between edgeq and the child process that holds an interpreter: one JSON object and some arrays each.

A message is a 4-byte little-endian length, that many bytes of JSON, and the bytes of the arrays whose dtypes and shapes
the JSON lists under "arrays". Both ends are ours; the pipe is private; nothing in it can make Python run anything.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

Arrays = tuple[NDArray[np.generic], ...]


def send(stream: BinaryIO, header: dict[str, Any], arrays: Sequence[NDArray[np.generic]] = ()) -> None:
    """Write one message and flush.

    Raises:
        OSError: the other end is gone (BrokenPipeError) or the pipe failed.
    """
    text = json.dumps({**header, "arrays": [(a.dtype.str, a.shape) for a in arrays]}).encode()
    stream.write(struct.pack("<I", len(text)) + text)
    for array in arrays:
        stream.write(array.tobytes())
    stream.flush()


def receive(stream: BinaryIO) -> tuple[dict[str, Any], Arrays]:
    """Read one message. The arrays are read-only.

    Raises:
        EOFError: the other end is gone.
    """
    (length,) = struct.unpack("<I", _exactly(stream, 4))
    header: dict[str, Any] = json.loads(_exactly(stream, length))
    arrays = []
    for dtype_name, shape in header["arrays"]:
        dtype = np.dtype(dtype_name)
        data = _exactly(stream, math.prod(shape) * dtype.itemsize)
        arrays.append(np.frombuffer(data, dtype).reshape(shape))
    return header, tuple(arrays)


def _exactly(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError
    return data
