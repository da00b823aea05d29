"""`--device adb`: a real adb program and server, and a phone on the loopback."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from phones import Plug, adb, left_on
from projects import tiny_model

import edgeq
from edgeq.devices.adb.choose import choose_device, list_devices, parse_devices
from edgeq.devices.adb.device import AdbDevice
from edgeq.devices.adb.program import Adb
from edgeq.devices.names import check_address
from edgeq.devices.run import run_samples
from edgeq.errors import DeviceError, EdgeqError, ToolError
from edgeq.link.session import Session
from edgeq.native_agent import bundle
from edgeq.native_agent.build import PROGRAM
from edgeq.native_agent.runtime import LIBRARY
from edgeq.records import Reference
from edgeq.reference import run_reference

pytestmark = pytest.mark.xdist_group("native-agent")


def said(error: pytest.ExceptionInfo[EdgeqError]) -> str:
    return f"{error.value.message} {error.value.hint}"


def test_samples_run_on_the_phone_and_nothing_stays_there(plug: Plug, built: Path, model: Path, tmp_path: Path) -> None:
    phone = plug()
    x = np.random.default_rng(2).integers(-128, 128, (25, 8, 8, 1)).astype(np.int8)
    with AdbDevice(None, model) as device:
        assert device.name == f"adb:{phone.serial}"
        files = {path.name for path in (tmp_path / "phone0" / "tmp").rglob("*") if path.is_file()}
        assert {PROGRAM, LIBRARY, "model.tflite"} <= files
        with Session.connect(device.url, failure=device.failure) as session:
            run = run_samples(device, session, (x,))
            assert session.about()["runtime"].startswith("LiteRT, libLiteRt.so")
    expected = run_reference(model.read_bytes(), (x,), Reference.LITERT_DEFAULT).outputs[0]
    np.testing.assert_array_equal(run.outputs[0], expected)
    assert left_on(tmp_path / "phone0" / "tmp") == []
    assert adb("forward", "--list").strip() == ""


def test_a_board_with_an_old_daemon_that_hands_on_no_status(
    plug: Plug, built: Path, model: Path, tmp_path: Path
) -> None:
    phone = plug(old=True)
    with pytest.raises(DeviceError, match=r"Listing on .* failed: .*No such file"):
        Adb(phone.serial).shell("ls /no/such/folder", what="Listing")
    with AdbDevice(None, model) as device, Session.connect(device.url, failure=device.failure) as session:
        assert session.selftest()
    assert left_on(tmp_path / "phone0" / "tmp") == []


def test_an_agent_that_dies_is_told_with_its_words(plug: Plug, built: Path, model: Path, tmp_path: Path) -> None:
    plug()
    model.write_bytes(model.read_bytes()[:200])
    with pytest.raises(DeviceError) as error:
        AdbDevice(None, model)
    assert "reading the model" in said(error)
    assert left_on(tmp_path / "phone0" / "tmp") == []


def test_no_device(server: None, model: Path) -> None:
    with pytest.raises(DeviceError) as error:
        AdbDevice(None, model)
    assert "adb sees no device. Connect one by USB with USB debugging on" in said(error)


def test_several_devices_and_a_serial_number(plug: Plug, built: Path, model: Path) -> None:
    first, second = sorted((plug(), plug()), key=lambda phone: phone.serial)
    with pytest.raises(DeviceError) as error:
        choose_device(None)
    assert f"adb sees 2 devices: {first.serial} (Test_Phone), {second.serial} (Test_Phone)." in said(error)
    assert f"--device adb:{first.serial}" in said(error)
    with pytest.raises(DeviceError) as error:
        choose_device("R58M12345")
    assert "adb sees no device R58M12345. It sees 127.0.0.1" in said(error)
    with AdbDevice(second.serial, model) as device, Session.connect(device.url) as session:
        assert session.hello.engine == "litert"


def test_a_device_that_has_not_authorised_this_computer(plug: Plug, model: Path) -> None:
    phone = plug(authorised=False)
    with pytest.raises(DeviceError) as error:
        AdbDevice(None, model)
    assert f"The device {phone.serial} has not authorised this computer. Unlock it and answer" in said(error)


def test_the_wrong_processor(plug: Plug) -> None:
    phone = plug(commands={"getprop": "echo armeabi-v7a"})
    with pytest.raises(DeviceError) as error:
        check_address("adb")  # what every command does before anything slow
    assert f"{phone.serial} is of the kind armeabi-v7a; the native agent runs on arm64-v8a, x86_64." in said(error)


def test_an_android_phone_needs_an_agent_that_was_built_for_it(
    plug: Plug, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle, "default_folder", lambda target: tmp_path / target.name)
    plug(commands={"getprop": "echo arm64-v8a"})
    with pytest.raises(ToolError) as error:
        check_address("adb")
    assert "The native agent for android-arm64 has not been built yet. edgeq native-agent --for android-arm64" in said(
        error
    )


def test_a_full_phone_is_noticed_before_anything_is_copied(
    plug: Plug, built: Path, model: Path, tmp_path: Path
) -> None:
    plug(commands={"df": "echo '/dev/block/dm-51 110000000 109999000 1000 100% /data'"})
    with pytest.raises(DeviceError, match=r"has 1\.0 MB free, the agent and the model need \d+\.\d MB"):
        AdbDevice(None, model)
    assert list((tmp_path / "phone0" / "tmp").iterdir()) == []


def test_a_phone_that_fills_up_on_the_way(plug: Plug, built: Path, model: Path, tmp_path: Path) -> None:
    phone = plug(full=True)
    with pytest.raises(DeviceError) as error:
        AdbDevice(None, model)
    assert f"There is no room left on {phone.serial}. Delete something there" in said(error)
    assert left_on(tmp_path / "phone0" / "tmp") == []


def test_a_cable_that_is_pulled(plug: Plug, built: Path, model: Path) -> None:
    phone = plug()
    with AdbDevice(None, model) as device, Session.connect(device.url, failure=device.failure) as session:
        session.run((bytes(64),))
        phone.close()
        with pytest.raises(EdgeqError):
            for _ in range(100):
                session.run((bytes(64),))


def test_states_of_devices_are_read_from_what_adb_prints() -> None:
    """Lines as of `adb devices -l` (transport.cpp, append_transport), and what the server says when it starts."""
    text = (
        "* daemon not running; starting now at tcp:5037\n* daemon started successfully\n"
        "List of devices attached\n"
        "R58M12345              device usb:1-4 product:panther model:Pixel_7 device:panther transport_id:3\n"
        "0123456789ABCDEF       no permissions (user in plugdev group; are your udev rules wrong?); see "
        "[http://developer.android.com/tools/device.html] usb:1-2 transport_id:1\n"
        "emulator-5554          offline transport_id:2\n"
        "HT4CJ0203660           unauthorized usb:1-3 transport_id:4\n\n"
    )
    assert [(d.serial, d.state, d.model) for d in parse_devices(text)] == [
        ("0123456789ABCDEF", "no permissions", ""),
        ("HT4CJ0203660", "unauthorized", ""),
        ("R58M12345", "device", "Pixel_7"),
        ("emulator-5554", "offline", ""),
    ]
    assert parse_devices("List of devices attached\n\n") == ()


def test_a_build_is_validated_and_timed_on_the_phone_and_not_traced(plug: Plug, built: Path, tmp_path: Path) -> None:
    phone = plug()
    model, build = tmp_path / "tiny.tflite", tmp_path / "build"
    model.write_bytes(tiny_model(3))
    edgeq.build(edgeq.BuildOptions(model=model, data=None, out=build, samples=6, traced_samples=0, device="tflm-host"))
    report = edgeq.validate(build, device="adb")
    assert report.device is not None and report.device.about["machine"] == "linux-x86_64"
    pairs = {(pair.first, pair.second): pair.mismatches for pair in report.drift.pairs}
    assert pairs["adb", "litert-default"] == 0
    assert report.drift.layers == ()
    profile = edgeq.profile(build, device=f"adb:{phone.serial}")
    assert profile is not None and profile.latency is not None and profile.latency.runs >= 100
    with pytest.raises(DeviceError, match="The agent at adb hands out no layers, whole outputs only"):
        edgeq.drift(build, device="adb")
    assert left_on(tmp_path / "phone0" / "tmp") == []


def test_adb_is_not_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match="adb is not installed"):
        list_devices()
