"""What `import edgeq` offers, and the command line calls: one function per command."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edgeq.link.codes import BAUD
from edgeq.options import BuildOptions, Target
from edgeq.records import Finding, LayerDrift, LayerTable, Profile, Progress, VariantKind

if TYPE_CHECKING:
    from edgeq.comparison.options import CompareOptions
    from edgeq.comparison.record import Comparison
    from edgeq.data import DataSummary
    from edgeq.export.record import Exported
    from edgeq.flashing.flash import Flashed
    from edgeq.installation import Check
    from edgeq.model.inspect import ModelSummary
    from edgeq.native_agent.bundle import Bundle
    from edgeq.report.diff import ReportDiff
    from edgeq.report.record import Report


def build(options: BuildOptions, *, progress: Progress | None = None) -> Report:
    """Quantize a model, generate C, compile it, run it on a device, and compare with the host.

    See `edgeq.pipeline.build`, which this is.
    """
    from edgeq import pipeline

    return pipeline.build(options, progress=progress)


def demo(folder: Path, *, device: str | None = None, seed: int = 0, progress: Progress | None = None) -> Report:
    """Train a small CNN on scikit-learn's digits into `folder`, then `build` it into `folder`/build.

    Raises:
        InputError: the folder holds something other than an earlier demo.
        EdgeqError: as `build`.
    """
    from edgeq.digits import check_demo_folder, make_demo
    from edgeq.output import check_replaceable

    check_demo_folder(folder)
    check_replaceable(folder / "build")
    model, data = make_demo(folder, seed=seed, progress=progress)
    options = BuildOptions(model=model, data=str(data), out=folder / "build", device=device, seed=seed, name="digits")
    return build(options, progress=progress)


def compare(options: CompareOptions, *, progress: Progress | None = None) -> Comparison:
    """Is PTQ really better than QAT, or than the float model?

    With `options.model`, arms are made from one float model (`edgeq.comparison.flow.compare_methods`); with
    `options.arms`, models that are there are compared as they are (`edgeq.comparison.given.compare_given`).
    compare.json and compare.html are written to the options' folder.

    Raises:
        InputError: an option, the model or the data are wrong.
        CheckFailed: no int8 model could be made.
        UnavailableError: a worker died, or the Dask scheduler does not answer.
    """
    from edgeq.comparison.flow import compare_methods
    from edgeq.comparison.given import compare_given
    from edgeq.comparison.report.files import write_comparison

    comparison = (compare_given if options.arms else compare_methods)(options, progress=progress)
    options.out.mkdir(parents=True, exist_ok=True)
    write_comparison(comparison, options.out)
    return comparison


def validate(
    folder: Path,
    *,
    device: str | Sequence[str] | None = None,
    variant: VariantKind | None = None,
    jobs: int = 1,
    samples: int | None = None,
    max_lsb: int = 0,
    max_drop: float | None = None,
    baud: int = BAUD,
    probe: str | None = None,
    resume: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Run the test samples of a build on a device again, and compare. Nothing in the build is changed.

    Several devices, or `jobs` of one, share the samples; one that drops out hands its samples to the others. Answers
    are kept beside the build (`<folder>.journal`) until the run is done: `resume` continues one that was interrupted.
    With a `probe` (`edgeq.flashing.probe.PROBE_HELP`) a board on a serial port is flashed first, and its layers are
    compared too, by a second image; it ends with the build's own. `device` None: "emulated"; of a mobile build, whose
    `variant` runs (None: the one that an agent holds, else int8), "litert-host".

    Raises:
        InputError: no build, or it was changed; or there is nothing to resume.
        UnavailableError: the device is missing, silent, broken, or runs another model.
        FlashError: the board does not hold what was written to it.
    """
    from edgeq import measure
    from edgeq.builds import open_build
    from edgeq.devices.names import check_device, check_probe
    from edgeq.mobile.builds import is_mobile, refuse_variant
    from edgeq.mobile.validate import validate_mobile
    from edgeq.sharing import expanded, journal_of
    from edgeq.stopwatch import Stopwatch

    named = (device,) if isinstance(device, str) else tuple(device or ())
    if is_mobile(folder):
        return validate_mobile(
            folder, devices=named or (Target.MOBILE.default_device,), variant=variant, jobs=jobs, samples=samples,
            max_lsb=max_lsb, max_drop=max_drop, baud=baud, probe=probe, resume=resume, progress=progress or Progress(),
        )  # fmt: skip
    made = open_build(folder)
    refuse_variant(variant, folder)
    devices = expanded(named or (Target.CORTEX_M.default_device,), jobs)
    for one in dict.fromkeys(devices):
        check_device(one, made.board)
    check_probe(probe, devices, made.board)
    return measure.measure(
        made, devices, samples=samples, traced_samples=4, max_lsb=max_lsb, max_drop=max_drop,
        progress=progress or Progress(), clock=Stopwatch(), baud=baud, probe=probe, journal=journal_of(folder),
        resume=resume,
    )  # fmt: skip


