"""What a user may ask for: one frozen record per command, with the defaults that the command line shows."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import Enum
from pathlib import Path

from edgeq.errors import InputError
from edgeq.link.codes import BAUD
from edgeq.lower.names import Pass
from edgeq.records import Method, Normalization, Optimize, RangeEstimator
from edgeq.training.options import TrainingOptions

TFLM_ROOT_VARIABLE = "EDGEQ_TFLM_ROOT"
"""The environment's name for `BuildOptions.tflm_root`."""


class Target(Enum):
    """A class of devices; the value is what `--target` takes."""

    CORTEX_M = "cortex-m"
    MOBILE = "mobile"  # all of the next three
    ANDROID_ARM64 = "android-arm64"
    IOS = "ios"
    LINUX_ARM64 = "linux-arm64"

    @property
    def is_mobile(self) -> bool:
        """A phone or a single-board computer, where LiteRT runs the model."""
        return self is not Target.CORTEX_M

    @property
    def default_device(self) -> str:
        """The device that is meant when none is named."""
        return "litert-host" if self.is_mobile else "emulated"

    @property
    def default_board(self) -> str:
        """The board that is meant when none is named; of microcontrollers."""
        return {Target.CORTEX_M: "mps2-an386"}[self]


class Engine(Enum):
    """What runs the model on the device; the value is what `--engine` takes."""

    AOT = "aot"
    TFLM = "tflm"

    @property
    def default_toolchain(self) -> str:
        """The compiler that is meant when none is named."""
        return {Engine.AOT: "zig", Engine.TFLM: "gcc"}[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """Everything `edgeq build` can be told.

    Attributes:
        model: a .keras, .h5, SavedModel folder or int8 .tflite.
        data: what `edgeq.load_dataset` takes; None only for a .tflite (then drift alone, on random inputs).
        out: the folder to write: empty, or an earlier build, whose files are replaced; other files in it are kept.
        board: a name of `edgeq boards`, or a folder with a board.toml; None takes the target's default.
        device: "emulated", "qemu", "native", "tflm-host", "litert-host", "arm64", a serial port or a pyserial URL; or
            several, which share the samples. None: "emulated", for mobile targets "litert-host".
        jobs: how many of the one device to start, to share the samples.
        resume: go on from the answers that an interrupted run of the same build left.
        baud: line speed, if the device is a serial port.
        probe: flashes the board on the serial port (`edgeq.flashing.probe.PROBE_HELP`); None: nothing is flashed.
        toolchain: "zig" or "gcc"; None takes zig, and gcc for the tflm engine, which needs it.
        engine: what runs the model on the device.
        tflm_root: for the tflm engine: where the user's TensorFlow Lite Micro is (`edgeq.toolchain.tflm.find_library`);
            None takes EDGEQ_TFLM_ROOT from the environment.
        arena: bytes of the tflm engine's arena; None takes what the device used in the build that `out` holds, if it is
            of the same model and library, else an estimate.
        beside: a finished build of the same .tflite with the other engine: the report shows what both take.
        optimize: what the choice of kernels prefers: flash and RAM, cycles, or both.
        without_passes: passes on the graph that are left out.
        method: how a float model becomes int8; "auto" tries every combination of the three options below.
        ranges: how ptq chooses the range of each activation.
        equalize: ptq equalizes the channels of neighbouring layers first.
        bias_correction: ptq takes each layer's mean error out of its bias afterwards.
        calibration_samples: how many samples the activation ranges are taken from.
        training: of the methods that train.
        seed: of everything random: which samples calibrate, the order of training samples, random inputs.
        name: prefix of every C symbol; None derives it from the model's file name.
        samples: at most so many test samples go through the device; None takes all.
        traced_samples: how many samples are compared layer by layer.
        flash_limit: bytes of flash that the firmware may take; None takes the board's. Where the kernels of
            `optimize` take more, smaller ones are chosen.
        ram_limit: the same for RAM.
        max_lsb: largest difference from TensorFlow Lite Micro that still passes, in steps of the int8 output.
        max_drop: largest loss of accuracy from float to device that still passes, as a fraction; None: not checked.
        labels: mobile targets: a text file with the names of the classes, one a line, for the model's metadata; None
            takes the data's, where they have names.
        normalization: mobile targets: what an app does to its values before the model, for the metadata; None finds it
            out where the data or the model say it.
        margin: mobile targets: a loss of accuracy that does not matter, as a share (0.01 is one percentage point), or
            as a share of float32's error in regression; None: 0.01, in regression 0.05.
        max_off_xnnpack: mobile targets: largest share of the recommended variant's multiply-accumulates that may run
            outside of XNNPACK, as a fraction; None: not checked, more than 0.01 is a remark.
        threads: mobile targets: threads that LiteRT runs with where latency is measured.
        trusted: load a model file even if it carries code.
    """

    model: Path
    data: str | None = None
    out: Path
    target: Target = Target.CORTEX_M
    board: str | None = None
    device: str | tuple[str, ...] | None = None
    jobs: int = 1
    resume: bool = False
    baud: int = BAUD
    probe: str | None = None
    toolchain: str | None = None
    engine: Engine = Engine.AOT
    tflm_root: Path | None = None
    arena: int | None = None
    beside: Path | None = None
    optimize: Optimize = Optimize.BALANCED
    without_passes: tuple[Pass, ...] = ()
    method: Method = Method.PTQ
    ranges: RangeEstimator = RangeEstimator.MINMAX
    equalize: bool = False
    bias_correction: bool = False
    calibration_samples: int = 200
    training: TrainingOptions = field(default_factory=TrainingOptions)
    seed: int = 0
    name: str | None = None
    samples: int | None = None
    traced_samples: int = 4
    flash_limit: int | None = None
    ram_limit: int | None = None
    max_lsb: int = 0
    max_drop: float | None = None
    labels: Path | None = None
    normalization: Normalization | None = None
    margin: float | None = None
    max_off_xnnpack: float | None = None
    threads: int = 1
    trusted: bool = False

    @property
    def compiler(self) -> str:
        """`toolchain`, or the engine's default."""
        return self.toolchain or self.engine.default_toolchain

    @property
    def devices(self) -> tuple[str, ...]:
        """`device`, also where it is one, or the target's default."""
        if not self.device:
            return (self.target.default_device,)
        return (self.device,) if isinstance(self.device, str) else self.device


def refuse_without_tflm(options: BuildOptions) -> None:
    """Nothing, unless an option of the tflm engine was given with another one.

    Raises:
        InputError: it was.
    """
    given = [f"--{n.replace('_', '-')}" for n in ("tflm_root", "arena") if getattr(options, n) is not None]
    if given and options.engine is not Engine.TFLM:
        raise InputError(
            f"{' and '.join(given)} can only be given with --engine tflm, not with {options.engine.value}.",
            hint="Add --engine tflm, or leave them out.",
        )


_MICROCONTROLLER_ONLY = (
    "board", "probe", "toolchain", "engine", "tflm_root", "arena", "beside", "optimize", "without_passes", "name",
    "traced_samples", "flash_limit", "ram_limit",
)  # fmt: skip
_MOBILE_ONLY = ("labels", "normalization", "margin", "max_off_xnnpack", "threads")
_FLAGS = {"probe": "--flash", "without_passes": "--without-pass"}
_QUANTIZING = ("method", "ranges", "equalize", "bias_correction", "calibration_samples")


def refuse_foreign(options: BuildOptions) -> None:
    """Nothing, unless an option was set that is about another kind of target than the one to build for.

    Raises:
        InputError: it was; the message names it.
    """
    defaults = BuildOptions(model=options.model, out=options.out)
    foreign = _MICROCONTROLLER_ONLY if options.target.is_mobile else _MOBILE_ONLY
    given = [name for name in foreign if getattr(options, name) != getattr(defaults, name)]
    if given:
        flags = ", ".join(_FLAGS.get(name, "--" + name.replace("_", "-")) for name in given)
        others = "microcontrollers" if options.target.is_mobile else "phones and single-board computers"
        raise InputError(
            f"{flags} cannot be given with --target {options.target.value}: for {others} only.",
            hint="Leave it out, or choose another --target.",
        )


def refuse_quantizing(options: BuildOptions) -> None:
    """Nothing, unless an option was set that is about how a float model becomes int8.

    Raises:
        InputError: it was; the model is a .tflite, which is taken as it is.
    """
    defaults = BuildOptions(model=options.model, out=options.out)
    given = [name for name in _QUANTIZING if getattr(options, name) != getattr(defaults, name)]
    training, plain = options.training, defaults.training
    given += [field.name for field in fields(training) if getattr(training, field.name) != getattr(plain, field.name)]
    if given:
        flags = ", ".join("--" + name.replace("_", "-") for name in given)
        raise InputError(
            f"{flags} cannot be given with {options.model}: a .tflite is neither quantized nor trained again.",
            hint="Leave it out, or give the float model (.keras, .h5, SavedModel) that the .tflite was made from.",
        )
