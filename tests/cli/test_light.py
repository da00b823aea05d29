"""Commands that need no TensorFlow must not import it, and `--help` imports next to nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conformance.cases import unary_model

HEAVY = ("tensorflow", "keras", "tf_keras", "tensorflow_model_optimization", "sklearn", "unicorn")

_PROBE = """
import json, sys
from edgeq.console import _run
sys.argv = ["edgeq", *json.loads(sys.argv[1])]
status = _run()
print("\\n" + json.dumps([status, sorted(m for m in sys.modules if "." not in m)]))
"""


def loaded_by(*arguments: str) -> tuple[int, set[str], str]:
    """Exit status of `edgeq ARGUMENTS`, the top-level modules that it left behind, and what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", _PROBE, json.dumps(arguments)], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip(), done.stderr
    status, modules = json.loads(done.stdout.splitlines()[-1])
    return status, set(modules), done.stdout + done.stderr


@pytest.mark.parametrize(
    "arguments", [["--help"], ["build", "--help"], ["data", "check", "--help"], ["agent", "-h"], ["--version"]]
)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    status, modules, _ = loaded_by(*arguments)
    assert status == 0
    assert not modules & {*HEAVY, "numpy", "rich", "serial", "ai_edge_litert"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["boards"],
        ["doctor"],
        ["monitor", "/dev/edgeq-no-such-port"],
        ["agent", "no-such-model.tflite"],
        ["validate", "no-such-build"],
        ["drift", "no-such-build"],
        ["profile", "no-such-build"],
        ["diff", "no-such-report.json", "no-such-report.json"],
        ["inspect", "no-such-model.tflite"],
    ],
)
def test_commands_that_talk_to_devices_import_no_tensorflow(arguments: list[str]) -> None:
    _, modules, output = loaded_by(*arguments)
    assert not modules & set(HEAVY), output


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["bild"], 2, "Did you mean 'build'?"),
        (["build"], 2, "Missing argument 'MODEL'"),
        (["build", "no-such-model.keras", "--data", "d.npz"], 2, "no-such-model.keras"),
        (["build", "x.tflite", "--flash-limit", "12 apples"], 2, "no size"),
        (["monitor", "/dev/edgeq-no-such-port"], 3, "/dev/edgeq-no-such-port"),
        (["validate", "no-such-build"], 2, "no-such-build"),
        (["diff", "a.json", "b.json"], 2, "a.json"),
    ],
)
def test_wrong_usage_says_what_to_do(arguments: list[str], status: int, said: str) -> None:
    got, _, output = loaded_by(*arguments)
    assert (got, "Traceback" in output) == (status, False), output
    assert said in output


def test_a_tflite_goes_all_the_way_without_tensorflow(tmp_path: Path) -> None:
    """The real paths, not only their error messages: build, run, trace, count, look."""
    model, out = tmp_path / "tiny.tflite", tmp_path / "build"
    model.write_bytes(unary_model("RELU", (0.05, -3), (0.04, -100)))
    for arguments in (
        ["build", str(model), "--out", str(out), "--samples", "2", "--device", "native"],
        ["validate", str(out)],
        ["drift", str(out), "--device", "native"],
        ["profile", str(out)],
        ["inspect", str(out / "model.tflite")],
        ["diff", str(out), str(out)],
    ):
        status, modules, output = loaded_by(*arguments)
        assert status == 0, output
        assert not modules & set(HEAVY), arguments


@pytest.mark.parametrize(("arguments", "status"), [(["boards"], 0), (["boards", "--nonsense"], 2)])
def test_a_process_ends_without_being_taken_apart(arguments: list[str], status: int) -> None:
    """Exit handlers run, what was printed arrives; but nobody waits for a library's memory to be freed."""
    program = f"""
import sys
class Large:
    def __del__(self):
        print("taken apart", flush=True)
sys.large = Large()
sys.argv = ["edgeq", *{arguments!r}]
from edgeq import console
ran = console._run
def run(interrupt):
    import atexit
    atexit.register(print, "exit handler")
    return ran(interrupt)
console._run = run
console.run()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stderr
    assert done.stdout.endswith("exit handler\n")
    assert "taken apart" not in done.stdout
    assert ("mps2-an386" in done.stdout) == (status == 0)


def test_what_only_others_need_of_keras_is_left_out() -> None:
    """Half a second of every command that needs TensorFlow."""
    script = """
import sys
from edgeq.model.runtime import import_less, keras3, tfmot_keras
import_less()
keras3(), tfmot_keras()
assert "sklearn" not in sys.modules
import sklearn.utils  # the demo's data come from there
"""
    subprocess.run([sys.executable, "-c", script], check=True)
