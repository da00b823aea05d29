"""Bad input: one message that says what, where and what to do; the right exit status; nothing half-written."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from command_line import Cli
from tflite_builder import ModelBuilder

pytestmark = pytest.mark.xdist_group("cli")


def data(here: Cli, **arrays: object) -> str:
    np.savez(here.folder / "data.npz", **{name: np.asarray(a) for name, a in arrays.items()})
    return "data.npz"


@pytest.mark.parametrize("name", ["m.tflite", "m.keras", "m.h5", "m.onnx"])
@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"PK\x03\x04 cut off", b"\x89HDF\r\n\x1a\n", b"1234TFL3"])
def test_damaged_models(cli: Cli, name: str, content: bytes) -> None:
    (cli.folder / name).write_bytes(content)
    np.savez(cli.folder / "d.npz", x_test=np.zeros((4, 5), np.float32))
    cli.refuses(2, "build", name, "--data", "d.npz", "--out", "o", said=name)


def test_truncated_tflite(here: Cli, tflite: bytes) -> None:
    (here.folder / "model.tflite").write_bytes(tflite[: len(tflite) // 2])
    here.refuses(2, "build", "model.tflite", said=("model.tflite is damaged", "again"))
    here.refuses(2, "inspect", "model.tflite", said=("model.tflite is damaged", "again"))


def test_models_that_are_no_files(cli: Cli) -> None:
    (cli.folder / "folder").mkdir()
    cli.refuses(2, "build", "folder", said=("folder is no SavedModel", "saved_model.pb"))
    cli.refuses(2, "inspect", "folder", said="folder")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"hello"])
def test_damaged_data(here: Cli, content: bytes) -> None:
    (here.folder / "data.npz").write_bytes(content)
    here.refuses(2, "build", "model.tflite", "--data", "data.npz", said=("data.npz", "numpy.savez"))
    here.refuses(2, "data", "check", "data.npz", said="data.npz")


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"x_test": np.zeros((4, 6), np.float32)}, ("6", "5")),
        ({"x_test": np.full((4, 5), np.nan, np.float32)}, ("NaN", "x_test")),
        ({"x_test": np.full((4, 5), np.inf, np.float32)}, ("infinite", "x_test")),
        ({"x_test": np.eye(4, 5, dtype="f"), "y_test": np.arange(4)}, ("y_test", "3")),
        ({"x_test": np.eye(4, 5, dtype="f"), "y_test": np.array([0, 1, -1, 2])}, ("y_test", "-1")),
        ({"x_test": np.eye(4, 5, dtype="f"), "y_test": np.zeros(3, int)}, ("4", "3")),
        ({"x_test": np.zeros((0, 5), np.float32)}, ("x_test",)),
        ({"x_test": np.zeros((4, 5), complex)}, ("x_test", "complex")),
        ({"x_test": np.array([["a"] * 5] * 4)}, ("x_test",)),
        ({"z": np.zeros(3)}, ("x_test",)),
    ],
)
def test_data_that_do_not_fit(here: Cli, arrays: dict[str, object], said: tuple[str, ...]) -> None:
    here.refuses(2, "build", "model.tflite", "--data", data(here, **arrays), said=said)


def test_empty_names(here: Cli) -> None:
    here.refuses(2, "build", "model.tflite", "--data", "", said="--data")
    here.refuses(2, "build", "model.tflite", "--out", "", said=("--out", "empty"))
    here.refuses(2, "build", "", said=("MODEL", "empty"))
    here.refuses(2, "validate", "", said=("BUILD", "empty"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--method", "qat", "--epochs", "3"), "--method, --epochs cannot be given with model.tflite"),
        (("--method", "auto"), "--method cannot be given"),
        (("--equalize", "--calibration-samples", "7"), "--equalize, --calibration-samples"),
    ],
)
def test_options_that_a_tflite_takes_no_notice_of(here: Cli, options: tuple[str, ...], said: str) -> None:
    here.refuses(2, "build", "model.tflite", *options, said=(said, "float model"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--ranges-in-training", "ema"), ("--ranges-in-training cannot be given with --method ptq", "--method qat")),
        (("--method", "qat-tfmot", "--ranges-in-training", "learned"), ("--method qat-tfmot", "or use --method qat.")),
        (("--method", "auto", "--equalize"), ("tries all combinations itself", "or use --method ptq.")),
        (("--method", "16x8", "--bias-correction", "--ranges-in-training", "ema"), ("--bias-correction and", "out.\n")),
    ],
)
def test_options_that_a_method_takes_no_notice_of(cli: Cli, options: tuple[str, ...], said: tuple[str, ...]) -> None:
    """Refused before the model is read."""
    (cli.folder / "m.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    cli.refuses(2, "build", "m.h5", "--data", "d.npz", *options, said=said)


def test_limits_that_no_board_has(here: Cli) -> None:
    here.refuses(2, "build", "model.tflite", "--flash-limit", "99M", said=("--flash-limit is 103,809,024", "4,194,304"))
    here.refuses(2, "build", "model.tflite", "--ram-limit", "99M", said="--ram-limit is 103,809,024")


def test_no_data_for_a_float_model(cli: Cli) -> None:
    import zipfile

    with zipfile.ZipFile(cli.folder / "m.keras", "w") as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("metadata.json", '{"keras_version": "3.1.0"}')
    cli.refuses(2, "build", "m.keras", said=("m.keras is a float model", "--data"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "title"),
        (b"title = ", "Invalid value"),
        (b"\xff\xfe", "board.toml"),
        (b"title = 3\ncore = 'cortex-m4'", "title"),
        (b"core = 'z80'", "z80"),
        (b"colour = 'blue'", "colour"),
        (b"title='x'\ncore='cortex-m4'\nclock_hz=-1", "clock_hz"),
        (b"title='x'\ncore='cortex-m4'\nclock_hz=1\ntried='no'\nfeatures=['warp']", "warp"),
        (b"title='x'\ncore='cortex-m4'\nclock_hz=1\ntried='no'\nmemory=3", "memory"),
        (b"title='x'\ncore='cortex-m4'\nclock_hz=1\ntried='no'\nmemory.flash=3", "memory.flash"),
    ],
)
def test_broken_boards(here: Cli, text: bytes, said: str) -> None:
    (here.folder / "mine").mkdir()
    (here.folder / "mine" / "board.toml").write_bytes(text)
    here.refuses(2, "build", "model.tflite", "--board", "mine", said=("board.toml", said))


def test_names_that_are_no_c_names(here: Cli) -> None:
    here.refuses(2, "build", "model.tflite", "--name", "9 bad-name", said=("'9 bad-name'", "--name model_9_bad_name"))
    here.refuses(2, "build", "model.tflite", "--name", "", said="--name")


def test_a_keras_model_is_not_inspected(cli: Cli) -> None:
    (cli.folder / "m.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + b"\0" * 100)
    cli.refuses(2, "inspect", "m.h5", said=("legacy .h5 model", "edgeq build m.h5 --data"))


def test_a_build_is_inspected(cli: Cli, build_folder: Path) -> None:
    done = cli.here("inspect", build_folder)
    assert done.returncode == 0, done.stderr
    assert done.stdout == cli.here("inspect", build_folder / "model.tflite").stdout


def test_advice_is_given_once(cli: Cli) -> None:
    m = ModelBuilder()
    x, y, z = (m.tensor(name, (1, 4), "float32") for name in "xyz")
    m.op("RELU", [x], [y])
    m.op("LOGISTIC", [y], [z])
    (cli.folder / "m.tflite").write_bytes(m.finish([x], [z]))
    shown = " ".join(cli.here("inspect", "m.tflite").stdout.split())
    assert shown.count("✗") > 1
    assert shown.count("Convert again as full-integer int8") == 1


def test_what_is_no_report(here: Cli, build_folder: Path) -> None:
    said = ("data.npz cannot be read: it is not text", "Give a report.json")
    here.refuses(2, "diff", build_folder, data(here, x_test=np.zeros((4, 5), np.float32)), said=said)


def test_devices_that_cannot_be_profiled(cli: Cli, build_folder: Path) -> None:
    for device in ("native", "tflm-host"):
        cli.refuses(2, "profile", build_folder, "--device", device, said=(device, "this computer", "emulated"))


def test_a_full_disk(here: Cli) -> None:
    with Path("/dev/full").open("wb") as full:
        process = here.start("inspect", "model.tflite", stdout=full)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err.decode().splitlines() == [
        "Error: The output cannot be written: there is no space left where it goes.",
        "Free some space, or send it elsewhere.",
    ]


def test_unknown_board(here: Cli) -> None:
    here.refuses(2, "build", "model.tflite", "--board", "mps2-an387", said=("mps2-an387", "Did you mean"))


@pytest.mark.parametrize(
    ("options", "tool"),
    [(["--toolchain", "gcc"], "arm-none-eabi-gcc"), (["--device", "qemu"], "qemu-system-arm")],
)
def test_missing_tools(here: Cli, options: list[str], tool: str) -> None:
    here.extra["PATH"] = str(here.scratch)
    here.refuses(3, "build", "model.tflite", *options, said=(f"{tool} is not installed", "apt-get install"))


def test_places_that_cannot_be_written(here: Cli) -> None:
    (here.folder / "mine").mkdir()
    (here.folder / "mine" / "thesis.txt").write_text("x")
    (here.folder / "file").write_text("x")
    (here.folder / "link").symlink_to("mine")
    here.refuses(2, "build", "model.tflite", "--out", "mine", said=("mine has files in it", "--out"))
    here.refuses(2, "build", "model.tflite", "--out", "file", said=("file exists", "--out"))
    here.refuses(2, "build", "model.tflite", "--out", "file/o", said=("file is no folder", "--out"))
    here.refuses(2, "build", "model.tflite", "--out", "link", said=("link", "--out"))
    here.refuses(2, "build", "model.tflite", "--out", "o" * 300, said=("too long", "--out"))
    here.refuses(
        2,
        "build",
        "model.tflite",
        "--out",
        "/proc/edgeq-out",
        said=("/proc cannot be written: it takes no files", "--out"),
    )
    here.refuses(
        2,
        "compare",
        "m.keras",
        "--data",
        "d.npz",
        "--out",
        "/proc/o",
        said=("/proc cannot be written: it takes no files", "--out"),
    )
    here.refuses(2, "demo", "--out", "mine", said=("mine has files in it", "not an earlier demo", "--out"))
    here.refuses(2, "demo", "--out", "file/o", said=("file is no folder", "--out"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_read_only_folder(here: Cli) -> None:
    here.folder.chmod(0o555)
    try:
        here.refuses(2, "build", "model.tflite", said=("cannot be written", "--out"))
    finally:
        here.folder.chmod(0o755)


def test_builds_that_are_not_there(cli: Cli) -> None:
    cli.refuses(2, "validate", "nope", said="nope is missing")
    (cli.folder / "empty").mkdir()
    cli.refuses(2, "validate", "empty", said="it has no manifest.json")


@pytest.mark.parametrize(
    "file", ["firmware.elf", "model.tflite", "samples.npz", "references.npz", "project/Makefile", "manifest.json"]
)
@pytest.mark.parametrize("damage", ["changed", "cut", "missing"])
def test_changed_builds(cli: Cli, build_folder: Path, file: str, damage: str) -> None:
    shutil.copytree(build_folder, cli.folder / "b")
    path = cli.folder / "b" / file
    content = path.read_bytes()
    if damage == "missing":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    else:
        path.write_bytes(content[:100] + bytes([content[100] ^ 0x40]) + content[101:])
    cli.refuses(2, "validate", "b", said=(Path(file).name, "edgeq build"))


@pytest.mark.parametrize("text", ["", "{}", "[]", "{", '{"schema_version": 99}', "\x00", "[" * 100_000])
def test_damaged_reports(cli: Cli, build_folder: Path, text: str) -> None:
    (cli.folder / "old.json").write_text(text)
    cli.refuses(2, "diff", "old.json", build_folder, said="old.json")


def unsupported() -> bytes:
    m = ModelBuilder()
    x = m.tensor("x", (1, 4), scale=0.1)
    y = m.tensor("pretty/name", (1, 4), scale=0.1)
    m.op("CUSTOM:Sparkle", [x], [y])
    return m.finish([x], [y])


def floating() -> bytes:
    m = ModelBuilder()
    x, y = m.tensor("x", (1, 4), "float32"), m.tensor("dense/out", (1, 3), "float32")
    w = m.tensor("w", (3, 4), "float32", data=np.ones((3, 4)))
    m.op("FULLY_CONNECTED", [x, w, -1], [y], fused_activation_function="NONE")
    return m.finish([x], [y])


def dynamic_range() -> bytes:
    m = ModelBuilder()
    x, y = m.tensor("x", (1, 4), "float32"), m.tensor("dense/out", (1, 3), "float32")
    w = m.tensor("w", (3, 4), "int8", data=np.ones((3, 4)), scale=0.1)
    m.op("FULLY_CONNECTED", [x, w, -1], [y], fused_activation_function="NONE")
    return m.finish([x], [y])


def degenerate() -> bytes:
    """A softmax whose input scale is known to abort TFLM."""
    m = ModelBuilder()
    x = m.tensor("x", (1, 4), scale=7.8e-9)
    y = m.tensor("probability", (1, 4), scale=1 / 256, zero_point=-128)
    m.op("SOFTMAX", [x], [y], beta=1.0)
    return m.finish([x], [y])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (unsupported(), ("Sparkle", "pretty/name")),
        (floating(), ("FULLY_CONNECTED", "dense/out", "full-integer")),
        (dynamic_range(), ("FULLY_CONNECTED", "dense/out", "representative dataset")),
        (degenerate(), ("SOFTMAX", "probability", "scale")),
    ],
)
def test_models_that_are_not_full_integer(cli: Cli, content: bytes, said: tuple[str, ...]) -> None:
    (cli.folder / "m.tflite").write_bytes(content)
    cli.refuses(1, "build", "m.tflite", said=said)
    shown = cli("inspect", "m.tflite")
    assert shown.returncode == 1
    assert said[0] in shown.stdout


def test_too_small_a_budget(here: Cli, build_folder: Path) -> None:
    shutil.copytree(build_folder, here.folder / "o")
    before = {p: p.read_bytes() for p in (here.folder / "o").rglob("*") if p.is_file()}
    said = ("too many", "weights", "arena", "stack")
    here.refuses(1, "build", "model.tflite", "--out", "o", "--flash-limit", "1K", said=("flash", "1,024", *said))
    here.refuses(1, "build", "model.tflite", "--out", "o", "--ram-limit", "1K", said=("RAM", "1,024", *said))
    assert {p: p.read_bytes() for p in (here.folder / "o").rglob("*") if p.is_file()} == before


def test_odd_names(here: Cli) -> None:
    """Spaces, umlauts, quotes, and bytes that are not UTF-8."""
    name, out = os.fsdecode(b"m\xff.tflite"), Path("Größe mit Leerzeichen", "ö '\"$x" + os.fsdecode(b"\xfe"))
    (here.folder / "model.tflite").rename(here.folder / name)
    done = here("build", name, "--out", out, "--samples", "2")
    assert done.returncode == 0, done.stderr
    assert (here.folder / out / "report.html").is_file()
    assert [p.name for p in (here.folder / out.parent).iterdir()] == [out.name]
    here.refuses(2, "build", os.fsdecode(b"none\xff.tflite"), said="none")
    here.refuses(2, "validate", os.fsdecode(b"none\xff"), said="none")
