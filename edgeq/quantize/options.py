"""What a quantization method can be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from edgeq.errors import InputError
from edgeq.records import Method, Progress, RangeEstimator
from edgeq.training import TrainingOptions

_TAKES = {
    Method.PTQ: {"ranges", "equalize", "bias_correction"},
    Method.AUTO: set[str](),
    Method.QAT: {"ranges_in_training"},
    Method.QAT_TFMOT: set[str](),
    Method.INT16X8: {"equalize"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizeOptions:
    """Options of `edgeq.quantize.quantize`.

    Attributes:
        method: how the float model becomes int8.
        calibration_samples: how many samples the activation ranges are taken from; all, if there are fewer. The
            converter keeps the smallest and largest value of each tensor: a few hundred samples find the range of
            nearly every model, and more samples widen it towards outliers.
        seed: which samples those are, and everything else that is random.
        ranges: how post-training quantization chooses the range of each activation.
        equalize: equalize the channels of neighbouring layers first, and fold batch norms (ptq and 16x8).
        bias_correction: take each layer's mean error out of its bias afterwards (ptq).
        training: of the methods that train.
        checkpoints: folder where a training run keeps what it needs to go on after an interruption; None: nothing is
            kept.
        progress: told what is going on.
    """

    method: Method = Method.PTQ
    calibration_samples: int = 200
    seed: int = 0
    ranges: RangeEstimator = RangeEstimator.MINMAX
    equalize: bool = False
    bias_correction: bool = False
    training: TrainingOptions = field(default_factory=TrainingOptions)
    checkpoints: Path | None = None
    progress: Progress = field(default_factory=Progress)


def check_options(options: QuantizeOptions) -> None:
    """Nothing, unless an option was set that its method takes no notice of.

    Raises:
        InputError: it was.
    """
    set_ones = {"ranges"} if options.ranges is not RangeEstimator.MINMAX else set()
    set_ones |= {name for name in ("equalize", "bias_correction") if getattr(options, name)}
    set_ones |= {"ranges_in_training"} if options.training.ranges_in_training is not None else set()
    wrong = sorted(set_ones - _TAKES[options.method])
    if wrong:
        flags = " and ".join("--" + name.replace("_", "-") for name in wrong)
        tries = options.method is Method.AUTO and "ranges_in_training" not in wrong
        why = "tries all combinations itself" if tries else "has no use for it"
        other = next((method.value for method, names in _TAKES.items() if names.issuperset(wrong)), None)
        raise InputError(
            f"{flags} cannot be given with --method {options.method.value}, which {why}.",
            hint="Leave it out" + (f", or use --method {other}." if other else "."),
        )
