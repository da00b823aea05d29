"""A model's firmware by either engine: what they do differently between a verified .tflite and an image."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Protocol

from edgeq.boards import Board
from edgeq.builds import PROJECT, BuildSamples, generate_project, label_names
from edgeq.errors import BudgetError, EdgeqError
from edgeq.fit import fit
from edgeq.generate.manifest import read_manifest
from edgeq.generate.tflm_project import generate_tflm
from edgeq.host import Golden
from edgeq.interpreter import (
    TflmPart,
    check_tflm,
    choose_arena,
    interpreted_program,
    kernel_notes,
    running,
    unusual_inputs,
)
from edgeq.lower.choose import Limits
from edgeq.lower.lower import lower
from edgeq.lower.names import Pass
from edgeq.lower.program import Program
from edgeq.lower.savings import with_savings
from edgeq.options import BuildOptions
from edgeq.records import Image, Progress, Project, Quantized
from edgeq.report.files import read_report
from edgeq.stopwatch import Stopwatch
from edgeq.toolchain.compile import compile_project
from edgeq.toolchain.tflm import TflmLibrary


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Firmware:
    """What an engine made.

    `limits` are those with which lowering gives `program`; `traced` is None where it does not fit the board; `notes`
    are for the report.
    """

    program: Program
    limits: Limits
    project: Project
    image: Image
    traced: Image | None
    tflm: TflmPart | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Place:
    """Where the firmware is made, how, and who is told."""

    options: BuildOptions
    board: Board
    board_spec: str
    name: str
    folder: Path
    progress: Progress
    clock: Stopwatch

    def compile(self, project: Project, *, traced: bool = False, tflm: TflmLibrary | None = None) -> Image:
        """An image of a project; a traced one after the one without. Raises as `compile_project`."""
        options = self.options
        # The user's limits are for what the product runs.
        flash_limit, ram_limit = (None, None) if traced else (options.flash_limit, options.ram_limit)
        with self.clock("compile"):
            self.progress.start(f"Compiling with {options.compiler}" + (", for layer by layer" if traced else ""))
            return compile_project(
                project, self.board, toolchain=options.compiler, traced=traced, out=self.folder / "objects",
                flash_limit=flash_limit, ram_limit=ram_limit, tflm=tflm, after_untraced=traced,
            )  # fmt: skip

    def compile_traced(self, project: Project, *, tflm: TflmLibrary | None = None) -> Image | None:
        """The image that hands out layers, after the one without; None if it does not fit the board."""
        try:
            return self.kept(self.compile(project, traced=True, tflm=tflm), "firmware-traced.elf")
        except BudgetError:
            return None

    def kept(self, image: Image, name: str) -> Image:
        """The image, moved to where the build keeps it."""
        return replace(image, elf=image.elf.rename(self.folder / name))


class Maker(Protocol):
    """Makes a model's firmware; what it needs to know of the model alone, it was told before."""

    def make(self, samples: BuildSamples, golden: Golden) -> Firmware:
        """The firmware; its golden input is the first sample.

        Raises:
            ToolError: the compiler refused the code.
            BudgetError: the image does not fit.
        """
        ...


class AotMaker:
    """Generated C. Kernels are chosen so that the image fits."""

    def __init__(self, quantized: Quantized, place: Place) -> None:
        """Lowers the model.

        Raises:
            UnsupportedError: an op or attribute that the engine does not have.
        """
        options = place.options
        self._quantized, self._place = quantized, place
        self._lowered = partial(lower, quantized.graph, features=place.board.features, optimize=options.optimize)
        self._passes = frozenset(Pass) - {*options.without_passes}
        self._limits = Limits(flash=options.flash_limit, ram=options.ram_limit)
        self._program = self._lowered(limits=self._limits, passes=self._passes)

    def make(self, samples: BuildSamples, golden: Golden) -> Firmware:
        """As `Maker.make`."""
        place = self._place

        def make(program: Program) -> tuple[Project, Image]:
            with place.clock("generate"):
                place.progress.start("Generating C")
                project = generate_project(
                    place.board, place.folder / PROJECT, name=place.name, quantized=self._quantized, program=program,
                    samples=samples, golden=golden.outputs, tflm_arena_bytes=golden.tflm_arena_bytes,
                )  # fmt: skip
            return project, place.compile(project)

        fitted = fit(
            self._program, self._limits, make=make,
            again=lambda limits: self._lowered(limits=limits, passes=self._passes),
        )  # fmt: skip
        with place.clock("lower"):
            program = with_savings(
                fitted.program, lambda name: self._lowered(limits=fitted.limits, passes=self._passes - {name})
            )
        image = place.kept(fitted.image, "firmware.elf")
        return Firmware(
            program=program, limits=fitted.limits, project=fitted.project, image=image,
            traced=place.compile_traced(fitted.project),
        )  # fmt: skip


class TflmMaker:
    """The interpreter of TensorFlow Lite Micro, from the user's library."""

    def __init__(self, quantized: Quantized, place: Place, library: TflmLibrary) -> None:
        """Checks the model.

        Raises:
            UnsupportedError: TensorFlow Lite Micro computes it wrongly.
            InputError: this library lacks an operator, or is of another time than the model.
        """
        self._quantized, self._place, self._library = quantized, place, library
        self._running = running(quantized)
        check_tflm(library, self._running.graph)

    def make(self, samples: BuildSamples, golden: Golden) -> Firmware:
        """As `Maker.make`.

        Raises:
            InputError: no arena size is known, or the user's is too small.
        """
        place, run, library = self._place, self._running, self._library
        arena = choose_arena(
            place.options.arena, run.graph,
            before=arena_before(place.options.out, self._quantized, place, library), on_host=golden.tflm_arena_bytes,
        )  # fmt: skip
        program = interpreted_program(run, self._quantized, arena)
        with place.clock("generate"):
            place.progress.start("Generating C++")
            project = generate_tflm(
                program, content=run.content, graph=run.graph, board=place.board, out=place.folder / PROJECT,
                name=place.name, golden_inputs=[a[0] for a in samples.inputs], golden_outputs=golden.outputs,
                arena=arena, equal_model=run.equal_model, labels=label_names(samples, run.graph),
            )  # fmt: skip
        image = place.kept(place.compile(project, tflm=library), "firmware.elf")
        traced = place.compile_traced(project, tflm=library)
        part = TflmPart(library=library.title, library_sha256=library.sha256, arena=arena, running=run)
        limits = Limits(flash=place.options.flash_limit, ram=place.options.ram_limit)
        unusual = (found.reason for found in unusual_inputs(run.graph))
        notes = (library.title, *kernel_notes(library, run.graph), *unusual)
        return Firmware(
            program=program, limits=limits, project=project, image=image, traced=traced, tflm=part, notes=notes
        )


def arena_before(out: Path, quantized: Quantized, place: Place, library: TflmLibrary) -> int | None:
    """Bytes of the arena that the device used in the build that `out` holds; None if it is of another model, board or
    library, or holds no report."""
    try:
        manifest = read_manifest(out, verify=False)
        same = (
            manifest.files["model"].sha256 == quantized.graph.sha256,
            manifest.facts["board"] == place.board_spec,
            manifest.facts["tflm"]["library_sha256"] == library.sha256,  # type: ignore[index,call-overload]
        )
        memory = read_report(out).memory
    except (EdgeqError, KeyError, TypeError):
        return None
    return memory.arena_used_bytes if all(same) and memory is not None else None
