"""A mobile build on devices: behind the agent here, at a URL, and on an emulated phone-class processor."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from mobile_builds import Built

import edgeq
from edgeq import process
from edgeq.agent.machine import platform_name
from edgeq.devices.litert import check_arm64, litert_host_device
from edgeq.errors import InputError, ToolError
from edgeq.mobile import flow
from edgeq.mobile.builds import MobileBuild, open_mobile
from edgeq.mobile.checks import device_checks
from edgeq.mobile.device import agreement, check_mobile_device, host_answers, run_variant, started
from edgeq.mobile.measure import model_inputs
from edgeq.mobile.platforms import platforms_of
from edgeq.mobile.validate import with_agreements
from edgeq.mobile.variant import Variant
from edgeq.model.graph import computed_tensors
from edgeq.options import BuildOptions, Target
from edgeq.records import EVERYWHERE, DeviceAgreement, DeviceRun, Progress, Reference, VariantKind
from edgeq.report.verdict import verdict
from edgeq.stopwatch import Stopwatch

pytestmark = [pytest.mark.xdist_group("mobile"), pytest.mark.timeout(900)]


def test_validate_runs_int8_unless_told_otherwise(demo: Built) -> None:
    before = {path: path.read_bytes() for path in demo.folder.rglob("*") if path.is_file()}
    report = edgeq.validate(demo.folder, samples=50)
    assert report.passed
    assert report.variants is not None
    devices = {row.kind: row.device for row in report.variants.rows}
    assert [kind for kind, found in devices.items() if found] == [VariantKind.INT8]
    assert report.data.samples == 50
    assert report.drift is not None
    assert report.drift.primary.reference is Reference.LITERT_DEFAULT
    assert {d.reference for d in report.drift.references} == set(EVERYWHERE)
    assert len(report.drift.pairs) == 6
    assert {row.state for row in report.drift.layers} == {"equal"}
    tflm = report.drift.get(Reference.TFLM)
    assert tflm is not None
    assert tflm.first_layer == "0 CONV_2D 8×8×8"
    assert report.profile is not None
    assert report.profile.latency is not None
    assert verdict(report).headline.endswith("litert-host gives this host's outputs bit for bit on 50 samples")
    assert {path: path.read_bytes() for path in demo.folder.rglob("*") if path.is_file()} == before
    assert not demo.folder.with_name("build.journal").exists()


def test_validate_a_named_variant_at_a_url(demo: Built) -> None:
    with litert_host_device(demo.folder / "variants" / "float16.tflite") as agent:
        report = edgeq.validate(demo.folder, device=agent.url, variant=VariantKind.FLOAT16, samples=20)
        assert report.passed
        assert report.device.name == agent.url


def test_profile(demo: Built) -> None:
    profile = edgeq.profile(demo.folder, variant=VariantKind.FLOAT32)
    assert profile is not None
    assert profile.latency is not None
    assert 0 < profile.latency.median_ms <= profile.latency.p90_ms <= profile.latency.p99_ms
    assert profile.about["threads"] == "1"


@pytest.mark.parametrize("device", ["emulated", "qemu", "native", "tflm-host"])
def test_devices_for_firmware_are_refused(device: str) -> None:
    with pytest.raises(InputError, match=f"--device {device} is for microcontrollers"):
        check_mobile_device(device)


def test_other_bad_requests(demo: Built, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no device 'phone'"):
        edgeq.validate(demo.folder, device="phone")
    with pytest.raises(InputError, match="--flash is for boards"):
        edgeq.validate(demo.folder, probe="auto")
    copy = shutil.copytree(demo.folder, tmp_path / "copy")
    (copy / "variants" / "int8.tflite").unlink()
    with pytest.raises(InputError, match=r"int8\.tflite, cannot be read"):
        edgeq.validate(copy)


@pytest.fixture(scope="module")
def arm64() -> str:
    try:
        check_arm64()
    except ToolError as exc:
        pytest.skip(str(exc))
    return "arm64"


@pytest.mark.parametrize("name", ["demo", "mobilenet"])
def test_every_variant_on_an_emulated_phone(name: str, arm64: str, request: pytest.FixtureRequest) -> None:
    built: Built = request.getfixturevalue(name)
    build = open_mobile(built.folder)
    x = tuple(a[:2] for a in build.samples.inputs)
    found: dict[VariantKind, DeviceAgreement] = {}
    for variant, answers in zip(build.variants, build.answers, strict=True):
        ran, profile, selftest = run_variant(build, variant, [arm64], x, Progress(), timed=True)
        assert selftest
        assert profile is None  # an emulator's times are no phone's
        assert "emulated" in ran.about["time"]
        found[variant.kind] = agreement(variant, host_answers(variant, answers, ran, x), ran)
        assert found[variant.kind].argmax_flips == 0
    shown = with_agreements(build, found).info
    assert not [check for check in device_checks(shown.rows, max_lsb=1) if not check.passed]
    proofs = {platform.name: platform.proof for platform in shown.platforms}
    assert proofs["linux-arm64"].startswith("all variants: outputs computed by LiteRT's arm64 build on an emulated")
    assert "never run on Android" in proofs["android-arm64"]
    assert proofs["ios"] == "generated only, never run in a test"


@pytest.mark.parametrize("name", ["demo", "mobilenet"])
def test_xnnpack_is_equal_on_both_processors(name: str, arm64: str, request: pytest.FixtureRequest) -> None:
    """Every int8 layer that XNNPACK computes, bit for bit. LiteRT's own SOFTMAX goes through float, and is not."""
    built: Built = request.getfixturevalue(name)
    build = open_mobile(built.folder)
    variant, _ = build.variant(VariantKind.INT8)
    inputs = model_inputs(variant.graph, tuple(a[:2] for a in build.samples.inputs))
    layers: dict[str, list[tuple[int, ...]]] = {}
    for device in ("litert-host", arm64):
        with started(build, variant, device) as (_, session):
            layers[device] = [session.trace(tuple(a[i].tobytes() for a in inputs)) for i in range(2)]
    tensors = computed_tensors(variant.graph)
    differ = {
        tensors[point]
        for here, there in zip(*layers.values(), strict=True)
        for point, (one, other) in enumerate(zip(here, there, strict=True))
        if one != other
    }
    makers = {tensor: op.name for op in variant.graph.ops for tensor in op.outputs}
    assert len(tensors) == len(variant.graph.ops)
    assert {makers[tensor] for tensor in differ} <= {"SOFTMAX"}


