"""The child process that contains crashes of TensorFlow's converter; `edgeq.quantize.convert` starts it.

Arguments: the SavedModel's folder, an .npz with the calibration samples (one array per input), the .tflite to write,
the model's name, the scheme, and the names of the inputs.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from edgeq.errors import EdgeqError
from edgeq.model.export import Exported
from edgeq.model.scheme import Scheme
from edgeq.quantize.convert import convert_here


def main(argv: list[str]) -> int:
    """Exit status 0, or 1 and the reason on stderr."""
    folder, arrays, result, what, scheme, *inputs = argv
    with np.load(arrays, allow_pickle=False) as archive:
        samples = tuple(archive[f"arr_{i}"] for i in range(len(inputs)))
    try:
        content = convert_here(
            Exported(folder=Path(folder), inputs=tuple(inputs), outputs=()), samples, what, Scheme(scheme)
        )
    except EdgeqError as exc:
        sys.stderr.write(f"{exc}\n")
        return 1
    Path(result).write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
