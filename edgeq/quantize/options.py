"""What a quantization method can be told."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from edgeq.records import Method
from edgeq.training import TrainingOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantizeOptions:
    """Options of `edgeq.quantize.quantize`.

    Attributes:
        method: how the float model becomes int8.
        calibration_samples: how many samples the activation ranges are taken from; all, if there are fewer. The
            converter keeps the smallest and largest value of each tensor: a few hundred samples find the range of
            nearly every model, and more samples widen it towards outliers.
        seed: which samples those are, and everything else that is random.
        training: of the methods that train.
        checkpoints: folder where a training run keeps what it needs to go on after an interruption; None: nothing is
            kept.
    """

    method: Method = Method.PTQ
    calibration_samples: int = 200
    seed: int = 0
    training: TrainingOptions = field(default_factory=TrainingOptions)
    checkpoints: Path | None = None
