"""Finds out what the user named with --data, and reads it."""

from __future__ import annotations

import contextlib
import difflib
import importlib
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import numpy as np

from edgeq.data.arrays import dataset_from_arrays, make_dataset
from edgeq.data.images import ImageOptions, Scale, read_images
from edgeq.data.npz import read_npz
from edgeq.errors import DataError, EdgeqError
from edgeq.records import Dataset, Split, ValueSpec

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HINT = "Data are an .npz file, a folder of images by class, or module:function."
_CALLABLE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def load_dataset(spec: str, *, inputs: Sequence[ValueSpec] | None = None, seed: int = 0) -> Dataset:
    """Read a data set; see `edgeq.data` for the forms it can have.

    Args:
        spec: an .npz file, a folder of images (`folder?scale=-1..1&resize=yes`), or `module:function`.
        inputs: the model's inputs, where they are known: for the order of several arrays, and the size of images.
        seed: which images are kept for testing if the folder has no test/.

    Raises:
        DataError: not found, damaged, pickled, or not in one of these forms.
    """
    name, _, query = spec.partition("?")
    if not name:
        raise DataError("--data is empty.", hint=_HINT)
    path = Path(spec) if Path(spec).exists() else Path(name)
    if path.is_dir():
        options = _image_options(query if path == Path(name) else "", seed)
        return read_images(path, spec, options, inputs)
    if path.is_file():
        if path.stat().st_size == 0:
            raise DataError(f"{path} is empty.", hint="Write it with numpy.savez.")
        return dataset_from_arrays(read_npz(path), spec, inputs)
    if _CALLABLE.fullmatch(spec):
        return _call(spec, inputs)
    siblings = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
    close = difflib.get_close_matches(path.name, siblings, n=1)
    raise DataError(f"{name} does not exist.", hint=f"Did you mean {path.parent / close[0]}?" if close else _HINT)


def random_dataset(
    inputs: Sequence[ValueSpec], n: int, seed: int, ranges: Sequence[tuple[float, float]] | None = None
) -> Dataset:
    """Seeded random samples without labels, for a model that comes without data.

    Each sample is uniform in a random part of the range, so that samples differ in brightness and contrast, not in
    noise only.

    Args:
        inputs: the model's inputs; every size is fixed.
        n: number of samples.
        seed: the same seed gives the same samples.
        ranges: smallest and largest real value of each input (what its int8 form can hold); None means −1 to 1.
    """
    rng = np.random.default_rng(seed)
    arrays: list[NDArray[np.float32]] = []
    for i, spec in enumerate(inputs):
        low, high = ranges[i] if ranges is not None else (-1.0, 1.0)
        sizes = tuple(int(size or 1) for size in spec.shape)
        ends = np.sort(rng.uniform(low, high, (2, n)), axis=0).reshape(2, n, *(1 for _ in sizes))
        arrays.append((ends[0] + (ends[1] - ends[0]) * rng.random((n, *sizes))).astype(np.float32))
    return make_dataset(f"{n} random samples (seed {seed})", {"test": Split(x=tuple(arrays))})


def _image_options(query: str, seed: int) -> ImageOptions:
    values = dict(parse_qsl(query, keep_blank_values=True))
    unknown = set(values) - {"scale", "resize"}
    scales = [scale.value for scale in Scale]
    if unknown or values.get("scale", scales[0]) not in scales or values.get("resize", "no") not in {"yes", "no"}:
        raise DataError(
            f"{query!r} is no option of an image folder.",
            hint=f"Write folder?scale=S&resize=yes; S is one of {', '.join(scales)} (default {scales[0]}, no resize).",
        )
    return ImageOptions(scale=Scale(values.get("scale", scales[0])), resize=values.get("resize") == "yes", seed=seed)


def _call(spec: str, inputs: Sequence[ValueSpec] | None) -> Dataset:
    """Call the user's function. The current folder can be imported from, as with `python -m`."""
    module_name, function_name = spec.split(":")
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        # What the user's code prints is no part of edgeq's own output, which may be JSON.
        with contextlib.redirect_stdout(sys.stderr):
            function = getattr(importlib.import_module(module_name), function_name, None)
            if not callable(function):
                raise DataError(f"The module {module_name} has no function {function_name}.")
            result = function()
    except EdgeqError:
        raise
    except ModuleNotFoundError as exc:
        raise DataError(
            f"{spec} is no file, and {exc.name} is no module that can be imported.",
            hint=f"{_HINT} Modules are looked for in the current folder and the Python environment.",
        ) from exc
    except Exception as exc:
        raise DataError(f"{spec} failed: {type(exc).__name__}: {exc}") from exc
    finally:
        sys.path.remove(here)
    if isinstance(result, Dataset):
        return result
    if isinstance(result, Mapping):
        return dataset_from_arrays(result, spec, inputs)
    raise DataError(
        f"{spec} returned no data set, but {type(result).__name__}.",
        hint="Return a dict with x_test, y_test, … or an edgeq Dataset.",
    )
