"""`edgeq compare` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import click
import numpy as np
import planted
import pytest
from click.testing import CliRunner, Result

from edgeq.cli.compare import command
from edgeq.comparison.report.document import from_json
from edgeq.errors import EdgeqError
from edgeq.records import Metric

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("compare")]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, [str(a) for a in arguments], standalone_mode=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean model with its data, compared once."""
    folder = tmp_path_factory.mktemp("cli")
    planted.clean(0, True).write(folder)
    return folder


def test_json_console_page_and_reuse(folder: Path) -> None:
    arguments = [folder / "model.keras", "--data", folder / "data.npz", "--out", folder / "cmp", "--seeds", "1"]
    first = run(*arguments, "--methods", "ptq", "--json", "--jobs", "1")
    assert first.exception is None and first.return_value == 0
    printed = json.loads(first.stdout)
    comparison = from_json(printed)
    assert comparison.metric is Metric.TOP1
    assert [arm.name for arm in comparison.arms] == ["float", "float-bn", "ptq", "ptq-bn"]
    assert printed == json.loads((folder / "cmp" / "compare.json").read_text())
    assert (folder / "cmp" / "compare.html").read_text().startswith("<!doctype html>")
    again = run(*arguments, "--methods", "ptq")
    assert again.exception is None and again.return_value == 0
    assert "PTQ is as good as float" in " ".join(again.stdout.split())
    assert all(
        r.reused for a in from_json(json.loads((folder / "cmp" / "compare.json").read_text())).arms for r in a.runs
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Missing option '--data'"),
        (["--data", "d.npz"], "Name a MODEL"),
        (["m.keras", "--arm", "a=b.tflite", "--data", "d.npz"], "not both"),
        (["--arm", "a", "--data", "d.npz"], "NAME=FILE"),
        (["--arm", "a=b", "--data", "d.npz", "--epochs", "10", "--jobs", "2"], "--epochs, --jobs would have no effect"),
        (["m.keras", "--data", "d.npz", "--methods", "ptq,magic"], "'magic' is no method"),
        (["m.keras", "--data", "d.npz", "--seeds", "0"], "--seeds"),
        (["m.keras", "--data", "d.npz"], "m.keras does not exist"),
        (
            ["m.keras", "--data", "d.npz", "--methods", "ptq,qat-tfmot", "--ranges-in-training", "ema"],
            "add qat: --methods ptq,qat-tfmot,qat",
        ),
    ],
)
def test_bad_usage(arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    exc = result.exception
    assert said in (exc.format_message() if isinstance(exc, click.ClickException) else str(exc))
    assert not list(tmp_path.iterdir())


def test_labels_are_missing(folder: Path, tmp_path: Path) -> None:
    np.savez(
        tmp_path / "d.npz",
        x_test=np.zeros((4, 8, 8, 1)) + np.arange(4)[:, None, None, None],
        x_train=np.eye(64).reshape(64, 8, 8, 1),
    )
    result = run(folder / "model.keras", "--data", tmp_path / "d.npz", "--out", tmp_path / "cmp", "--jobs", "1")
    assert isinstance(result.exception, EdgeqError)
    assert "no labels" in str(result.exception)
    assert not (tmp_path / "cmp").exists()


def test_a_folder_of_something_else_is_left_alone(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    result = run(folder / "model.keras", "--data", folder / "data.npz", "--out", tmp_path)
    assert isinstance(result.exception, EdgeqError)
    assert result.exception.exit_code == 2
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_several_outputs_cannot_be_trained(folder: Path, tmp_path: Path) -> None:
    """Said at the start, by name; PTQ needs no training and goes on."""
    from edgeq.model.runtime import keras3

    model = planted.copy_of(planted.trained(0, True)[0])
    second = keras3().layers.Dense(3, name="colour")(model.layers[-2].output)
    keras3().Model(model.inputs, [model.output, second]).save(tmp_path / "two.keras")
    result = run(tmp_path / "two.keras", "--data", folder / "data.npz", "--out", tmp_path / "cmp", "--jobs", "1")
    assert isinstance(result.exception, EdgeqError)
    assert result.exception.exit_code == 2
    assert "has 2 outputs" in str(result.exception)
    assert "colour" in str(result.exception)
    assert "--methods ptq" in str(result.exception)
    assert not (tmp_path / "cmp").exists()


def test_area_under_the_curve(folder: Path) -> None:
    """Of the arms that are there already: nothing is made again."""
    arguments = [folder / "model.keras", "--data", folder / "data.npz", "--out", folder / "cmp", "--seeds", "1"]
    result = run(*arguments, "--methods", "ptq", "--metric", "auc", "--json", "--jobs", "1")
    assert result.exception is None
    comparison = from_json(json.loads(result.stdout))
    assert comparison.metric is Metric.AUC
    assert comparison.tie_rule == "equal scores: each counts half"
    assert all(0.98 < run.figure.value <= 1.0 for arm in comparison.arms for run in arm.runs)
    assert comparison.contrasts[0].artifact.test.startswith("bootstrap of samples within")