def test_what_a_run_proves_about_a_system(demo: Built) -> None:
    """Only what the agent's own platform names; the strings are those that both agents send."""
    assert demo.report.variants is not None
    (row, *_) = demo.report.variants.rows
    assert row.device is not None
    found = row.device

    def proofs(device: str, machine: str, platform: str | None) -> list[str]:
        ran = dataclasses.replace(
            row, device=dataclasses.replace(found, device=device, machine=machine, platform=platform)
        )
        return [shown.proof for shown in platforms_of(Target.MOBILE, [ran])]

    never = "generated only, never run in a test"
    assert found.platform == platform_name()
    assert proofs("litert-host", "Linux x86_64", "linux-x86_64") == [never] * 3
    here = "float32: run on Linux aarch64, at litert-host, 400 samples"
    assert proofs("litert-host", "Linux aarch64", "linux-arm64") == [never, never, here]
    pi = "Raspberry Pi 5 Model B Rev 1.0"
    assert proofs("socket://pi:7", pi, "linux-arm64") == [
        never,
        never,
        f"float32: run on {pi}, at socket://pi:7, 400 samples",
    ]
    for unproven in ("Darwin arm64", "Linux riscv64", pi, "linux-other"):
        assert proofs("socket://pi:7", unproven, None) == [never] * 3
    phone = "Pixel 8 (android-arm64)"
    for device in ("adb", "adb:R58M1", "socket://localhost:7007"):
        run = f"float32: run on {phone}, at {device}, 400 samples"
        assert proofs(device, phone, "android-arm64") == [run, never, never]
    assert proofs("adb", "sdk_gphone64_x86_64 (android-x86_64)", "android-x86_64") == [never] * 3
    assert proofs("adb", "Radxa ROCK 5B (linux-arm64)", "linux-arm64")[:2] == [never, never]
    assert "Radxa ROCK 5B" in proofs("adb", "Radxa ROCK 5B (linux-arm64)", "linux-arm64")[2]


FORGETFUL = (
    "import sys; from edgeq.agent.model import LiteRtModel; from edgeq.__main__ import main; "
    "from edgeq.link.codes import Status; LiteRtModel.selftest = lambda self: Status.MISMATCH; sys.exit(main())"
)
"""`edgeq`, whose agents' self-tests do not pass."""


def test_a_self_test_that_fails_fails_the_report(demo: Built) -> None:
    with subprocess.Popen(
        [sys.executable, "-P", "-c", FORGETFUL, "agent", str(demo.folder / "variants" / "int8.tflite")],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=process.own_environment(),
    ) as child:  # fmt: skip
        try:
            assert child.stdout is not None
            url = child.stdout.readline().decode().strip()
            report = edgeq.validate(demo.folder, device=url, samples=5)
        finally:
            child.kill()
    assert [check.name for check in report.checks if not check.passed] == [f"self-test of int8 on {url}"]
    assert not report.passed


def test_a_build_has_the_self_test_of_every_variant(demo: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    build = open_mobile(demo.folder)

    def failing(build: MobileBuild, variant: Variant, *args: Any, **options: Any) -> tuple[DeviceRun, None, bool]:
        run, _, passed = run_variant(build, variant, *args, **options)
        return run, None, passed and variant.kind is not VariantKind.FLOAT16

    monkeypatch.setattr(flow, "run_variant", failing)
    assert build.info.recommendation.kind is not VariantKind.FLOAT16
    options = BuildOptions(model=demo.model, data=str(demo.data), out=demo.folder, target=Target.MOBILE)
    report = flow._on_devices(build, ("litert-host",), options, Progress(), Stopwatch())
    tests = {check.name: check.passed for check in report.checks if check.name.startswith("self-test")}
    assert tests == {
        f"self-test of {v.kind.value} on litert-host": v.kind is not VariantKind.FLOAT16 for v in build.variants
    }
