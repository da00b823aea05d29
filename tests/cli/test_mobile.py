"""`edgeq build --target mobile` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import Cli

pytestmark = pytest.mark.xdist_group("cli")


@pytest.fixture
def here(cli: Cli, tflite: bytes) -> Cli:
    (cli.folder / "model.tflite").write_bytes(tflite)
    return cli


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--board", "microbit"), "--board cannot be given with --target mobile"),
        (("--labels", "none.txt"), ("none.txt cannot be read", "one class a line")),
        (("--normalization", "127.5"), "is not MEAN,STD"),
        (("--normalization", "1,0"), "standard deviations above 0"),
        (("--normalization", "nan,1"), "means must be finite"),
        (("--normalization", "1/2/3,1/2"), "has 3 means and 2 standard deviations"),
        (("--margin", "2"), "--margin"),
        (("--threads", "0"), "--threads"),
        (("--method", "qat"), "a .tflite is neither quantized nor trained again"),
        (("--epochs", "3"), "--epochs"),
        (("--device", "emulated"), "--device emulated is for microcontrollers"),
        (("--device", "socket://127.0.0.1:9"), ("this build is yet to make the variants", "edgeq validate o")),
        (("--resume",), "--resume cannot be given"),
    ],
)
def test_options_that_are_refused(here: Cli, arguments: tuple[str, ...], said: str | tuple[str, ...]) -> None:
    here.refuses(2, "build", "model.tflite", "--target", "mobile", "--out", "o", *arguments, said=said)


def test_a_tflite_as_json(here: Cli) -> None:
    (here.folder / "labels.txt").write_text("left\nright\nnone\n", "utf-8")
    done = here(
        "build", "model.tflite", "--target", "android-arm64", "--out", "o", "--labels", "labels.txt", "--normalization",
        "128,64", "--samples", "8", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    variants = json.loads(done.stdout)["variants"]
    assert variants["target"] == "android-arm64"
    assert variants["normalization"] == "(x − 128) / 64: --normalization"
    assert variants["labels"] == "labels.txt"
    assert [row["kind"] for row in variants["rows"]] == ["int8"]
    assert sorted(p.name for p in (here.folder / "o").iterdir()) == [
        "answers.npz", "manifest.json", "model.tflite", "report.html", "report.json", "samples.npz", "variants",
    ]  # fmt: skip
    done = here("validate", "o", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["device"]["name"] == "litert-host"
    here.refuses(2, "validate", "o", "--variant", "float16", said=("o has no float16 variant", "It has int8"))
    here.refuses(2, "flash", "o", said="o is a build for android-arm64: it has no firmware")


def test_variants_are_of_mobile_builds(cli: Cli, build_folder: Path) -> None:
    for command in ("validate", "profile"):
        said = "is a build for a microcontroller: it has no variants"
        cli.refuses(2, command, build_folder, "--variant", "int8", said=said)
