"""Finished work on disk, so that an interrupted comparison, or one with more seeds, goes on where it was.

A folder per piece of work, `arms/<work>-<seed>-<key>/`: per arm the .tflite and an .npz with the outputs, and made.json
with the rest. The key is a hash of all that the result depends on; what has another key is made again. How models are
trained is no part of the keys of work that does not train.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import zipfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgeq.comparison.arms import TRAINED
from edgeq.comparison.made import Job, Made
from edgeq.comparison.record import LayerReport, WeightReport
from edgeq.data.npz import read_npz
from edgeq.errors import EdgeqError, InputError
from edgeq.report import codec
from edgeq.training import TrainingHistory
from edgeq.validation.agreement import Rounding
from edgeq.version import version

FOLDER = "arms"
_OUTPUTS = ("test", "seen", "calibration", "trained", "host")
_VERSION = 6  # of this layout, and of what work makes


def key_of(job: Job) -> str:
    """A hash of all that the job's result depends on."""
    facts = {
        "version": [_VERSION, version()],
        "task": [job.task.work.value, job.task.seed],
        "model": {name: hashlib.sha256(content).hexdigest() for name, content in job.model.files.items()},
        "data": job.data.sha256,
        "training": asdict(job.training) if job.task.work in TRAINED else None,
        "calibration_samples": job.calibration_samples,
        "detailed": job.detailed,
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def place_of(out: Path, job: Job) -> Path:
    """Where a job's result is kept."""
    return out / FOLDER / f"{job.task.work.value}-{job.task.seed}-{key_of(job)[:12]}"


def find(out: Path, job: Job) -> tuple[Made, ...] | None:
    """The result of an earlier run; None if there is none, or it is damaged, or something in it had failed."""
    place = place_of(out, job)
    try:
        facts = json.loads((place / "made.json").read_text("utf-8"))
        if facts["key"] != key_of(job):
            return None
        return tuple(replace(_read(place, entry), reused=True) for entry in facts["made"])
    except (OSError, ValueError, KeyError, TypeError, EdgeqError, codec.DecodeError):
        return None


def keep(out: Path, job: Job, made: tuple[Made, ...]) -> None:
    """Write a result; whole or not at all. One with a failure is not kept: it is tried again.

    Raises:
        InputError: the folder cannot be written.
    """
    if any(run.failed for run in made):
        return
    place = place_of(out, job)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{place.name}.", dir=place.parent))
        try:
            entries = [_write(work, run) for run in made]
            (work / "made.json").write_text(json.dumps({"key": key_of(job), "made": entries}, indent=2) + "\n", "utf-8")
            if place.exists():
                shutil.rmtree(place)
            work.rename(place)
        finally:
            with contextlib.suppress(OSError):
                shutil.rmtree(work)
    except OSError as exc:
        raise InputError(f"{out} cannot be written: {exc.strerror or exc}.", hint="Give another --out.") from exc


def _write(folder: Path, run: Made) -> dict[str, Any]:
    arrays = {f"{what}_{i}": a for what in _OUTPUTS for i, a in enumerate(getattr(run, what))}
    with zipfile.ZipFile(folder / f"{run.arm}.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, np.ascontiguousarray(array), allow_pickle=False)
    if run.content is not None:
        (folder / f"{run.arm}.tflite").write_bytes(run.content)
    return {
        "arm": run.arm, "seed": run.seed, "scheme": run.scheme, "evaluated_by": run.evaluated_by,
        "notes": list(run.notes), "seconds": run.seconds, "history": codec.encode(run.history),
        "layers": codec.encode(run.layers), "weights": codec.encode(run.weights),
        "rounding": codec.encode(run.rounding),
        "outputs": {what: len(getattr(run, what)) for what in _OUTPUTS}, "tflite": run.content is not None,
    }  # fmt: skip


def _read(folder: Path, entry: dict[str, Any]) -> Made:
    arm = str(entry["arm"])
    if os.path.basename(arm) != arm:  # noqa: PTH119 (a name, not a path)
        raise ValueError(arm)
    arrays = read_npz(folder / f"{arm}.npz") if any(entry["outputs"].values()) else {}

    def outputs(what: str) -> tuple[NDArray[np.float64], ...]:
        return tuple(np.asarray(arrays[f"{what}_{i}"], np.float64) for i in range(int(entry["outputs"][what])))

    history: TrainingHistory | None = codec.decode(TrainingHistory | None, entry["history"], "history")
    layers: tuple[LayerReport, ...] = codec.decode(tuple[LayerReport, ...], entry["layers"], "layers")
    weights: tuple[WeightReport, ...] = codec.decode(tuple[WeightReport, ...], entry["weights"], "weights")
    return Made(
        arm=arm, seed=int(entry["seed"]), scheme=str(entry["scheme"]), evaluated_by=str(entry["evaluated_by"]),
        content=(folder / f"{arm}.tflite").read_bytes() if entry["tflite"] else None, test=outputs("test"),
        seen=outputs("seen"), calibration=outputs("calibration"), trained=outputs("trained"), host=outputs("host"),
        history=history, layers=layers, weights=weights,
        rounding=codec.decode(tuple[Rounding, ...], entry["rounding"], "rounding"),
        notes=tuple(map(str, entry["notes"])), seconds=float(entry["seconds"]),
    )  # fmt: skip
