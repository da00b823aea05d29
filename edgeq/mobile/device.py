"""A variant on a device that runs `edgeq agent`: here, on an emulated phone-class processor, or at a port."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from edgeq.devices.base import Device
from edgeq.devices.names import (
    ARM64,
    EMULATED,
    LITERT_HOST,
    NATIVE,
    QEMU,
    TFLM_HOST,
    adb_serial,
    check_address,
    is_adb,
    is_serial,
)
from edgeq.errors import InputError
from edgeq.host import held_to
from edgeq.link.codes import BAUD, HelloFlag
from edgeq.link.session import Session
from edgeq.mobile.builds import MobileBuild
from edgeq.mobile.measure import Arrays, file_of, model_inputs
from edgeq.mobile.variant import Variant
from edgeq.model.quantization import with_steps
from edgeq.records import DeviceAgreement, DeviceRun, LayerDrift, Profile, Progress, Reference, ReferenceOutputs
from edgeq.sharing import identity_of, run_shared
from edgeq.validation.drift import measure_drift
from edgeq.validation.pairs import measure_pairs

_FIRMWARE = (EMULATED, QEMU, NATIVE, TFLM_HOST)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ran:
    """What a device gave for one variant: its answers, its latency if it tells times, its self-test's result; what the
    same kernels answered on this host, and the layers per reference that was traced."""

    run: DeviceRun
    profile: Profile | None
    selftest: bool
    host: ReferenceOutputs
    layers: Mapping[Reference, tuple[LayerDrift, ...]] = field(default_factory=dict)


def check_mobile_device(device: str) -> None:
    """Refuse at once what cannot run a variant.

    Raises:
        InputError: a device for firmware, or a misspelt one.
        LinkError: there is no such port.
        ToolError, DeviceError: the emulated arm64 is not installed, or makes no sense here.
    """
    if device in _FIRMWARE:
        raise InputError(
            f"--device {device} is for microcontrollers; a build for phones has no firmware.",
            hint="Use litert-host (this machine), arm64 (an emulated phone-class processor), adb (a phone), or the "
            "port of an `edgeq agent` (socket://host:port).",
        )
    check_address(device)


@contextmanager
def started(
    build: MobileBuild,
    variant: Variant,
    device: str,
    *,
    baud: int = BAUD,
    threads: int = 1,
    stop: Callable[[], str | None] = lambda: None,
) -> Iterator[tuple[Device, Session]]:
    """The device with the variant in its LiteRT, and a session with it. `stop` is asked now and then, and says why not
    to go on.

    Raises:
        DeviceError, LinkError: it does not start or answer, or runs another model.
        ToolError: the emulated arm64 is not installed.
    """
    with ExitStack() as stack:
        running = stack.enter_context(_start(build.folder / file_of(variant.kind), device, threads))
        session = stack.enter_context(
            Session.connect(
                running.url,
                baud=baud,
                expect_sha256=variant.graph.sha256,
                failure=lambda: stop() or running.failure(),
                rx_window=running.rx_window,
            )
        )
        if is_serial(device) and not device.startswith("socket://"):
            session.speed_up()
        yield running, session


def run_variant(
    build: MobileBuild,
    variant: Variant,
    devices: Sequence[str],
    x: Arrays,
    progress: Progress,
    *,
    baud: int = BAUD,
    threads: int = 1,
    timed: bool = False,
    journal: Path | None = None,
    resume: bool = False,
) -> tuple[DeviceRun, Profile | None, bool]:
    """Samples through a variant on the devices, which share them.

    Args:
        build: that the variant belongs to.
        variant: what runs.
        devices: where.
        x: real values, one array per model input.
        progress: told how far it is.
        baud: of a serial port.
        threads: of LiteRT, where edgeq starts the agent.
        timed: also measure the latency of one inference, where the device tells times.
        journal: keeps the answers of a run that is interrupted; None: nothing does.
        resume: whether to go on from what the journal has.

    Returns:
        The run, the latency, and whether the self-test passed.

    Raises:
        InputError, DeviceError, LinkError, ToolError: as `started`, of all devices; or there is nothing to resume.
    """
    from edgeq.devices.run import Start
    from edgeq.validation.latency import interpreted

    inputs = model_inputs(variant.graph, x)

    def start(device: str) -> Start:
        return lambda stop: started(build, variant, device, baud=baud, threads=threads, stop=stop)

    def profile(device: str, running: Device, session: Session) -> Profile | None:
        if not timed or not session.hello.flags & HelloFlag.INTERPRETER:
            return None
        return interpreted(session, tuple(a[0].tobytes() for a in inputs))

    return run_shared(
        {device: start(device) for device in devices}, devices, inputs, progress, profile=profile,
        stateful=variant.graph.is_stateful, identity=_identity(build, variant), journal=journal, resume=resume,
    )  # fmt: skip


def host_answers(variant: Variant, answers: ReferenceOutputs, ran: DeviceRun, x: Arrays) -> ReferenceOutputs:
    """What the kernels that the device runs answer on this host to the same samples.

    Args:
        variant: what ran.
        answers: LiteRT's default kernels' on the host that built it, which most devices run.
        ran: the run; its engine names the kernels.
        x: real values of its samples, one array per model input.

    Raises:
        InterpreterError: this host's LiteRT refuses the variant with these kernels.
    """
    count = len(ran.ticks)
    known = replace(answers, outputs=tuple(a[:count] for a in answers.outputs))
    return held_to((known,), ran.engine, variant, model_inputs(variant.graph, tuple(a[:count] for a in x)))[0]


def agreement(variant: Variant, host: ReferenceOutputs, ran: DeviceRun) -> DeviceAgreement:
    """The device's answers against the host's to the same samples, `host_answers`."""
    tensors = tuple(with_steps(variant.graph, tensor) for tensor in variant.graph.outputs)
    drift = measure_drift(ran.outputs, host, tensors)
    (pair,) = measure_pairs({"host": host.outputs, "device": ran.outputs}, tensors)
    return DeviceAgreement(
        device=ran.device,
        machine=ran.about.get("machine", ran.board),
        samples=drift.samples,
        outputs=drift.outputs,
        mismatches=drift.mismatches,
        max_lsb=drift.max_lsb,
        argmax_flips=pair.argmax_flips,
        sqnr_db=drift.sqnr_db,
        seconds=ran.seconds,
        platform=_platform(ran),
        reference=host.reference,
    )


def _platform(ran: DeviceRun) -> str | None:
    """What answered all samples; None where several devices did, or an earlier run answered some."""
    return ran.about.get("platform") if ", " not in ran.device and not ran.resumed else None


def _identity(build: MobileBuild, variant: Variant) -> str:
    """Of a variant's run: answers of another variant are none of its own."""
    return hashlib.sha256(f"{identity_of(build.folder)} {variant.graph.sha256}".encode()).hexdigest()


def _start(model: Path, device: str, threads: int) -> Device:
    from edgeq.devices.litert import arm64_device, litert_host_device
    from edgeq.devices.serial import SerialDevice

    if device == LITERT_HOST:
        return litert_host_device(model, threads=threads)
    if device == ARM64:
        return arm64_device(model, threads=threads)
    if is_adb(device):
        from edgeq.devices.adb.device import AdbDevice

        return AdbDevice(adb_serial(device), model)
    return SerialDevice(device)
