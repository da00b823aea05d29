"""What several commands share: options, progress bars, and printing a report."""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import click

from edgeq.flashing.probe import PROBE_HELP
from edgeq.link.codes import BAUD
from edgeq.training.options import RangesInTraining, TrainingOptions

if TYPE_CHECKING:
    from rich.console import Console

    from edgeq.records import Progress
    from edgeq.report.record import Report

F = TypeVar("F", bound=Callable[..., Any])

DEVICE_HELP = (
    "Where the firmware runs: emulated (Unicorn), qemu, native (compiled for this host), tflm-host (the TensorFlow "
    "Lite Micro interpreter on the generated array), litert-host (LiteRT here), arm64 (LiteRT on an emulated "
    "phone-class processor), adb or adb:SERIAL (LiteRT on the phone that adb sees), a serial port (/dev/ttyACM0, COM3) "
    "or a pyserial URL (socket://host:port, "
    "rfc2217://host:port): a board, or `edgeq agent`."
)

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print the report as JSON, and nothing else, on stdout."
)
DEFAULT_DEVICE = "emulated; of a mobile build litert-host"

device_option = click.option("--device", show_default=DEFAULT_DEVICE, help=DEVICE_HELP)
probe_option = click.option(
    "--probe", default="auto", show_default=True, help="How to reach the board's memory: " + PROBE_HELP
)
flash_option = click.option(
    "--flash", is_flag=True, help="Write the firmware into the board on the serial port first, by --probe."
)
devices_option = click.option(
    "--device",
    multiple=True,
    show_default=DEFAULT_DEVICE,
    help=DEVICE_HELP + " May be repeated: the devices share the samples.",
)
jobs_option = click.option(
    "--jobs", type=click.IntRange(1), default=1, show_default=True, help="Start so many of DEVICE to share the samples."
)
resume_option = click.option(
    "--resume", is_flag=True, help="Go on where an interrupted run stopped: samples with an answer do not run again."
)
baud_option = click.option(
    "--baud",
    type=click.IntRange(min=1200),
    default=BAUD,
    show_default=True,
    help="Line speed, if the device is a serial port.",
)
seed_option = click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Seed of everything random."
)
trust_option = click.option(
    "--trust-model",
    "trusted",
    is_flag=True,
    help="Load the model even if it carries code (Lambda layers, custom classes). Only for files that you made.",
)


class NonEmptyPath(click.Path):
    """A path; "" is none (a shell variable that was not set gives it), nor the current folder."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path; fails with a usage error."""
        if value == "":
            self.fail("the path is empty.", param, ctx)
        return super().convert(value, param, ctx)


class Fraction(click.FloatRange):
    """A number from 0 to 1; not NaN, which every range lets through."""

    def __init__(self) -> None:
        super().__init__(0, 1)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number; fails with a usage error."""
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is no number from 0 to 1.", param, ctx)
        return number


def training_options(command: F) -> F:
    """Add the options of the methods that train; `training_request` reads them."""
    for option in reversed(_TRAINING_OPTIONS):
        command = option(command)
    return command


def training_request(options: dict[str, Any]) -> TrainingOptions:
    """Take the training options out of a command's options."""
    given = {name: options.pop(name) for name in TRAINING_PARAMETERS}
    ranges = given["ranges_in_training"]
    return TrainingOptions(**{**given, "ranges_in_training": RangesInTraining(ranges) if ranges else None})


class PositiveNumber(click.FloatRange):
    """A number above 0; neither NaN nor infinite."""

    def __init__(self) -> None:
        super().__init__(min=0, min_open=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number; fails with a usage error."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value!r} is no positive number.", param, ctx)
        return number


TRAINING_PARAMETERS = ("epochs", "learning_rate", "batch_size", "patience", "optimizer", "loss", "ranges_in_training")
"""Names of the parameters that `training_options` adds."""

