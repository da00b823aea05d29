"""The report of a method that trains: how the training went, and whether the .tflite is what was trained."""

from __future__ import annotations

from dataclasses import replace

import pytest
import report_samples

from edgeq.records import Agreement
from edgeq.report.html import render_html
from edgeq.report.record import Report, from_json, to_json
from edgeq.training import Epoch, TrainingHistory

START = Epoch(loss=0.9, validation_loss=1.0, validation_metric=0.7, learning_rate=1e-4)
EPOCHS = tuple(
    replace(START, loss=0.5 / n, validation_loss=0.6 / n, validation_metric=0.9, range_change=0.04 / n)
    for n in (1, 2, 3)
)
HISTORY = TrainingHistory(
    start=START, epochs=EPOCHS, best=3, stopped_early=False, optimizer="adam", loss="sparse_categorical_crossentropy",
    batch_size=32, training_samples=850, validation_samples=150, validation_seen=True,
    notes=("150 samples were split <off>.",),
)  # fmt: skip


@pytest.fixture
def trained() -> Report:
    base = report_samples.digits()
    agreement = Agreement(samples=500, same=498, apart=1, largest_difference=0.02)
    return replace(base, quantization=replace(base.quantization, method="qat", training=HISTORY, agreement=agreement))


def test_a_trained_model_has_a_section(trained: Report) -> None:
    page = render_html(trained)
    assert '<section id="training">' in page and 'href="#training"' in page
    assert "Learning curves of qat, seed 0" in page
    assert "kept after epoch 3 of 3" in page
    assert "ranges moved by up to 1.3 % in the last epoch" in page
    assert "498 of 500 samples, and for 1 otherwise by more than rounding explains" in page
    assert "had been trained on were split off" in page
    assert "split &lt;off&gt;." in page


def test_other_models_have_none() -> None:
    page = render_html(report_samples.digits())
    assert 'id="training"' not in page and "#training" not in page


def test_it_is_in_the_json(trained: Report) -> None:
    assert from_json(to_json(trained)).quantization == trained.quantization
