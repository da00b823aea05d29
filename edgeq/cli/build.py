"""`edgeq build`."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import click

from edgeq.cli._common import (
    PATH,
    ByteSize,
    Fraction,
    baud_option,
    devices_option,
    flash_option,
    jobs_option,
    json_option,
    probe_option,
    progress,
    resume_option,
    seed_option,
    show,
    training_options,
    training_request,
    trust_option,
)
from edgeq.cli._mobile import mobile_options
from edgeq.lower.names import Pass
from edgeq.options import TFLM_ROOT_VARIABLE, BuildOptions, Engine, Target
from edgeq.records import Method, Optimize, RangeEstimator

_D = BuildOptions(model=Path(), out=Path())
# What --without-pass takes for all of them.
_ALL = "all"


@click.command("build")
@click.argument("model", type=PATH)
@click.option(
    "--data",
    help="Samples: an .npz (x_train, y_train, x_test, y_test; optional x_val, y_val, x_calib; for several inputs "
    "x_test_0, x_test_1, … or x_test_<input>), a folder of images by class, 'folder?scale=-1..1&resize=yes' (scale "
    "0..1, -1..1 or 0..255), or module:function. `edgeq data check --help` has the details. May be left out for a "
    ".tflite: then drift only, on random inputs.",
)
@click.option(
    "--target",
    type=click.Choice([t.value for t in Target]),
    default=_D.target.value,
    show_default=True,
    help="Class of device.",
)
@click.option(
    "--out",
    type=PATH,
    default=Path("build"),
    show_default=True,
    help="Folder to write. An earlier build in it is replaced; files of your own are kept.",
)
@click.option(
    "--board", help="A name of `edgeq boards`, or a folder with a board.toml.  [default: the target's, mps2-an386]"
)
@devices_option
@jobs_option
@baud_option
@flash_option
@probe_option
@click.option(
    "--toolchain", type=click.Choice(["zig", "gcc"]), help="Compiler.  [default: zig; gcc with --engine tflm]"
)
@click.option(
    "--engine",
    type=click.Choice([e.value for e in Engine]),
    default=_D.engine.value,
    show_default=True,
    help="What runs the model: generated C (aot), or the interpreter of TensorFlow Lite Micro (tflm).",
)
@click.option(
    "--tflm-root",
    type=PATH,
    help="With --engine tflm: your TensorFlow Lite Micro. A source tree in which its library was built, a folder with "
    f"include/ and lib/, or the library.  [env: {TFLM_ROOT_VARIABLE}]",
)
@click.option(
    "--arena",
    type=ByteSize(),
    help="With --engine tflm: bytes of its arena.  [default: what the build before used, else an estimate]",
)
@click.option(
    "--beside",
    type=PATH,
    help="A finished build of the same .tflite with the other engine: the report shows both side by side (cycles, "
    "flash, RAM, op by op).",
)
@click.option(
    "--optimize",
    type=click.Choice([o.value for o in Optimize]),
    default=_D.optimize.value,
    show_default=True,
    help="What the choice of kernels prefers: little flash and RAM, few cycles, or both.",
)
@click.option(
    "--without-pass",
    "without_passes",
    type=click.Choice([*(p.value for p in Pass), _ALL]),
    multiple=True,
    metavar="NAME",
    help="\b\nLeave out a pass (repeatable; all: every one).\n"
    + "\n".join(f"{p.value}\n{textwrap.indent(textwrap.fill(p.about, 40), '  ')}" for p in Pass),
)
@click.option(
    "--method",
    type=click.Choice([m.value for m in Method]),
    default=_D.method.value,
    help="""How the model becomes int8.

    \b
    ptq        from calibration samples (default)
    auto       ptq with the options that do best
    qat        training that feels the rounding
    qat-tfmot  the same, by tfmot in tf_keras
    16x8       int16 activations, slower, larger
    """,
)
@click.option(
    "--ranges",
    type=click.Choice([r.value for r in RangeEstimator]),
    default=_D.ranges.value,
    show_default=True,
    help="How ptq chooses the range of each activation: all values, without the most extreme ones, or with the least "
    "mean squared error.",
)
@click.option(
    "--equalize/--no-equalize",
    default=_D.equalize,
    show_default=True,
    help="ptq first equalizes the channels of neighbouring layers, which leaves the float model as it is.",
)
@click.option(
    "--bias-correction/--no-bias-correction",
    default=_D.bias_correction,
    show_default=True,
    help="ptq takes the mean error of each layer out of its bias.",
)
@click.option(
    "--calibration-samples",
    type=click.IntRange(1),
    default=_D.calibration_samples,
    show_default=True,
    help="Samples that the activation ranges are taken from.",
)
@training_options
@seed_option
@click.option("--name", help="Prefix of every C symbol.  [default: from the model's file name]")
@click.option(
    "--samples", type=click.IntRange(1), help="At most so many test samples go through the device.  [default: all]"
)
@click.option(
    "--traced-samples",
    type=click.IntRange(0),
    default=_D.traced_samples,
    show_default=True,
    help="Samples that are compared layer by layer.",
)
@click.option(
    "--flash-limit",
    type=ByteSize(),
    help="Flash that the firmware may take (64K, 1M): kernels are chosen to fit.  [default: the board's]",
)
@click.option("--ram-limit", type=ByteSize(), help="The same for RAM, with the stack as it is reserved.")
@click.option(
    "--max-lsb",
    type=click.IntRange(0, 255),
    default=_D.max_lsb,
    show_default=True,
    help="Largest difference from TensorFlow Lite Micro that passes, in steps of the int8 output.",
)
@click.option(
    "--max-drop",
    type=Fraction(),
    help="Largest loss of accuracy from float to device that passes (0.02 is 2 points).",
)
@mobile_options
@resume_option
@trust_option
@json_option
def command(
    as_json: bool,
    flash: bool,
    probe: str,
    target: str,
    engine: str,
    optimize: str,
    method: str,
    ranges: str,
    **options: Any,
) -> int:
    """Quantize MODEL, generate C, compile it, run it on the device, compare bit by bit.

    MODEL is a .keras, .h5, SavedModel folder, or an int8 .tflite. For a phone or a single-board computer (--target
    mobile, android-arm64, ios, linux-arm64) it becomes several .tflite variants, which are measured side by side.

    \b
    The output folder holds
      report.html, report.json   the result
      model.tflite               the quantized model
      project/                   the C project, for your repository
      firmware.elf               what ran on the device
      firmware-traced.elf        the same, handing out every layer
      samples.npz, manifest.json and references.npz: for edgeq validate and drift

    \b
    Examples
      edgeq build model.keras --data digits.npz
      edgeq build model.keras --data digits.npz --method auto
      edgeq build model.keras --data digits.npz --method qat --epochs 5
      edgeq build model.keras --data digits.npz --toolchain gcc --device qemu
      edgeq build model.tflite --flash-limit 256K --ram-limit 64K
      edgeq build m.tflite --board netduinoplus2 --device /dev/ttyUSB0 --flash
      edgeq build model.keras --data images/ --target mobile --labels labels.txt
      edgeq build m.tflite --engine tflm --tflm-root ~/tflite-micro
      edgeq build m.tflite --engine tflm --out tflm --beside build
    """
    import edgeq

    training = training_request(options)
    named = options.pop("without_passes")
    without = tuple(Pass) if _ALL in named else tuple(map(Pass, named))
    request = BuildOptions(
        target=Target(target), engine=Engine(engine), optimize=Optimize(optimize), method=Method(method),
        ranges=RangeEstimator(ranges), without_passes=without, training=training,
        probe=probe if flash else None, **options,
    )  # fmt: skip
    with progress(quiet=as_json) as bars:
        report = edgeq.build(request, progress=bars)
    return show(report, as_json=as_json, html=request.out / "report.html")
