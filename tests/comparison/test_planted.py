"""Every planted cause is the first finding; models without one have none above info."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import planted
import pytest
from planted import Planted

from edgeq import api
from edgeq.comparison.record import Comparison, Severity
from edgeq.comparison.store import FOLDER
from edgeq.records import Method

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("compare")]

SEED = int(os.environ.get("EDGEQ_SEED", "0")) % 1000

CLEAN: dict[str, Callable[[int], Planted]] = {
    "batch-norm": partial(planted.clean, batch_norm=True),
    "plain": partial(planted.clean, batch_norm=False),
    "regression": planted.clean_regression,
    "qat": lambda seed: planted.with_methods(planted.clean(seed, True), Method.PTQ, Method.QAT, epochs=6),
}

CAUSES: dict[str, Callable[[int], Planted]] = {
    "stale-batch-norm": planted.stale_batch_norm,
    "one-epoch-float-batch-norm": partial(planted.one_epoch_float, batch_norm=True),
    "one-epoch-float-plain": lambda seed: planted.with_methods(
        planted.one_epoch_float(seed, False), Method.PTQ, Method.QAT, epochs=8
    ),
    "one-epoch-qat": partial(planted.one_epoch_qat, batch_norm=False),
    "learning-rate-times-100": partial(planted.learning_rate_times_100, batch_norm=True),
    "the-first-question": planted.the_first_question,
    "the-first-question-plain": partial(planted.the_first_question, batch_norm=False),
    "calibration-two-classes": partial(planted.calibration_from_two_classes, batch_norm=False),
    "calibration-not-normalised": partial(planted.calibration_not_normalised, batch_norm=True),
    "regression-calibration-not-normalised": planted.regression_calibration_not_normalised,
    "40-test-samples": partial(planted.few_test_samples, batch_norm=True),
    "overfitted-float": planted.overfitted,
    "overfitted-regression": planted.overfitted_regression,
    "hostile-channels": planted.hostile_channels,
    "duplicated-test-samples": partial(planted.duplicated_test_samples, batch_norm=True),
}


@pytest.fixture(scope="module")
def arms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where finished arms are, so that scenarios of the same model and data share them."""
    return tmp_path_factory.mktemp("arms")


def compared(make: Callable[[int], Planted], folder: Path, arms: Path) -> tuple[Planted, Comparison]:
    scenario = make(SEED)
    options = scenario.write(folder)
    shutil.copytree(arms, options.out / FOLDER)
    comparison = api.compare(options)
    shutil.copytree(options.out / FOLDER, arms, dirs_exist_ok=True)
    return scenario, comparison


@pytest.mark.parametrize("name", CLEAN)
def test_clean(name: str, tmp_path: Path, arms: Path) -> None:
    _, comparison = compared(CLEAN[name], tmp_path, arms)
    loud = [f"{f.severity.value} {f.code}: {f.title}" for f in comparison.findings if f.severity is not Severity.INFO]
    assert not loud


@pytest.mark.parametrize("name", CAUSES)
def test_planted_cause_is_found_first(name: str, tmp_path: Path, arms: Path) -> None:
    scenario, comparison = compared(CAUSES[name], tmp_path, arms)
    assert comparison.findings, "nothing was found"
    first = comparison.findings[0]
    assert first.code in scenario.expected, [f.code for f in comparison.findings]
    assert first.severity is not Severity.INFO