_T = TrainingOptions()
_TRAINING_OPTIONS = (
    click.option(
        "--epochs",
        type=click.IntRange(1),
        default=_T.epochs,
        show_default=True,
        help="Methods that train: passes over the training samples, at most.",
    ),
    click.option(
        "--learning-rate",
        type=PositiveNumber(),
        help="Of the optimizer.  [default: a tenth of what the model was compiled with, at most 0.001]",
    ),
    click.option(
        "--batch-size",
        type=click.IntRange(1),
        default=_T.batch_size,
        show_default=True,
        help="Training samples in a step.",
    ),
    click.option(
        "--patience",
        type=click.IntRange(0),
        default=_T.patience,
        show_default=True,
        help="Epochs without a better validation loss after which training stops; 0: never.",
    ),
    click.option("--optimizer", help="Keras' name of it.  [default: the compiled model's, else adam]"),
    click.option("--loss", help="Keras' name of it.  [default: the compiled model's, else one that fits the labels]"),
    click.option(
        "--ranges-in-training",
        type=click.Choice([r.value for r in RangesInTraining]),
        help="Activation ranges in edgeq's own QAT (qat): a moving average of batches' extremes, or trained like "
        f"weights.  [default: {RangesInTraining.EMA.value}]",
    ),
)

PATH = NonEmptyPath(path_type=Path)


class ByteSize(click.ParamType[int]):
    """A number of bytes: 65536, 64K, 64KiB, 1M."""

    name = "bytes"
    _units: ClassVar = {"": 1, "B": 1, "K": 2**10, "KB": 2**10, "KIB": 2**10, "M": 2**20, "MB": 2**20, "MIB": 2**20}

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number of bytes; fails with a usage error."""
        text = str(value).strip().upper()
        digits = text.rstrip("BKIM ")
        unit = text[len(digits) :].strip()
        if not digits.isdigit() or unit not in self._units or int(digits) == 0:
            self.fail(f"{value!r} is no size; write bytes (65536) or a unit (64K, 1M).", param, ctx)
        return int(digits) * self._units[unit]


@contextlib.contextmanager
def progress(*, quiet: bool = False) -> Iterator[Progress]:
    """Bars on stderr while a terminal watches, one line per stage otherwise; nothing if `quiet`."""
    from edgeq.records import Progress

    if quiet:
        yield Progress()
        return
    from rich.console import Console

    # An own copy of the descriptor: while TensorFlow's chatter is swallowed, descriptor 2 points elsewhere.
    with os.fdopen(os.dup(2), "w") as stderr:
        console = Console(file=stderr)
        if console.is_terminal:
            with _bars(console) as drawn:
                yield drawn
        else:
            yield Progress(start=lambda what, total=None: print(what, file=stderr, flush=True))


@contextlib.contextmanager
def _bars(console: Console) -> Iterator[Progress]:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        ProgressColumn,
        SpinnerColumn,
        Task,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bars
    from rich.text import Text

    from edgeq.records import Progress

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:.0f}/s" if task.speed and (task.total or 0) > 1 else "")

    bars = Bars(
        SpinnerColumn(finished_text="[green]✓[/]"),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        Rate(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
    )
    current: list[Any] = []

    def finish() -> None:
        while current:
            task = current.pop()
            total = bars.tasks[task].total if task < len(bars.tasks) else None
            bars.update(task, total=total or 1, completed=total or 1)

    def start(what: str, total: int | None = None) -> None:
        finish()
        current.append(bars.add_task(what, total=total))

    def step(n: int = 1) -> None:
        if current:
            bars.advance(current[-1], n)

    with bars:
        yield Progress(start=start, step=step)
        finish()


def show(report: Report, *, as_json: bool, html: Path | None = None) -> int:
    """Print a report; the command's exit status: 1 if a check failed."""
    if as_json:
        from edgeq.report.record import to_json

        json.dump(to_json(report), sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        from rich.console import Console

        from edgeq.report.console import render

        console = Console()
        console.print(render(report))
        if html is not None:
            console.print(f"Report: {html}", soft_wrap=True, markup=False, highlight=False)
    return 0 if all(check.passed for check in report.checks) else 1