def drift(
    folder: Path,
    *,
    device: str | None = None,
    variant: VariantKind | None = None,
    samples: int = 4,
    baud: int = BAUD,
    probe: str | None = None,
    progress: Progress | None = None,
) -> tuple[LayerDrift, ...]:
    """Compare a build on a device with the reference that the device is held to, layer by layer, on its first samples.

    Args and errors as `drift_table`, of which this is the first column.
    """
    return drift_table(
        folder, device=device, variant=variant, samples=samples, baud=baud, probe=probe, progress=progress
    ).layers


def drift_table(
    folder: Path,
    *,
    device: str | None = None,
    variant: VariantKind | None = None,
    samples: int = 4,
    baud: int = BAUD,
    probe: str | None = None,
    progress: Progress | None = None,
) -> LayerTable:
    """Compare a build on a device with references, layer by layer, on its first samples.

    Firmware is compared with the reference that it is held to. A `variant` of a mobile build (None: the one that the
    agent at a port holds, else int8) is compared with the kernels that the agent runs, and then with each of the other
    interpreters of this host. A board on a serial port needs an image that hands out layers: with a `probe` it gets the
    build's, and the build's own at the end.

    Raises:
        InputError, UnavailableError, FlashError: as `validate`.
    """
    from edgeq import measure
    from edgeq.builds import open_build
    from edgeq.devices.names import check_device, check_probe
    from edgeq.mobile.builds import is_mobile, refuse_probe, refuse_variant

    if is_mobile(folder):
        from edgeq.mobile.layers import drift_mobile

        refuse_probe(probe, folder)
        return drift_mobile(
            folder, device=device or Target.MOBILE.default_device, variant=variant, samples=samples, baud=baud,
            progress=progress or Progress(),
        )  # fmt: skip
    made, device = open_build(folder), device or Target.CORTEX_M.default_device
    refuse_variant(variant, folder)
    check_device(device, made.board)
    check_probe(probe, [device], made.board)
    inputs = measure.first(made.samples.inputs, samples)
    found = measure.trace(made, device, inputs, None, progress or Progress(), baud=baud, probe=probe)
    return LayerTable(device=device, columns=found)


def flash(folder: Path, *, probe: str, traced: bool = False, progress: Progress | None = None) -> Flashed:
    """Write a build's image into its board, read it back, and start it.

    Args:
        folder: what `edgeq build` wrote.
        probe: how to reach the board: `edgeq.flashing.probe.PROBE_HELP`.
        traced: the build's image that hands out layers, instead of the one without.
        progress: told what is going on.

    Raises:
        InputError: no build, or no such probe.
        BudgetError: the image that hands out layers does not fit the board.
        UnavailableError: the probe or board does not answer, is locked, or is another one.
        FlashError: the board does not hold what was written to it.
    """
    from edgeq import measure
    from edgeq.builds import open_build
    from edgeq.flashing.flash import flash_image
    from edgeq.flashing.probe import parse_probe

    made = open_build(folder)
    parse_probe(probe, made.board)
    return flash_image(measure.own_image(made, traced=traced).elf, made.board, probe, progress or Progress())


def export_build(
    folder: Path,
    *,
    to: str,
    out: Path | None = None,
    package_version: str = "1.0.0",
    license: str | None = None,
    author: str = "edgeq",
    url: str | None = None,
    engine: str | None = None,
    variant: VariantKind | None = None,
    name: str | None = None,
    namespace: str | None = None,
) -> Exported:
    """Write a build as a package of the ecosystem in which the user's project lives.

    Args:
        folder: what `edgeq build` wrote.
        to: "library", "cmake", "arduino", "platformio", "zephyr", "esp-idf" or "cmsis-pack"; of a build for phones
            "android" or "ios".
        out: the package's folder: new, empty, or an earlier export, whose files are replaced; a user's stay. None:
            export/<to>/<name of the model>.
        package_version: MAJOR.MINOR.PATCH.
        license: an SPDX expression for the model; None: the manifest names none.
        author: a name, with an address in <> if wanted.
        url: where the package lives.
        engine: "aot", or "tflm" for a package that TensorFlow Lite Micro runs, as a dependency; None: the build's.
        variant: of a build for phones; None: the recommended one.
        name: the prefix of names and files, of a build for phones; None: the model's.
        namespace: the package of Kotlin sources; None: edgeq.<name>.

    Raises:
        InputError: no build, no such ecosystem, a value that no manifest can hold, or `out` holds something else; or a
            build, or an option, of the other kind.
        UnsupportedError: `engine` is "tflm", and TensorFlow Lite Micro computes the model wrongly; or the app's sources
            cannot have the variant's inputs or outputs.
    """
    from edgeq.export.export import export
    from edgeq.export.record import Package

    package = Package(
        version=package_version, license=license, author=author, url=url, engine=engine, variant=variant, name=name,
        namespace=namespace,
    )  # fmt: skip
    return export(folder, to, out, package)


