"""Parts that reports of tests/report_samples.py are made of."""

from __future__ import annotations

import numpy as np

from edgeq.model.graph import DType, Quantization, Tensor
from edgeq.records import (
    Drift,
    LayerCost,
    LayerDrift,
    Profile,
    Reference,
    ReferenceOutputs,
)
from edgeq.report.plan import live_bytes
from edgeq.report.record import (
    AccuracyInfo,
    ArenaPlan,
    PassSaving,
    PlanBlock,
    PlanCall,
)
from edgeq.validation.accuracy import Task, choose_task, compare_accuracy, confusion_matrix, measure_accuracy, predict
from edgeq.validation.drift import measure_drift

HOSTILE = """<script>alert("x")</script>'&<img src=http://example.invalid/x onerror=alert(1)>{{ 7*7 }}</style>"""

_LAYERS = (  # label, kernel, MACs, cycles, weight bytes, output bytes
    ("0 CONV_2D 8×8×16", "edgeq_conv_2d_s8", 9_216, 21_400, 208, 1_024),
    ("1 CONV_2D 8×8×32", "edgeq_conv_2d_s8", 294_912, 412_300, 4_992, 2_048),
    ("2 MAX_POOL_2D 4×4×32", "edgeq_max_pool_2d_s8", 0, 9_800, 0, 512),
    ("3 DEPTHWISE_CONV_2D 4×4×32", "edgeq_depthwise_conv_2d_s8", 4_608, 18_900, 672, 512),
    ("4 CONV_2D 4×4×32", "edgeq_conv_2d_s8", 147_456, 203_700, 9_600, 512),
    ("5 ADD 4×4×32", "edgeq_add_s8", 0, 8_700, 0, 512),
    ("6 MEAN 32", "edgeq_mean_s8", 0, 2_900, 0, 32),
    ("7 FULLY_CONNECTED 10", "edgeq_fully_connected_s8", 320, 1_150, 440, 10),
    ("8 SOFTMAX 10", "edgeq_softmax_s8", 0, 2_250, 1_024, 10),
)


def output_tensor(name: str = "probabilities", shape: tuple[int, ...] = (1, 10)) -> Tensor:
    return Tensor(
        index=19,
        name=name,
        shape=shape,
        dtype=DType.INT8,
        quantization=Quantization(scales=(1 / 256,), zero_points=(-128,)),
    )


def saved() -> tuple[PassSaving, ...]:
    """One pass whose effect was compared, and one whose was not."""
    return (
        PassSaving(
            name="merge-padding", about="PAD becomes the convolution's own padding", count=2, words="2 PAD merged",
            flash_bytes=-12, arena_bytes=0, cycles=3_400,
        ),
        PassSaving(
            name="fold-constants", about="ops on constants alone are computed on the host", count=1,
            words="1 op on constants", flash_bytes=None, arena_bytes=None, cycles=None,
        ),
    )  # fmt: skip


def plan() -> ArenaPlan:
    blocks = [PlanBlock(name="images", kind="input", offset=2_048, nbytes=64, first=-1, last=0)]
    place = {0: 0, 1: 1_024, 2: 0, 3: 512, 4: 1_024, 5: 0, 6: 512, 7: 0, 8: 16}
    last = {2: 5, 8: len(_LAYERS)}
    for i, layer in enumerate(_LAYERS):
        kind = "output" if i == len(_LAYERS) - 1 else "tensor"
        end = last.get(i, i + 1)
        blocks.append(PlanBlock(name=layer[0], kind=kind, offset=place[i], nbytes=layer[5], first=i, last=end))
    blocks.append(PlanBlock(name="scratch of 1", kind="scratch", offset=3_072, nbytes=576, first=1, last=1))
    blocks.sort(key=lambda b: (b.first, b.offset))
    calls = tuple(
        PlanCall(
            label=label,
            kernel=kernel,
            variant="dsp: 4 channels x 2 pixels",
            expected_cycles=None,
            weight_bytes=weights,
            live_bytes=live_bytes(b for b in blocks if b.first <= i <= b.last),
        )
        for i, (label, kernel, _, _, weights, _) in enumerate(_LAYERS)
    )
    return ArenaPlan(
        arena_bytes=3_648,
        liveness_bound=3_648,
        saved=saved(),
        calls=calls,
        blocks=tuple(blocks),
    )


