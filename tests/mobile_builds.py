"""Builds of zoo models for a mobile target, for several tests."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import zoo

from edgeq import BuildOptions, Report, Target, build
from edgeq.mobile import measure
from edgeq.mobile.bench import time_all


@dataclass(frozen=True, kw_only=True)
class Built:
    """A finished build, what it reported, and what it was made from."""

    folder: Path
    report: Report
    model: Path
    data: Path


def mobile_build(name: str, folder: Path, *, samples: int, **options: object) -> Built:
    """A model of the zoo, whose labels are its own float answers, built for mobile."""
    model, data = folder / f"{name}.keras", folder / "data.npz"
    keras = zoo.zoo_keras(name)
    keras.save(model)
    x, calibration = zoo.zoo_inputs(name, samples, seed=3), zoo.zoo_inputs(name, 32, seed=2)
    answers = keras.predict(x[0] if len(x) == 1 else list(x), verbose=0)
    first = answers[0] if isinstance(answers, list) else answers
    many = len(x) > 1
    arrays = {f"x_{split}" + (f"_{i}" if many else ""): a for split, xs in (("test", x), ("calib", calibration))
              for i, a in enumerate(xs)}  # fmt: skip
    np.savez(data, y_test=first.argmax(axis=-1), **arrays)
    request = BuildOptions(model=model, data=str(data), out=folder / "build", target=Target.MOBILE, **options)  # type: ignore[arg-type]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measure, "time_all", partial(time_all, seconds=2.0))
        return Built(folder=folder / "build", report=build(request), model=model, data=data)
