"""Random chains of layers in which every pass finds something: dead channels, PAD, tables, constants, reshapes."""

from __future__ import annotations

from typing import Any

import numpy as np
from conformance.draw import Rng, chance, pick, samples, small, zero_of
from numpy.typing import NDArray
from tflite_builder import ModelBuilder

SCALE = 0.05


class _Chain:
    """Layers one behind the other, in which many channels are dead or unread."""

    def __init__(self, rng: Rng) -> None:
        self.rng, self.model = rng, ModelBuilder()
        self.shape: tuple[int, ...] = (1, small(rng, 4, 9), small(rng, 4, 9), pick(rng, 1, small(rng, 1, 5)))
        # RELU's zero point makes dead channels equal to the padding; others do not.
        self.zero = pick(rng, -128, -128, zero_of(rng))
        self.x = self.tensor("x", self.shape)
        self.input_shape, self.at, self.count = self.shape, self.x, 0
        # Some PADs, at least, are what SAME would pad.
        self.same = chance(rng, 0.5)

    def tensor(self, name: str, shape: tuple[int, ...], scale: float = SCALE, zero: int | None = None) -> int:
        return self.model.tensor(name, shape, scale=scale, zero_point=self.zero if zero is None else zero)

    def constant(self, data: NDArray[np.generic], **quantization: Any) -> int:
        self.count += 1
        return self.model.tensor(f"c{self.count}", data.shape, str(data.dtype), data=data, **quantization)

    def then(
        self,
        op: str,
        shape: tuple[int, ...],
        *inputs: int,
        scale: float = SCALE,
        zero: int | None = None,
        **options: Any,
    ) -> None:
        self.count += 1
        y = self.tensor(f"y{self.count}", shape, scale, zero)
        self.model.op(op, [self.at, *inputs], [y], **options)
        self.at, self.shape = y, shape

    def convolution(self, *, depthwise: bool, padding: str, whole: bool = False, side: int | None = None) -> None:
        rng, channels = self.rng, self.shape[3]
        side = side or (pick(rng, 1, 3, 3) if padding == "SAME" else 3)
        window = self.shape[1:3] if whole else (side, side)
        stride = 1 if self.same else pick(rng, 1, 1, 2)
        filters = channels * (small(rng, 2, 5) if channels == 1 else 1) if depthwise else small(rng, 2, 14)
        form = (1, *window, filters) if depthwise else (filters, *window, channels)
        weights = rng.integers(-127, 128, form).astype(np.int8)
        dead = rng.random(filters) < 0.4
        if depthwise:
            weights[..., dead] = 0
        else:
            weights[dead] = 0
            weights[..., rng.random(channels) < 0.2] = 0
        axis, scales = 3 if depthwise else 0, rng.uniform(0.002, 0.01, filters)
        bias = rng.integers(-20000, 20000, filters).astype(np.int32)
        # What a batch norm leaves whose scale went to zero: hardly any weights, and a bias that is all there is.
        steady = rng.random(filters) < 0.3
        scales[steady] *= 2.0 ** -pick(rng, 15, 20, 24)
        bias[steady] = rng.integers(-(1 << 30), 1 << 30, int(steady.sum()))
        scales = [float(s) for s in scales]
        w, b = self.constant(weights, scale=scales, axis=axis), self.constant(bias, scale=[SCALE * s for s in scales])
        size = [
            -(-n // stride) if padding == "SAME" else (n - k) // stride + 1
            for n, k in zip(self.shape[1:3], window, strict=True)
        ]
        options = {"depth_multiplier": filters // channels} if depthwise else {}
        self.then(
            "DEPTHWISE_CONV_2D" if depthwise else "CONV_2D", (1, *size, filters), w, b, padding=padding,
            stride_h=stride, stride_w=stride, dilation_h_factor=1, dilation_w_factor=1,
            fused_activation_function=pick(rng, "NONE", "RELU", "RELU6"), **options,
        )  # fmt: skip

    def pad(self) -> None:
        both = (1, 1) if self.same else pick(self.rng, (0, 1), (1, 1), (1, 0))
        amounts = np.array([[0, 0], both, both, [0, 0]], np.int32)
        p = self.constant(amounts)
        self.then("PAD", tuple(int(n + a.sum()) for n, a in zip(self.shape, amounts, strict=True)), p)

    def activations(self) -> None:
        """One that clamps, or some that are tables."""
        if chance(self.rng, 0.4):
            self.then(pick(self.rng, "RELU", "RELU6"), self.shape)
        for _ in range(small(self.rng, 0, 2)):
            op = pick(self.rng, "LOGISTIC", "TANH", "HARD_SWISH")
            fixed = {"LOGISTIC": {"scale": 1 / 256, "zero": -128}, "TANH": {"scale": 1 / 128, "zero": 0}}.get(op, {})
            self.then(op, self.shape, **fixed)
            if fixed:
                self.then("QUANTIZE", self.shape)

    def gate(self) -> None:
        """Of a value and a function of it, at times of one that something else reads as well."""
        rng, x = self.rng, self.at
        for _ in range(small(rng, 0, 2)):
            self.then(pick(rng, "HARD_SWISH", "RELU", "LOGISTIC"), self.shape, scale=1 / 256, zero=-128)
        first = self.at
        if chance(rng, 0.5):
            self.at = x
            self.then(pick(rng, "HARD_SWISH", "RELU"), self.shape, scale=0.03)
        elif chance(rng, 0.2):
            first = x
        options = {"fused_activation_function": pick(rng, "NONE", "RELU")}
        self.then(pick(rng, "ADD", "MUL", "SUB"), self.shape, first, **options)
        if first != x and chance(rng, 0.2):
            self.then("ADD", self.shape, first, **options)

    def arithmetic(self) -> None:
        """With a single constant, or with one per channel that other ops make of constants."""
        rng, channels = self.rng, self.shape[3]
        op, scale = pick(rng, "ADD", "MUL", "SUB"), float(np.float32(rng.uniform(0.01, 0.05)))
        if chance(rng, 0.5):
            other = self.constant(rng.integers(-128, 128, 1).astype(np.int8), scale=scale, zero_point=zero_of(rng))
        else:
            c = self.constant(rng.integers(-128, 128, channels).astype(np.int8), scale=scale, zero_point=0)
            for name, shape in (("RESHAPE", (1, 1, 1, channels)), (pick(rng, "RELU", "ABS"), (1, 1, 1, channels))):
                self.count += 1
                made = self.tensor(f"m{self.count}", shape, scale, 0)
                self.model.op(name, [c], [made])
                c = made
            other = c
        self.then(op, self.shape, other, fused_activation_function=pick(rng, "NONE", "RELU"))

    def finish(self) -> bytes:
        rng, (_, height, width, channels) = self.rng, self.shape
        if chance(rng, 0.4):
            axes = self.model.tensor("axes", (2,), "int32", data=np.array([1, 2], np.int32))
            self.then("MEAN", (1, 1, 1, channels), axes, keep_dims=True)
        elif chance(rng, 0.5):
            self.then(
                pick(rng, "AVERAGE_POOL_2D", "MAX_POOL_2D"), (1, 1, 1, channels), padding="VALID", stride_h=height,
                stride_w=width, filter_height=height, filter_width=width, fused_activation_function="NONE",
            )  # fmt: skip
        if chance(rng, 0.4):
            self.convolution(depthwise=False, padding="VALID", whole=True)
        flat = int(np.prod(self.shape))
        if chance(rng, 0.5):  # the converter leaves it out
            self.then("RESHAPE", (1, flat))
        w = self.model.tensor("wf", (3, flat), data=rng.integers(-127, 128, (3, flat)).astype(np.int8), scale=0.01)
        b = self.model.tensor("bf", (3,), "int32", data=np.array([50, -900, 7], np.int32), scale=SCALE * 0.01)
        self.then("FULLY_CONNECTED", (1, 3), w, b, fused_activation_function="NONE", keep_num_dims=False)
        return self.model.finish([self.x], [self.at])


def chain(*seeds: int) -> tuple[bytes, NDArray[np.int8]]:
    """A .tflite, and samples of its input."""
    rng = np.random.default_rng(seeds)
    made = _Chain(rng)
    if made.shape[3] == 1 and chance(rng, 0.5):
        made.convolution(depthwise=True, padding="SAME")
    made.convolution(depthwise=False, padding="SAME")
    for _ in range(small(rng, 1, 3)):
        if chance(rng, 0.3):  # what is constant in front has other values at the borders behind
            made.convolution(depthwise=True, padding="SAME", side=3)
            made.convolution(depthwise=False, padding="SAME", side=1)
        elif chance(rng, 0.6) and min(made.shape[1:3]) >= 3:
            made.pad()
            made.convolution(depthwise=chance(rng, 0.4), padding="VALID")
        else:
            made.convolution(depthwise=chance(rng, 0.5), padding="SAME")
        if chance(rng, 0.3):
            made.activations()
        if chance(rng, 0.3):
            made.arithmetic()
        if chance(rng, 0.3):
            made.gate()
    return made.finish(), samples(rng, made.input_shape)