def profile(
    folder: Path,
    *,
    device: str | None = None,
    variant: VariantKind | None = None,
    baud: int = BAUD,
    progress: Progress | None = None,
) -> Profile | None:
    """Instructions, cycles and latency of one inference; None where the device cannot tell. Of a mobile build, the
    latency of its `variant` (None: the one that an agent holds, else int8).

    Raises:
        InputError, UnavailableError: as `validate`.
    """
    from edgeq import measure
    from edgeq.builds import open_build
    from edgeq.devices.names import check_device
    from edgeq.mobile.builds import is_mobile, refuse_variant
    from edgeq.mobile.validate import profile_mobile

    if is_mobile(folder):
        device = device or Target.MOBILE.default_device
        return profile_mobile(folder, device=device, variant=variant, baud=baud, progress=progress or Progress())
    made, device = open_build(folder), device or Target.CORTEX_M.default_device
    refuse_variant(variant, folder)
    check_device(device, made.board)
    (progress or Progress()).start("Counting instructions")
    return measure.count(made, device, made.samples.inputs, baud=baud)


def inspect(path: Path) -> tuple[ModelSummary, tuple[Finding, ...]]:
    """What is in a .tflite (or in that of a build's folder), and what stands in the way of running it as a full-integer
    model with the aot engine.

    Raises:
        ModelError: not readable, or no .tflite.
    """
    from edgeq.builds import MODEL
    from edgeq.generate.manifest import NAME as MANIFEST
    from edgeq.lower.ops import supported_ops
    from edgeq.model.flatbuffer import parse_tflite
    from edgeq.model.inspect import summarize
    from edgeq.model.load import read_tflite
    from edgeq.model.verify import verify_for

    if (path / MANIFEST).is_file():
        path /= MODEL
    graph = parse_tflite(read_tflite(path), where=str(path))
    return summarize(graph), verify_for(graph, supported_ops, engine="aot", float_io=True)


def check_data(spec: str, *, model: Path | None = None, trusted: bool = False) -> DataSummary:
    """What is in a data set, and whether it can be used; against a model's inputs if one is given.

    Raises:
        InputError: it cannot be used; the message says why.
    """
    from edgeq.data import summarize_dataset
    from edgeq.inputs import read_data

    data, warnings = read_data(spec, model, trusted=trusted)
    return summarize_dataset(data, warnings)


def diff(old: Path, new: Path) -> ReportDiff:
    """What changed between two reports (report.json files, or build folders).

    Raises:
        InputError: either is no report.
    """
    from edgeq.report.diff import diff_reports
    from edgeq.report.files import read_report

    return diff_reports(read_report(old), read_report(new))


def doctor() -> tuple[Check, ...]:
    """What is installed, what is missing, and the command that fixes it: `edgeq.installation.examine`."""
    from edgeq.installation import examine

    return examine()


def build_native_agent(
    target: str = "host", *, litert: Path | None = None, out: Path | None = None, progress: Progress | None = None
) -> Bundle:
    """The agent that needs no Python on the device, and LiteRT's library beside it:
    `edgeq.native_agent.bundle.make_bundle`.

    Args:
        target: for what: a name of `edgeq.native_agent.targets.NAMES`.
        litert: LiteRT's library, or its Android package (.aar); None: that of the ai-edge-litert wheel.
        out: the folder; None: where `--device adb` looks for it.
        progress: hears of the stages.

    Raises:
        InputError: there is no such target, `litert` is no such library, or `out` cannot be written.
        ToolError: zig, CMake, the Android NDK or LiteRT's library is missing.
    """
    from edgeq.native_agent.bundle import make_bundle
    from edgeq.native_agent.targets import find_target

    return make_bundle(find_target(target), litert=litert, out=out, progress=progress)


def monitor(
    port: str, *, baud: int = BAUD, write: Callable[[str], object] = print, seconds: float | None = None
) -> None:
    """Show what the device at a port says, a line of text at a time: `edgeq.link.monitor.monitor`.

    Args:
        port: a serial port or a pyserial URL.
        baud: speed of a real line.
        write: takes one line.
        seconds: end after so long; None: with Ctrl-C.

    Raises:
        InputError: pyserial knows no such URL.
        LinkError: no such port, or it went away.
    """
    from edgeq.link.monitor import monitor as listen

    listen(port, baud=baud, write=write, seconds=seconds)
