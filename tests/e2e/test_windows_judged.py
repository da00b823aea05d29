"""The cost model of convolutions whose windows are expanded one by one: dilated, grouped, or of few channels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tflite_builder import ModelBuilder

from edgeq.records import Optimize

_BENCH = Path(__file__).resolve().parents[2] / "tools" / "bench"

# Height, width, channels, filters; window; dilation, groups, padding.
_LAYERS = (
    (16, 16, 4, 8, (3, 3), 2, 1, "VALID"),
    (16, 16, 8, 8, (3, 3), 4, 1, "SAME"),
    (16, 16, 16, 16, (3, 3), 2, 1, "SAME"),
    (16, 16, 3, 8, (3, 3), 3, 1, "SAME"),
    (1, 64, 32, 16, (1, 3), 4, 1, "SAME"),
    (1, 64, 6, 8, (1, 7), 2, 1, "VALID"),
    (12, 12, 8, 8, (3, 3), 1, 2, "SAME"),
    (12, 12, 10, 8, (3, 3), 1, 2, "VALID"),
    (1, 128, 1, 16, (1, 5), 1, 1, "SAME"),
    (1, 128, 3, 16, (1, 9), 1, 1, "SAME"),
    (16, 16, 3, 8, (5, 5), 1, 1, "SAME"),
)


def _model() -> bytes:
    model, rng = ModelBuilder(), np.random.default_rng(1)
    inputs: dict[tuple[int, int, int], int] = {}
    outputs = []
    for i, (height, width, channels, filters, window, dilation, groups, padding) in enumerate(_LAYERS):
        shape = (height, width, channels)
        if shape not in inputs:
            inputs[shape] = model.tensor(f"x{len(inputs)}", (1, *shape), scale=0.05, zero_point=-3)
        weights = rng.integers(-127, 128, (filters, *window, channels // groups)).astype(np.int8)
        w = model.tensor(f"w{i}", weights.shape, data=weights, scale=[0.003] * filters, axis=0)
        less = [(k - 1) * dilation if padding == "VALID" else 0 for k in window]
        y = model.tensor(f"y{i}", (1, height - less[0], width - less[1], filters), scale=0.3, zero_point=-128)
        rows = dilation if height > 1 else 1
        model.op(
            "CONV_2D", [inputs[shape], w], [y], padding=padding, stride_h=1, stride_w=1, dilation_h_factor=rows,
            dilation_w_factor=dilation, fused_activation_function="RELU",
        )  # fmt: skip
        outputs.append(y)
    return model.finish(list(inputs.values()), outputs)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_no_window_is_misjudged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(_BENCH)
    from counts import misjudged
    from engine import measured

    path = tmp_path / "windows.tflite"
    path.write_bytes(_model())
    row = measured(path, "mps2-an386", "zig", Optimize.SIZE, tmp_path / "build")
    assert row["equal"] and sum("a patch each" in layer["variant"] for layer in row["layers"]) >= 10
    assert not misjudged([row]), "the cost model is off: constants in edgeq/lower/dsp"
