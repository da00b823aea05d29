"""Reads .npz files: every header is checked before any array is unpacked."""

from __future__ import annotations

import math
import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeq.errors import DataError

MAX_BYTES = 8 << 30
_SUSPICIOUS_BYTES = 256 << 20
_SUSPICIOUS_RATIO = 150


def read_npz(path: Path) -> dict[str, NDArray[np.generic]]:
    """All arrays of an .npz by name.

    Raises:
        DataError: damaged, pickled arrays, or sizes that cannot be meant.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            if not infos:
                raise DataError(f"{path} holds no arrays.")
            _check_sizes(path, infos)
            arrays: dict[str, NDArray[np.generic]] = {}
            for info in infos:
                name = info.filename.removesuffix(".npy")
                if name == info.filename or name in arrays:
                    raise DataError(f"{path} holds {info.filename!r}, which numpy.savez would not have written.")
                arrays[name] = _read_array(archive, info, name, path)
            return arrays
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError) as exc:
        raise DataError(
            f"{path} is damaged, cut off or no .npz file: {exc}", hint="Write it with numpy.savez."
        ) from exc
    except MemoryError as exc:
        raise DataError(f"{path} does not fit into this computer's memory.", hint="Keep fewer samples.") from exc


def _check_sizes(path: Path, infos: list[zipfile.ZipInfo]) -> None:
    total = sum(info.file_size for info in infos)
    if total > MAX_BYTES:
        raise DataError(f"{path} unpacks to {total:,} bytes, more than the {MAX_BYTES:,} that are allowed.")
    for info in infos:
        if info.file_size > _SUSPICIOUS_BYTES and info.file_size > _SUSPICIOUS_RATIO * max(info.compress_size, 1):
            raise DataError(
                f"{info.filename} in {path} unpacks from {info.compress_size:,} to {info.file_size:,} bytes: it is "
                "constant, or made to fill the memory."
            )


def _read_array(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, path: Path) -> NDArray[np.generic]:
    with archive.open(info) as file:
        version = np.lib.format.read_magic(file)
        if version == (1, 0):
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        elif version == (2, 0):
            shape, _, dtype = np.lib.format.read_array_header_2_0(file)
        else:
            raise DataError(f"{name} in {path} has .npy version {version}, which edgeq does not read.")
        if dtype.hasobject:
            raise DataError(
                f"{name} in {path} is pickled: it holds Python objects, and unpickling could run code.",
                hint="Save plain arrays, for example np.savez(file, x_train=np.asarray(x, dtype=np.float32), …).",
            )
        declared = math.prod(shape) * dtype.itemsize
        if declared > info.file_size or min(shape, default=1) < 0:
            raise DataError(
                f"{name} in {path} is cut off: its header says {declared:,} bytes, {info.file_size:,} are there."
            )
    with archive.open(info) as file:
        return np.lib.format.read_array(file, allow_pickle=False)
