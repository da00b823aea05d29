"""--jobs, several --device and --resume, as a user meets them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.exceptions import Abort
from command_line import Cli

import edgeq
from edgeq import console
from edgeq.devices import results as results_module
from edgeq.errors import DeviceError
from edgeq.link.session import RunResult, Session
from edgeq.sharing import journal_of


def test_two_jobs_share_the_samples(cli: Cli, build_folder: Path) -> None:
    done = cli.here("validate", build_folder, "--jobs", "2", "--json")
    assert done.returncode == 0, done.stderr
    device = json.loads(done.stdout)["device"]
    assert device["name"] == "emulated"
    assert [share["device"] for share in device["shares"]] == ["emulated 1", "emulated 2"]
    assert sum(share["samples"] for share in device["shares"]) == 4
    shown = cli.here("validate", build_folder, "--device", "emulated", "--device", "native")
    assert shown.returncode == 0, shown.stderr
    assert "emulated, native" in shown.stdout
    assert all(any(line.split()[:1] == [name] for line in shown.stdout.splitlines()) for name in ("emulated", "native"))


def test_what_does_not_go_together(cli: Cli, build_folder: Path) -> None:
    cli.refuses(2, "validate", build_folder, "--jobs", "2", "--device", "/dev/ttyS0", said="is one board")
    both = ["--device", "emulated", "--device", "native"]
    cli.refuses(2, "validate", build_folder, "--jobs", "2", *both, said="several of one device")
    cli.refuses(2, "validate", build_folder, "--resume", said=("nothing to resume", "without --resume"))


def test_an_interrupted_run_is_resumed(build_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "b"
    shutil.copytree(build_folder, folder)
    monkeypatch.setattr(results_module, "SECONDS_UNTIL_KEPT", 0.0)
    run_many, asked = Session.run_many, []

    def counted(self: Session, samples: Any) -> Iterator[RunResult]:
        for result in run_many(self, samples):
            asked.append(1)
            yield result

    def broken(self: Session, samples: Any) -> Iterator[RunResult]:
        for done, result in enumerate(run_many(self, samples)):
            if done == 3:
                raise DeviceError("The power failed.", hint="Plug it in.")
            yield result

    whole = edgeq.validate(folder)
    monkeypatch.setattr(Session, "run_many", broken)
    with pytest.raises(DeviceError) as caught:
        edgeq.validate(folder)
    assert f"Plug it in.\n3 answers are kept in {journal_of(folder)}" in str(caught.value)
    monkeypatch.setattr(Session, "run_many", counted)
    resumed = edgeq.validate(folder, resume=True, device="native")
    assert len(asked) == 1
    assert resumed.device.resumed == 3
    assert [(share.device, share.samples) for share in resumed.device.shares] == [("native", 1), ("emulated", 3)]
    assert resumed.drift == whole.drift
    assert not journal_of(folder).exists()


def test_an_interrupted_build_is_resumed_unless_it_changed(
    tflite: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model, out = tmp_path / "m.tflite", tmp_path / "out"
    model.write_bytes(tflite)
    monkeypatch.setattr(results_module, "SECONDS_UNTIL_KEPT", 0.0)
    run_many = Session.run_many

    def broken(self: Session, samples: Any) -> Iterator[RunResult]:
        for done, result in enumerate(run_many(self, samples)):
            if done == 5:
                raise KeyboardInterrupt
            yield result

    options = {"model": model, "data": None, "out": out, "samples": 8, "traced_samples": 0}
    with monkeypatch.context() as patch:
        patch.setattr(Session, "run_many", broken)
        with pytest.raises(KeyboardInterrupt) as caught:
            edgeq.build(edgeq.BuildOptions(**options))  # type: ignore[arg-type]
    assert not out.exists()
    kept = f"5 answers are kept in {journal_of(out)}: the same command with --resume does the rest."
    assert caught.value.__notes__ == [kept]
    aborted = Abort()
    aborted.__cause__ = caught.value  # as click has it
    assert console._interrupted(aborted) == 130
    assert capsys.readouterr().err == f"Interrupted. {kept}\n"
    assert len(journal_of(out).read_text().splitlines()) == 1 + 5
    with pytest.raises(edgeq.errors.InputError, match="belongs to another build"):
        edgeq.build(edgeq.BuildOptions(**{**options, "seed": 1}, resume=True))  # type: ignore[arg-type]
    report = edgeq.build(edgeq.BuildOptions(**options, resume=True))  # type: ignore[arg-type]
    assert report.device.resumed == 5
    assert report.passed
    assert not journal_of(out).exists()
