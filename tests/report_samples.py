"""Reports to test and preview with: synthetic records with the proportions of real ones.

`python -m tests.report_samples FOLDER` renders them all as HTML and JSON.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from report_parts import _LAYERS, HOSTILE, _run, layer_drift, plan, profile, saved

from edgeq.records import (
    Accuracy,
    Finding,
    Group,
    LayerCost,
    Metric,
    Reference,
    Section,
    Timing,
    Toolchain,
)
from edgeq.report.engines import engine_cost
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
from edgeq.validation.explain import explain


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
    arena = ArenaPlan(arena_bytes=55_296, liveness_bound=52_992, saved=saved(), calls=calls, blocks=blocks)
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


def both_engines() -> Report:
    """The interpreter, with generated C beside it, which has no call for a reshape."""
    aot = digits()
    assert aot.profile is not None
    assert aot.memory is not None
    slower = [
        replace(c, kernel=c.label.split()[1], cycles=c.cycles * (5 - c.index % 3), instructions=c.instructions * 3)
        for c in aot.profile.layers
    ]
    slower.append(LayerCost(index=9, label="9 RESHAPE 10", kernel="RESHAPE", macs=0, instructions=210, cycles=260))
    cycles = sum(c.cycles for c in slower) + 9_000
    profile = replace(
        aot.profile, layers=tuple(slower), cycles_estimated=cycles, instructions=int(cycles * 0.8),
        latency_ms=cycles / 25_000,
    )  # fmt: skip
    sections = tuple(replace(s, flash=s.flash + 88_000) if s.group is Group.KERNELS else s for s in aot.memory.sections)
    memory = replace(
        aot.memory, flash_bytes=aot.memory.flash_bytes + 88_000, ram_bytes=aot.memory.ram_bytes + 9_000,
        arena_bytes=aot.memory.arena_bytes + 4_000, arena_used_bytes=aot.memory.arena_bytes + 3_100, plan=None,
        sections=sections,
    )  # fmt: skip
    beside = engine_cost(replace(aot, toolchain=Toolchain(name="gcc", version="12.2.1", flags=("-O2",))))
    return replace(aot, engine="tflm", profile=profile, memory=memory, beside=beside)


SAMPLES = {
    "digits": digits,
    "failing": failing,
    "many_layers": many_layers,
    "regression": regression,
    "bare": bare,
    "hostile": hostile,
    "both_engines": both_engines,
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
