"""Reports to test and preview with: synthetic records with the proportions of real ones.

`python -m tests.report_samples FOLDER` renders them all as HTML and JSON.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from edgeq.model.graph import DType, Quantization, Tensor
from edgeq.records import (
    Accuracy,
    Drift,
    Finding,
    Group,
    LayerCost,
    LayerDrift,
    Metric,
    Profile,
    Reference,
    ReferenceOutputs,
    Section,
    Timing,
    Toolchain,
)
from edgeq.report.plan import live_bytes
from edgeq.report.record import (
    AccuracyInfo,
    ArenaPlan,
    Check,
    DataInfo,
    DeviceInfo,
    DriftInfo,
    MemoryInfo,
    ModelInfo,
    PlanBlock,
    PlanCall,
    QuantizationInfo,
    Report,
    TensorInfo,
)
from edgeq.validation.accuracy import Task, choose_task, compare_accuracy, confusion_matrix, measure_accuracy, predict
from edgeq.validation.drift import measure_drift
from edgeq.validation.explain import explain

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
        saved=("merge-padding: 2 PAD merged",),
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


def digits() -> Report:
    """All is well: the demo model on an emulated Cortex-M4."""
    drifts, accuracy = _run()
    return Report(
        edgeq_version="0.1.0",
        model=ModelInfo(
            name="digits",
            format="Keras 3 .keras",
            sha256="9f2c6b1e" * 8,
            source_sha256="17d0aa35" * 8,
            size_bytes=24_216,
            ops=10,
            macs=sum(layer[2] for layer in _LAYERS),
            parameters=15_402,
            inputs=(TensorInfo(name="images", shape=(1, 8, 8, 1), dtype="int8", scale=1 / 255, zero_point=-128),),
            outputs=(TensorInfo(name="probabilities", shape=(1, 10), dtype="int8", scale=1 / 256, zero_point=-128),),
        ),
        quantization=QuantizationInfo(
            method="ptq", full_integer=True, per_channel=True, calibration_samples=200, seed=0
        ),
        engine="aot",
        optimize="balanced",
        toolchain=Toolchain(
            name="zig",
            version="0.17.1 (clang 22)",
            flags=(
                "-target",
                "thumb-freestanding-eabihf",
                "-mcpu=cortex_m4+vfp4d16sp",
                "-O2",
                "-std=c99",
                "-I/home/me/x/include",
            ),
        ),
        board="mps2-an386",
        memory=MemoryInfo(
            flash_bytes=38_452,
            ram_bytes=9_872,
            arena_bytes=3_648,
            stack_bytes=1_184,
            stack_measured=True,
            flash_limit=4_194_304,
            ram_limit=4_194_304,
            tflm_arena_bytes=11_264,
            sections=(
                Section(name=".text.kernels", group=Group.KERNELS, flash=11_830, ram=0),
                Section(name=".rodata.weights", group=Group.WEIGHTS, flash=16_936, ram=0),
                Section(name=".text.model", group=Group.MODEL, flash=2_410, ram=0),
                Section(name=".text.link", group=Group.LINK, flash=4_512, ram=0),
                Section(name=".text.runtime", group=Group.RUNTIME, flash=2_748, ram=0),
                Section(name=".data", group=Group.RUNTIME, flash=16, ram=16),
                Section(name=".bss.arena", group=Group.ARENA, flash=0, ram=3_648),
                Section(name=".bss.link", group=Group.LINK, flash=0, ram=5_024),
                Section(name=".stack", group=Group.STACK, flash=0, ram=1_184),
            ),
            plan=plan(),
        ),
        device=DeviceInfo(name="emulated", clock_hz=25_000_000, core="Cortex-M4F", samples_per_second=182.4, retries=0),
        profile=profile(),
        drift=DriftInfo(
            references=drifts,
            versions={"tflm": "0.dev20261023182759", "litert-reference": "2.3.0", "litert-default": "2.3.0"},
            layers=layer_drift(),
            explanation=explain(drifts),
        ),
        accuracy=accuracy,
        data=DataInfo(
            source="digits.npz", sha256="c0ffee42" * 8, samples=500, labelled=True, class_names=tuple("0123456789")
        ),
        checks=(
            Check(name="full integer", passed=True, message="10 ops, all int8"),
            Check(name="drift", passed=True, message="0 of 5,000 outputs differ from TFLite Micro"),
            Check(name="flash", passed=True, message="38,452 of 4,194,304 bytes"),
            Check(name="RAM", passed=True, message="9,872 of 4,194,304 bytes, stack included"),
        ),
        findings=(),
        timings=(
            Timing(stage="load", seconds=9.31),
            Timing(stage="quantize", seconds=5.84),
            Timing(stage="verify", seconds=0.04),
            Timing(stage="reference", seconds=1.72),
            Timing(stage="generate", seconds=0.21),
            Timing(stage="compile", seconds=4.45),
            Timing(stage="run", seconds=2.74),
            Timing(stage="validate", seconds=0.16),
        ),
    )


def failing() -> Report:
    """A device that is wrong from layer 4 on, over its flash budget, with findings."""
    good = digits()
    assert good.drift is not None and good.memory is not None
    first = replace(
        good.drift.references[2], reference=Reference.TFLM, first_layer="4 CONV_2D 4×4×32", top1_agreement=0.962
    )
    references = (first, *good.drift.references[1:])
    return replace(
        good,
        drift=replace(good.drift, references=references, layers=layer_drift(4), explanation=explain(references)),
        memory=replace(good.memory, flash_limit=32_768, ram_limit=16_384, stack_measured=False),
        checks=(
            Check(name="full integer", passed=True, message="10 ops, all int8"),
            Check(name="drift", passed=False, message="236 of 5,000 outputs differ from TFLite Micro, by up to 7 LSB"),
            Check(name="flash", passed=False, message="5,684 bytes too many: 38,452 of 32,768; weights take 16,936"),
        ),
        findings=(
            Finding(
                rule="degenerate-scale",
                where="op 8 SOFTMAX, tensor logits",
                message="the input's scale is 7.8e-9",
                fix="calibrate with samples that reach every class",
            ),
        ),
    )


def many_layers(count: int = 64) -> Report:
    """A deep model: the plots must stay legible."""
    base = digits()
    assert base.profile is not None and base.memory is not None
    rng = np.random.default_rng(3)
    names = ("CONV_2D", "DEPTHWISE_CONV_2D", "ADD")
    layers = tuple(
        LayerCost(
            index=i,
            label=f"{i} {names[i % 3]} 24×24×{16 + 8 * (i // 6)}",
            kernel=f"edgeq_{names[i % 3].lower()}_s8",
            macs=0 if i % 3 == 2 else int(rng.integers(20_000, 900_000)),
            instructions=int(rng.integers(40_000, 900_000)),
            cycles=int(rng.integers(50_000, 1_100_000)),
        )
        for i in range(count)
    )
    total = sum(layer.cycles for layer in layers)
    blocks = tuple(
        PlanBlock(
            name=layer.label,
            kind="tensor" if 0 < i < count - 1 else "input" if i == 0 else "output",
            offset=(i % 3) * 18_432,
            nbytes=18_432 - 96 * i,
            first=i - 1,
            last=min(i + 1 + (i % 3 == 0), count),
        )
        for i, layer in enumerate(layers)
    )
    calls = tuple(
        PlanCall(
            label=layer.label,
            kernel=layer.kernel,
            variant=HOSTILE,
            expected_cycles=layer.macs,
            weight_bytes=layer.macs // 120,
            live_bytes=live_bytes(b for b in blocks if b.first <= i <= b.last),
        )
        for i, layer in enumerate(layers)
    )
    arena = ArenaPlan(
        arena_bytes=55_296, liveness_bound=52_992, saved=("merge-padding: 2 PAD merged",), calls=calls, blocks=blocks
    )
    return replace(
        base,
        model=replace(base.model, name="mobilenet_v2_like", ops=count, macs=sum(layer.macs for layer in layers)),
        profile=replace(base.profile, layers=layers, cycles_estimated=total, latency_ms=total / 25_000),
        memory=replace(base.memory, plan=arena, arena_bytes=55_296, ram_bytes=61_520),
    )


def regression() -> Report:
    """An autoencoder: float targets, one-sided accuracy, a single reference."""
    base = digits()
    assert base.drift is not None
    mse = Accuracy(value=0.01372, n=500, correct=None, ci95=(0.01311, 0.01433), ties=None, metric=Metric.MSE)
    lite = replace(
        base.drift.references[1], sqnr_db=math.inf, mismatches=0, mismatched_samples=0, max_lsb=0, histogram={0: 5000}
    )
    return replace(
        base,
        model=replace(base.model, name="autoencoder"),
        drift=DriftInfo(
            references=(lite,), versions={"litert-reference": "2.3.0"}, layers=(), explanation=explain((lite,))
        ),
        accuracy=AccuracyInfo(
            float_host=replace(mse, value=0.01290, ci95=(0.01229, 0.01351)),
            int8_host=mse,
            device=mse,
            int8_host_reference="litert-reference",
            differences=(),
            note=None,
            confusion=(),
        ),
    )


def bare() -> Report:
    """Nothing but a .tflite on random inputs: every optional part is missing."""
    base = digits()
    return replace(
        base,
        quantization=replace(base.quantization, method=None, calibration_samples=0),
        toolchain=None,
        memory=None,
        profile=None,
        drift=None,
        accuracy=AccuracyInfo(
            float_host=None,
            int8_host=None,
            device=None,
            int8_host_reference=None,
            differences=(),
            note="no accuracy: the data have no labels",
            confusion=(),
        ),
        data=DataInfo(source="random", sha256=None, samples=32, labelled=False, class_names=()),
        checks=(),
        timings=(),
    )


def hostile() -> Report:
    """Every string that a model file, a data file or a tool can set is an attack."""
    base = failing()
    assert (
        base.drift is not None and base.memory is not None and base.profile is not None and base.memory.plan is not None
    )
    plan_ = base.memory.plan
    tensor = replace(base.model.inputs[0], name=HOSTILE)
    return replace(
        base,
        model=replace(base.model, name=HOSTILE, format=HOSTILE, inputs=(tensor,), outputs=(tensor,)),
        board=HOSTILE,
        engine=HOSTILE,
        optimize=HOSTILE,
        toolchain=Toolchain(name=HOSTILE, version=HOSTILE, flags=(HOSTILE,)),
        device=replace(base.device, name=HOSTILE, core=HOSTILE),
        memory=replace(
            base.memory,
            plan=replace(
                plan_,
                calls=tuple(replace(c, label=HOSTILE, kernel=HOSTILE) for c in plan_.calls),
                blocks=tuple(replace(b, name=HOSTILE) for b in plan_.blocks),
            ),
            sections=tuple(replace(s, name=HOSTILE) for s in base.memory.sections),
        ),
        profile=replace(
            base.profile, layers=tuple(replace(c, label=HOSTILE, kernel=HOSTILE) for c in base.profile.layers)
        ),
        drift=replace(
            base.drift,
            references=tuple(replace(d, first_layer=HOSTILE) for d in base.drift.references),
            layers=tuple(replace(r, label=HOSTILE, tensor=HOSTILE) for r in base.drift.layers),
            explanation=(HOSTILE,),
            versions=dict.fromkeys(base.drift.versions, HOSTILE),
        ),
        accuracy=replace(base.accuracy, note=HOSTILE),
        data=replace(base.data, source=HOSTILE, class_names=(HOSTILE,) * 10),
        checks=(Check(name=HOSTILE, passed=False, message=HOSTILE),),
        findings=(Finding(rule=HOSTILE, where=HOSTILE, message=HOSTILE, fix=HOSTILE),),
        timings=(Timing(stage=HOSTILE, seconds=1.0),),
    )


SAMPLES = {
    "digits": digits,
    "failing": failing,
    "many_layers": many_layers,
    "regression": regression,
    "bare": bare,
    "hostile": hostile,
}


def main(folder: str) -> None:
    import json
    from pathlib import Path

    from edgeq.report.html import render_html
    from edgeq.report.record import to_json

    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    for name, make in SAMPLES.items():
        (target / f"{name}.html").write_text(render_html(make()), "utf-8")
        (target / f"{name}.json").write_text(json.dumps(to_json(make()), indent=2), "utf-8")


if __name__ == "__main__":
    import sys

    main(sys.argv[1])
