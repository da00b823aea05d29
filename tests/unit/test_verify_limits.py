"""Limits of TensorFlow Lite Micro: the check stops where TFLM does."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from test_verify import OPS, binary, dense, rules, unary

from edgeq.errors import InterpreterError
from edgeq.model.flatbuffer import parse_tflite
from edgeq.model.verify import verify_int8
from edgeq.records import Reference
from edgeq.reference import ReferenceWorker, available
from edgeq.reference.rewrite import corrected_for_tflm


def above(value: float) -> float:
    return float(np.nextafter(np.float32(value), np.float32(np.inf)))


# On either side of each limit: (model, rule or None). TFLM runs exactly those without a rule.
LIMITS: list[tuple[str, bytes, str | None]] = [
    ("softmax at 2^-26", unary("SOFTMAX", 2**-26, 1 / 256, out_zero=-128, beta=1.0), "softmax-scale"),
    ("softmax above", unary("SOFTMAX", above(2**-26), 1 / 256, out_zero=-128, beta=1.0), None),
    ("softmax beta", unary("SOFTMAX", 1.0, 1 / 256, out_zero=-128, beta=0.0), "softmax-scale"),
    ("softmax output", unary("SOFTMAX", 1.0, 1 / 128, out_zero=-128, beta=1.0), "op-quantization"),
    ("add at 2^-19", binary("ADD", out=2**-19), "multiplier-range"),
    ("add above", binary("ADD", out=above(2**-19)), None),
    ("sub at 2^-19", binary("SUB", out=2**-19), "multiplier-range"),
    ("sub above", binary("SUB", out=above(2**-19)), None),
    ("hard swish at 1/128", unary("HARD_SWISH", 1.0, 1 / 128), "multiplier-range"),
    ("hard swish above", unary("HARD_SWISH", 1.0, above(1 / 128)), None),
    ("relu6 bound", dense(scale=1e-5, weight_scale=1e-3, bias_scale=1e-8, out_scale=2.7e-9, activation="RELU6"),
     "multiplier-range"),
    ("relu6 bound fits", dense(scale=1e-5, weight_scale=1e-3, bias_scale=1e-8, out_scale=2.9e-9, activation="RELU6"),
     None),
    ("logistic zero point", unary("LOGISTIC", 0.1, 1 / 256, out_zero=0), "op-quantization"),
    ("concatenation", binary("CONCATENATION", 0.1, 0.2, 0.1, shape=(2, 16), axis=0), "op-quantization"),
    ("concatenation of one scale", binary("CONCATENATION", 0.1, 0.1, 0.1, shape=(2, 16), axis=0), None),
    ("pool", unary("AVERAGE_POOL_2D", 0.1, 0.1 + 2e-6, shape=(1, 2, 2, 4), stride_w=1, stride_h=1, filter_width=1,
                   filter_height=1), "op-quantization"),
    ("pool within tolerance", unary("AVERAGE_POOL_2D", 0.1, 0.1 + 5e-7, shape=(1, 2, 2, 4), stride_w=1, stride_h=1,
                                    filter_width=1, filter_height=1), None),
    ("bias", dense(bias_scale=0.04), "bias-scale"),
]  # fmt: skip


@pytest.fixture(scope="module")
def tflm() -> Iterator[ReferenceWorker]:
    if not available(Reference.TFLM):
        pytest.skip("the tflite-micro wheel is not for this machine")
    with ReferenceWorker(Reference.TFLM) as worker:
        yield worker


@pytest.mark.parametrize(("content", "rule"), [(c, r) for _, c, r in LIMITS], ids=[n for n, _, _ in LIMITS])
def test_the_limits_are_where_tflm_stops(tflm: ReferenceWorker, content: bytes, rule: str | None) -> None:
    graph = parse_tflite(content)
    inputs = [np.zeros((1, *t.shape), np.int8) for t in graph.input_tensors]
    if rule is None:
        assert rules(content) == []
        tflm.run(content, inputs)
    else:
        assert rules(content) == [rule]
        with pytest.raises(InterpreterError):
            tflm.run(content, inputs)


def test_relu6_is_wrong_in_tflm_where_scales_differ(tflm: ReferenceWorker) -> None:
    """The tflm engine runs an equal model exactly where TFLM's values are not those of the formula."""
    values = np.arange(-128, 128).astype(np.int8)[None]
    for out_scale, out_zero in ((0.1, 0), (0.05, 0), (0.1, -3)):
        content = unary("RELU6", 0.1, out_scale, out_zero=out_zero, shape=(1, 256))
        graph = parse_tflite(content)
        expected = np.clip(np.round(np.clip(values * 0.1, 0, 6) / out_scale) + out_zero, -128, 127)
        right = bool((tflm.run(content, [values])[0] == expected).all())
        assert verify_int8(graph, supported_ops=OPS, engine="tflm") == ()
        assert (corrected_for_tflm(content, graph) == content) is right
        assert right == (out_scale == 0.1 and out_zero == 0)
        assert rules(content) == []