def profile() -> Profile:
    layers = tuple(
        LayerCost(index=i, label=label, kernel=kernel, macs=macs, instructions=int(cycles * 0.82), cycles=cycles)
        for i, (label, kernel, macs, cycles, _, _) in enumerate(_LAYERS)
    )
    cycles = sum(layer.cycles for layer in layers) + 1_900
    return Profile(
        source="estimated",
        counter="emulator",
        instructions=int(cycles * 0.82),
        cycles_estimated=cycles,
        cycles_measured=None,
        clock_hz=25_000_000,
        latency_ms=cycles / 25_000,
        layers=layers,
    )


def _run(n: int = 500, *, seed: int = 1) -> tuple[tuple[Drift, ...], AccuracyInfo]:
    """The arms on n samples of 10 classes, as a digits model would answer, measured by edgeq itself."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 10
    logits = rng.normal(size=(n, 10)) + 4.3 * np.eye(10)[labels]
    real = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    noisy = np.exp(logits + rng.normal(scale=0.25, size=logits.shape))
    int8 = np.clip(np.round(noisy / noisy.sum(axis=1, keepdims=True) * 256) - 128, -128, 127).astype(np.int8)
    tensor = output_tensor()
    drifts = []
    for reference, share in (
        (Reference.TFLM, 0.0),
        (Reference.LITERT_REFERENCE, 0.012),
        (Reference.LITERT_DEFAULT, 0.06),
    ):
        steps = np.round(rng.normal(scale=2.2, size=int8.shape)) * (rng.random(int8.shape) < share)
        other = np.clip(int8 + steps, -128, 127).astype(np.int8)
        outputs = ReferenceOutputs(reference=reference, version="1", outputs=(other,))
        first = "8 SOFTMAX 10" if share > 0.05 else "7 FULLY_CONNECTED 10" if share else None
        drifts.append(measure_drift((int8,), outputs, (tensor,), first_layer=first))
    task = choose_task(labels, (int8,))
    assert isinstance(task, Task)
    accuracy = AccuracyInfo(
        float_host=measure_accuracy(task, (real,), None),
        int8_host=measure_accuracy(task, (int8,), (tensor,)),
        device=measure_accuracy(task, (int8,), (tensor,)),
        int8_host_reference="tflm",
        differences=(compare_accuracy(task, (real,), (int8,), names=("float", "device"), tensors_after=(tensor,)),),
        note=None,
        confusion=confusion_matrix(task, predict(task, (int8,), (tensor,))),
    )
    return tuple(drifts), accuracy


def layer_drift(diverging: int | None = None) -> tuple[LayerDrift, ...]:
    rows = []
    for i, (label, _, _, _, _, elements) in enumerate(_LAYERS):
        wrong = diverging is not None and i >= diverging
        rows.append(
            LayerDrift(
                point=i,
                label=label,
                tensor=f"digits/layer_{i}/BiasAdd;digits/layer_{i}/Relu",
                state="differs" if wrong else "equal",
                samples=8,
                differing_samples=3 if wrong else 0,
                mismatches=elements // 8 + 1 if wrong else 0,
                max_lsb=2 if wrong else 0,
                fetched_samples=3 if wrong else 0,
                elements=elements,
            )
        )
    gone = LayerDrift(
        point=None,
        label="7 RESHAPE",
        tensor="digits/flatten/Reshape",
        state="alias of digits/mean",
        samples=0,
        differing_samples=0,
        mismatches=0,
        max_lsb=0,
        elements=32,
    )
    return (*rows[:7], gone, *rows[7:])
