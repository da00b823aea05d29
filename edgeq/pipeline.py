"""The whole flow, from a model file to a report: read this first.

model + data ──► load ──► quantize ──► verify ──► lower ──► generate C ──► compile ──► image
                              │                                                          │
                              └──► reference outputs on the host ──► compare ◄── run ◄───┘
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from edgeq import measure
from edgeq.beside import check_same_model, read_beside, with_beside
from edgeq.boards import load_board
from edgeq.builds import Build, save_build
from edgeq.devices.names import check_device, check_probe, check_reachable
from edgeq.engines import AotMaker, Maker, Place, TflmMaker
from edgeq.generate.names import c_prefix, given_prefix
from edgeq.host import background_references, golden_run
from edgeq.inputs import read_source, test_samples, with_float_outputs
from edgeq.interpreter import find_tflm
from edgeq.lower.ops import supported_ops
from edgeq.mobile.flow import build_mobile
from edgeq.model.load import detect_format
from edgeq.model.verify import require, verify_for
from edgeq.options import BuildOptions, Engine, refuse_foreign, refuse_quantizing, refuse_without_tflm
from edgeq.output import check_replaceable, replaced_folder
from edgeq.quantize import QuantizeOptions, from_tflite, quantize
from edgeq.quantize.options import check_options
from edgeq.records import ModelFormat, Progress
from edgeq.report.files import write_report
from edgeq.sharing import expanded, journal_of
from edgeq.stopwatch import Stopwatch
from edgeq.toolchain.compile import check_tflm_toolchain, find_compiler
from edgeq.toolchain.elf import check_limits

if TYPE_CHECKING:
    from edgeq.report.record import Report


def build(options: BuildOptions, *, progress: Progress | None = None) -> Report:
    """Quantize a model, generate C, compile it, run it on a device, and compare with the host.

    Args:
        options: what to do, and where to put it.
        progress: told what is going on.

    Returns:
        The report, which is in the output folder too. Where a check failed (`report.passed` is False) the folder has
        the whole build all the same; an error leaves it as it was.

    Raises:
        InputError: an option, the model or the data are wrong.
        CheckFailed: the model is not full-integer, or the image does not fit.
        UnavailableError: a tool, a reference interpreter or the device is missing or failed.
    """
    if options.target.is_mobile:
        return build_mobile(options, progress=progress)
    progress, clock = progress or Progress(), Stopwatch()
    refuse_foreign(options)
    # Refuses a model that is not there before anything else is looked at.
    if detect_format(options.model) is ModelFormat.TFLITE:
        refuse_quantizing(options)
    chosen = QuantizeOptions(
        method=options.method, calibration_samples=options.calibration_samples, seed=options.seed,
        ranges=options.ranges, equalize=options.equalize, bias_correction=options.bias_correction,
        training=options.training, progress=progress,
    )  # fmt: skip
    check_options(chosen)
    refuse_without_tflm(options)
    board_spec = options.board or options.target.default_board
    board = load_board(board_spec)
    check_limits(board, options.flash_limit, options.ram_limit)
    name = c_prefix(options.model.stem) if options.name is None else given_prefix(options.name)
    devices = expanded(options.devices, options.jobs)
    for device in dict.fromkeys(devices):
        check_device(device, board)
        check_reachable(device, options.baud)
    check_probe(options.probe, devices, board)
    library = None
    if options.engine is Engine.TFLM:
        check_tflm_toolchain(options.compiler)
        library = find_tflm(options, board)
    find_compiler(options.compiler, board, library)
    check_replaceable(options.out)
    other = read_beside(options)

    with replaced_folder(options.out) as folder, background_references() as run_references:
        with clock("load"):
            source = read_source(options, progress)
        with clock("quantize"):
            progress.start("Quantizing" if source.float_model else "Reading the .tflite")
            if source.float_model is not None:
                quantized = quantize(source.float_model, source.data, chosen)
            else:
                quantized = from_tflite(source.tflite or b"", options.model)
        with clock("verify"):
            given = source.float_model is None
            engine, known = options.engine.value, supported_ops if library is None else None
            require(verify_for(quantized.graph, known, engine=engine, float_io=given), converted=not given)
            check_same_model(other, quantized.graph.sha256, options.beside)
        with clock("lower"):
            place = Place(
                options=options, board=board, board_spec=board_spec, name=name, folder=folder, progress=progress,
                clock=clock,
            )  # fmt: skip
            maker: Maker = TflmMaker(quantized, place, library) if library is not None else AotMaker(quantized, place)
        with clock("reference"):
            progress.start("Running the first sample on the host")
            samples = test_samples(source, quantized.graph, options)
            golden = golden_run(quantized, samples.inputs)
            # The rest runs while the firmware is made.
            pending = run_references(quantized, samples.inputs, golden.reference)

        firmware = maker.make(samples, golden)
        with clock("reference"):
            samples = with_float_outputs(samples, source, progress)
            progress.start("Running the samples on the host")
            references = pending.result()
        made = Build(
            folder=folder, name=name, engine=options.engine.value, optimize=options.optimize,
            source_format=source.format.value,
            source_sha256=source.float_model.sha256 if source.float_model else None, quantized=quantized,
            program=firmware.program, limits=firmware.limits, without_passes=options.without_passes, board=board,
            board_spec=board_spec, project=firmware.project, image=firmware.image, traced=firmware.traced,
            samples=samples, references=references.outputs,
            notes=(*source.warnings, *golden.notes, *references.notes, *quantized.notes, *firmware.notes),
            flash_limit=options.flash_limit, ram_limit=options.ram_limit, tflm_arena_bytes=golden.tflm_arena_bytes,
            tflm=firmware.tflm,
        )  # fmt: skip
        shutil.rmtree(folder / "objects", ignore_errors=True)
        save_build(made)
        report = measure.measure(
            made, devices, samples=None, traced_samples=options.traced_samples, max_lsb=options.max_lsb,
            max_drop=options.max_drop, progress=progress, clock=clock, baud=options.baud, probe=options.probe,
            journal=journal_of(options.out), resume=options.resume,
        )  # fmt: skip
        report = with_beside(report, other)
        write_report(report, folder)
    return report
