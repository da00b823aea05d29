"""What the native agent says where it cannot start, and whether its own declarations match LiteRT's libraries."""

from __future__ import annotations

import hashlib
import os
import struct
import tty
import types
from pathlib import Path

import pytest
from running import Running
from test_outputs import in_file, random_samples

from edgeq import process
from edgeq.errors import InputError
from edgeq.link.codes import REPLY, HelloFlag, Kind, Mode, TicksKind
from edgeq.link.frame import Decoder, Frame, encode
from edgeq.link.session import Session
from edgeq.native_agent.runtime import check_library, litert_library, required_symbols, wheel_library
from edgeq.native_agent.targets import find_target

pytestmark = pytest.mark.xdist_group("native-agent")


def test_every_function_is_exported_by_the_libraries_of_both_wheels(litert: Path) -> None:
    names = required_symbols()
    assert len(names) > 25 and len(set(names)) == len(names)
    assert {"LiteRtCreateEnvironment", "LiteRtRunCompiledModel"} <= set(names)
    check_library(litert, find_target("linux-x86_64"))
    check_library(wheel_library(find_target("linux-arm64")), find_target("linux-arm64"))


def test_a_library_of_another_processor_is_refused(litert: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"is for EM_X86_64, not for android-arm64"):
        litert_library(find_target("android-arm64"), litert, tmp_path)


def library_without(missing: str, folder: Path) -> Path:
    source = folder / "half.c"
    names = [name for name in required_symbols() if name != missing]
    source.write_text("".join(f"int {name}(void);\nint {name}(void) {{ return 3; }}\n" for name in names))
    process.run(["gcc", "-shared", "-fPIC", source, "-o", folder / "half.so"], timeout=60, what="compiling")
    return folder / "half.so"


def test_a_missing_function_is_named_before_and_at_run_time(
    zoo: types.ModuleType, host_agent: Running, tmp_path: Path
) -> None:
    half = library_without("LiteRtRunCompiledModel", tmp_path)
    with pytest.raises(InputError, match="lacks LiteRtRunCompiledModel, which the agent calls"):
        check_library(half, find_target("host"))
    status, said = host_agent.refusal(str(in_file(zoo.zoo_tflite("demo"), tmp_path)), "--litert", str(half))
    assert status == 2
    assert f"{half} has no LiteRtRunCompiledModel: it is of another version" in said


def test_a_missing_library_says_where_to_find_one(zoo: types.ModuleType, host_agent: Running, tmp_path: Path) -> None:
    model = in_file(zoo.zoo_tflite("demo"), tmp_path)
    status, said = host_agent.refusal(str(model), "--litert", str(tmp_path / "none.so"))
    assert status == 2
    assert "none.so: cannot open shared object file" in said and "ai-edge-litert wheel" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "which model?"),
        (["a.tflite", "b.tflite"], "one model at a time; what is b.tflite?"),
        (["a.tflite", "--threads"], "--threads: no such option, or its value is missing"),
        (["a.tflite", "--threads", "0"], "--threads is a number from 1 to 256, not 0"),
        (["a.tflite", "--threads", "4x"], "--threads is a number"),
        (["a.tflite", "--warmup", "-1"], "--warmup is a number from 0"),
        (["a.tflite", "--kernels", "gpu"], "--kernels is default or builtin, not gpu"),
        (["a.tflite", "--colour", "red"], "there is no option --colour"),
        (["a.tflite", "--cpu", "1-"], "--cpu is a list like 0-3,6, not 1-"),
        (["a.tflite", "--cpu", "900"], "cannot run on processors 900"),
    ],
)
def test_a_wrong_command_line_is_explained(words: list[str], message: str, host_agent: Running) -> None:
    status, said = host_agent.refusal(*words)
    assert status == 64
    assert message in said


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("localhost:80", "--tcp is a numeric address and a port"),
        ("127.0.0.1", "--tcp is a numeric address and a port"),
        ("127.0.0.1:99999", "--tcp is a numeric address and a port"),
        ("192.0.2.1:80", "192.0.2.1:80 cannot be listened at: Cannot assign requested address"),
    ],
)
def test_a_wrong_address_is_explained(
    address: str, message: str, zoo: types.ModuleType, host_agent: Running, tmp_path: Path
) -> None:
    model = in_file(zoo.zoo_tflite("demo"), tmp_path)
    status, said = host_agent.refusal(str(model), "--litert", str(host_agent.litert), "--tcp", address)
    assert status == 2
    assert message in said


def test_what_it_tells_of_itself_in_words(zoo: types.ModuleType, host_agent: Running, tmp_path: Path) -> None:
    model = in_file(zoo.zoo_tflite("demo"), tmp_path)
    with host_agent(model, "--cpu", "0", "--threads", "3", "--warmup", "2", "--kernels", "builtin") as agent:
        assert "Cpus_allowed_list:\t0\n" in Path(f"/proc/{agent.process.pid}/status").read_text()
        with Session.connect(agent.url) as session:
            about = session.about()
    digest = hashlib.sha256(host_agent.litert.read_bytes()).hexdigest()
    assert about.pop("governor")
    assert about.pop("machine").endswith("linux-x86_64")
    assert about == {
        "platform": "linux-x86_64",
        "runtime": f"LiteRT, {host_agent.litert.name} with SHA-256 {digest}",
        "kernels": "LiteRT's own, without XNNPACK",
        "threads": "3",
        "cpus": "0",
        "warm-up": "2",
        "layers": "none: the native agent gives whole outputs; `edgeq agent` of the Python package has layers",
        "per-op profile": "by LiteRT's profiler, in whole microseconds",
    }


def test_an_emulated_processor_tells_no_times(zoo: types.ModuleType, host_agent: Running, tmp_path: Path) -> None:
    model = in_file(zoo.zoo_tflite("demo"), tmp_path)
    with host_agent(model, "--emulated", "Cortex-A76") as agent, Session.connect(agent.url) as session:
        hello = session.hello
        assert (hello.ticks_kind, hello.ticks_hz, hello.clock_hz) == (TicksKind.NONE, 0, 0)
        assert hello.flags == HelloFlag.INTERPRETER | HelloFlag.EMULATED
        assert session.run((bytes(64),)).ticks == 0
        assert session.about()["machine"] == "Cortex-A76, emulated"
        assert session.times((bytes(64),), 10) is None


def test_it_serves_a_serial_line(zoo: types.ModuleType, host_agent: Running, tmp_path: Path) -> None:
    content = zoo.zoo_tflite("demo")
    ours, theirs = os.openpty()
    tty.setraw(ours)
    tty.setraw(theirs)
    (x,) = random_samples(content, 1)
    decoder = Decoder()
    with host_agent(in_file(content, tmp_path), "--serial", os.ttyname(theirs)) as agent:
        assert agent.url == os.ttyname(theirs)
        hello = Frame(kind=Kind.HELLO, flags=0, sequence=1, payload=b"\x01\0\0\0")
        head = struct.pack("<IBxHHHI", 1, Mode.INFER, 1, 0, 1024, 0)
        run = Frame(kind=Kind.RUN, flags=0, sequence=2, payload=head + x.tobytes())
        os.write(ours, encode(hello) + encode(run))
        kinds = []
        while Kind.RUN | REPLY not in kinds:
            kinds += [f.kind for f in decoder.feed(os.read(ours, 4096)) if isinstance(f, Frame)]
        assert kinds == [Kind.HELLO | REPLY, Kind.RUNNING, Kind.RUN | REPLY]
    os.close(ours)
    os.close(theirs)
