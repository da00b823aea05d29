"""A build on a device: run the samples, trace layers, count cycles, and put what was found into a report.

`edgeq build` ends with this, and `validate`, `drift` and `profile` do parts of it again on a finished build.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgeq.boards import Board, load_board
from edgeq.builds import MODEL, Build, project_for
from edgeq.devices.base import Device
from edgeq.devices.names import (
    ARM64,
    EMULATED,
    LITERT_HOST,
    NATIVE,
    QEMU,
    TFLM_HOST,
    adb_serial,
    is_adb,
    is_serial,
)
from edgeq.errors import BudgetError
from edgeq.host import held_reference, held_to, worth_tracing
from edgeq.interruption import scratch_folder
from edgeq.link.codes import BAUD, HelloFlag
from edgeq.records import (
    DeviceRun,
    Image,
    LayerDrift,
    Profile,
    Progress,
    Reference,
)

if TYPE_CHECKING:
    from edgeq.link.session import Session
    from edgeq.report.record import Report
    from edgeq.stopwatch import Stopwatch

Samples = tuple[NDArray[np.generic], ...]

_EXACT = (Reference.TFLM, Reference.LITERT_REFERENCE)  # integer arithmetic like a board's, layer by layer


def measure(
    build: Build,
    devices: Sequence[str],
    *,
    samples: int | None,
    traced_samples: int,
    max_lsb: int,
    max_drop: float | None,
    progress: Progress,
    clock: Stopwatch,
    baud: int = BAUD,
    probe: str | None = None,
    journal: Path | None = None,
    resume: bool = False,
) -> Report:
    """Run a build on a device, and report.

    Args:
        build: what to run.
        devices: where; several share the samples. The first one that is no port has its layers traced, or a port's
            that is an interpreter.
        samples: at most so many; None: all of the build's.
        traced_samples: how many of them are compared layer by layer too.
        max_lsb: largest difference from the primary reference that passes.
        max_drop: largest loss of accuracy that passes; None: not checked.
        progress: told what is going on.
        clock: times the stages.
        baud: speed of a serial port's line.
        probe: flashes a board on a serial port first (`edgeq.flashing.probe.PROBE_HELP`); None: it has the firmware.
        journal: keeps the answers of a run that is interrupted; None: nothing does.
        resume: whether to go on from what the journal has.

    Raises:
        InputError: there is nothing to resume, or of another build.
        DeviceError, LinkError, ToolError, FlashError: as `started`, of all devices.
        InterpreterError: a reference crashed while layers were compared.
    """
    from edgeq.summary import make_report

    inputs = first(build.samples.inputs, samples)
    with clock("run"):
        progress.start(f"Starting {', '.join(dict.fromkeys(devices))}")
        ran, profile, selftest = run(
            build, devices, inputs, progress, baud=baud, probe=probe, journal=journal, resume=resume
        )
    build = dataclasses.replace(build, references=held_to(build.references, ran.engine, build.quantized, inputs))
    layers: dict[Reference, tuple[LayerDrift, ...]] = {}
    with clock("layers"):
        traces = ran.about and ran.trace_points
        device = next((d for d in devices if traces or probe is not None or not (is_serial(d) or is_adb(d))), None)
        if traced_samples and device is not None:
            # A model with variables needs, for a sample, all before it.
            stateful = build.quantized.graph.is_stateful
            leading = list(range(min(traced_samples, len(inputs[0]))))
            chosen = leading if stateful else worth_tracing(ran.outputs, build.references, traced_samples)
            held = build.references[0].reference
            wanted = [r.reference for r in build.references if r.reference in {held, *_EXACT}]
            traced = tuple(a[chosen] for a in inputs)
            try:
                layers = trace(build, device, traced, wanted, progress, baud=baud, probe=probe)
            except BudgetError as exc:  # a product that fills its board is no worse for that
                build = dataclasses.replace(build, notes=(*build.notes, f"Layers were not compared: {exc.message}"))
    with clock("compare"):
        progress.start("Comparing")
        report = make_report(
            build, ran, profile, layers, selftest=selftest, max_lsb=max_lsb, max_drop=max_drop, timings=()
        )
    return dataclasses.replace(report, timings=clock.timings)


@contextmanager
def started(
    build: Build,
    device: str,
    *,
    traced: bool = False,
    baud: int = BAUD,
    probe: str | None = None,
    progress: Progress | None = None,
    stop: Callable[[], str | None] = lambda: None,
) -> Iterator[tuple[Device, Session]]:
    """The device, running the build's model, and a session with it.

    Emulators run the build's own image. One for this host is compiled for the occasion. A board on a serial port is
    flashed if there is a `probe`; if it got a traced image, it gets the build's own back at the end. `stop` is asked
    now and then, and says why not to go on.

    Raises:
        DeviceError, LinkError: it does not start or answer, or runs another model.
        ToolError: an emulator or compiler is missing.
        FlashError: the board does not hold what was written to it.
    """
    from edgeq.link.session import Session

    with ExitStack() as stack:
        folder = stack.enter_context(scratch_folder())
        image: Image | None = None
        if device == NATIVE and not build.board.is_host:
            image = compile_for(build, load_board("native"), folder, traced=traced)
        elif device in {EMULATED, QEMU, NATIVE}:
            image = own_image(build, traced=traced)
        elif probe is not None:
            image = own_image(build, traced=traced)
            if traced:
                stack.callback(_flash, build.image, build.board, probe, progress)
            _flash(image, build.board, probe, progress)
        running = stack.enter_context(_start(build, device, image, folder))
        session = stack.enter_context(
            Session.connect(
                running.url,
                baud=baud,
                expect_sha256=_sha256_on(build, device),
                failure=lambda: stop() or running.failure(),
                symbolise=_symboliser(image),
                rx_window=running.rx_window,
            )
        )
        if is_serial(device) and not device.startswith("socket://"):  # whose other end has its speed for itself
            session.speed_up()
        yield running, session


def _sha256_on(build: Build, device: str) -> str:
    """The digest of the .tflite that a device says it runs. Firmware says the user's; the interpreter on this computer
    that of the generated array."""
    if device == TFLM_HOST and build.tflm is not None:
        return build.tflm.running.graph.sha256
    return build.quantized.graph.sha256


def _flash(image: Image, board: Board, probe: str, progress: Progress | None) -> None:
    from edgeq.flashing.flash import flash_image

    flash_image(image.elf, board, probe, progress or Progress())


def own_image(build: Build, *, traced: bool) -> Image:
    """The image that the build holds for its own board.

    Raises:
        BudgetError: the traced one does not fit the board.
    """
    image = build.traced if traced else build.image
    if image is None:
        raise BudgetError(
            f"With the code that hands out layers, the firmware does not fit {build.board.name}.",
            hint="Compare the layers on a larger board, or on this computer: --device native. A build of an older "
            "edgeq has no such image either: build again.",
        )
    return image


def compile_for(build: Build, board: Board, folder: Path, *, traced: bool) -> Image:
    """The build's program as an image for another board, made in `folder`.

    Raises:
        InputError: the build's engine cannot run on that board.
        ToolError: the compiler is missing, or refused the code.
        BudgetError: it does not fit.
    """
    from edgeq.toolchain.compile import compile_project, host_toolchain

    project = project_for(build, board, folder / "project")
    toolchain = host_toolchain() if board.is_host else build.image.toolchain.name
    return compile_project(project, board, toolchain=toolchain, traced=traced, out=folder)


def run(
    build: Build,
    devices: Sequence[str],
    inputs: Samples,
    progress: Progress,
    *,
    baud: int = BAUD,
    probe: str | None = None,
    journal: Path | None = None,
    resume: bool = False,
) -> tuple[DeviceRun, Profile | None, bool]:
    """All samples through the devices; also what one inference costs, and whether the firmware's self-tests passed.

    Raises:
        InputError, DeviceError, LinkError, ToolError: as `measure`.
    """
    from edgeq.devices.run import Start
    from edgeq.sharing import identity_of, run_shared

    def start(device: str) -> Start:
        return lambda stop: started(build, device, baud=baud, probe=probe, progress=progress, stop=stop)

    return run_shared(
        {device: start(device) for device in devices},
        devices,
        inputs,
        progress,
        profile=lambda device, running, session: _profile(build, device, running, session, inputs),
        stateful=build.quantized.graph.is_stateful,
        identity=identity_of(build.folder),
        journal=journal,
        resume=resume,
    )


def count(build: Build, device: str, inputs: Samples, *, baud: int = BAUD) -> Profile | None:
    """What one inference of the first sample costs; None where the device has no counter and no emulator its core."""
    with started(build, device, baud=baud) as (running, session):
        return _profile(build, device, running, session, inputs)


def trace(
    build: Build,
    device: str,
    inputs: Samples,
    references: Sequence[Reference] | None,
    progress: Progress,
    *,
    baud: int = BAUD,
    probe: str | None = None,
) -> dict[Reference, tuple[LayerDrift, ...]]:
    """Layer by layer: fingerprints from the device, and whole tensors where they differ, against each reference.

    `references` None: the one that the device is held to.

    Raises:
        DeviceError, LinkError, ToolError: as `started`.
        DeviceError, InterpreterError: as `traceable` and `TracedLayers`.
    """
    from edgeq.tracing import TracedLayers, traceable

    with started(build, device, traced=True, baud=baud, probe=probe, progress=progress) as (_, session):
        if references is None:
            references = [held_reference(session.hello.engine) or build.references[0].reference]
        layers = TracedLayers(traceable(build, device, session.hello), session, inputs, progress)
        return {reference: layers.against(reference) for reference in references}


def first(inputs: Samples, count: int | None) -> Samples:
    """At most `count` samples."""
    return tuple(a[:count] for a in inputs)


def _start(build: Build, device: str, image: Image | None, folder: Path) -> Device:
    if device == TFLM_HOST:
        from edgeq.devices.tflm_host import compile_array, tflm_host_device

        root = build.project.root
        sources = [root / f for f in build.project.tflm_files if f.endswith("_model_data.cc")]
        library = compile_array(sources, [root / d for d in build.project.include_dirs], folder / "model_data.so")
        return tflm_host_device(library, array=f"{build.project.symbol}_model_data")
    if device in {LITERT_HOST, ARM64}:
        from edgeq.devices.litert import arm64_device, litert_host_device

        return (arm64_device if device == ARM64 else litert_host_device)(build.folder / MODEL)
    if is_adb(device):
        from edgeq.devices.adb.device import AdbDevice

        return AdbDevice(adb_serial(device), build.folder / MODEL)
    if image is None or is_serial(device):
        from edgeq.devices.serial import SerialDevice

        return SerialDevice(device)
    if device == NATIVE:
        from edgeq.devices.native import native_device

        return native_device(image.elf)
    if device == QEMU:
        from edgeq.devices.qemu import QemuDevice

        return QemuDevice(image.elf, build.board)
    from edgeq.devices.emulated import EmulatedDevice

    return EmulatedDevice(image.elf, build.board, symbol=build.project.symbol)


def _profile(build: Build, device: str, running: Device, session: Session, inputs: Samples) -> Profile | None:
    from edgeq.devices.emulated import EmulatedDevice
    from edgeq.devices.qemu import QemuDevice
    from edgeq.link.timing import op_ticks
    from edgeq.validation.latency import counted, interpreted, measured, profile

    sample = tuple(a[0].tobytes() for a in inputs)
    if session.hello.flags & HelloFlag.INTERPRETER:
        return interpreted(session, sample)
    if isinstance(running, EmulatedDevice):
        running.start_counting(f"{build.project.symbol}_invoke", build.project.op_symbols)
        session.run(sample)
        return profile(build.image.elf, build.board, running.stop_counting(), build.program.calls)
    if device in {NATIVE, TFLM_HOST}:
        return None
    estimated = None
    if build.board.unicorn_cpu is not None:
        # The same image in the built-in emulator, which can say where the instructions went.
        with started(build, EMULATED) as (emulated, other):
            estimated = _profile(build, EMULATED, emulated, other, inputs)
    if isinstance(running, QemuDevice):
        return estimated or counted(session.run(sample).ticks, build.board)
    return measured(
        estimated,
        session.hello,
        session.run(sample).ticks,
        build.board,
        calls=build.program.calls,
        op_ticks=op_ticks(session, sample),
    )


def _symboliser(image: Image | None) -> Callable[[int], str | None] | None:
    if image is None:
        return None
    from edgeq.toolchain.elf import symbols

    return symbols(image.elf).place
