"""`edgeq compare`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from edgeq.cli._common import (
    PATH,
    TRAINING_PARAMETERS,
    json_option,
    progress,
    seed_option,
    training_options,
    training_request,
    trust_option,
)
from edgeq.comparison.arms import METHODS
from edgeq.comparison.options import CompareOptions, GivenArm
from edgeq.comparison.scoring import Scoring, parse_scoring
from edgeq.errors import InputError
from edgeq.records import Method

if TYPE_CHECKING:
    from edgeq.comparison.record import Comparison

_D = CompareOptions(data="", out=Path())


class Methods(click.ParamType[tuple[Method, ...]]):
    """Names of methods with commas between them."""

    name = "methods"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[Method, ...]:
        """The methods, each once; fails with a usage error."""
        if isinstance(value, tuple):
            return value
        known = {method.value: method for method in METHODS}
        names = [name.strip() for name in str(value).split(",")]
        for name in names:
            if name not in known:
                self.fail(f"{name!r} is no method; choose from {', '.join(known)}.", param, ctx)
        return tuple(dict.fromkeys(known[name] for name in names))


class Metric(click.ParamType[Scoring]):
    """auc, top1, top5, …"""

    name = "metric"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Scoring:
        """The scoring; fails with a usage error."""
        if isinstance(value, Scoring):
            return value
        try:
            return parse_scoring(str(value).strip().lower())
        except InputError as exc:
            self.fail(" ".join(str(exc).split()), param, ctx)


class Arm(click.ParamType[GivenArm]):
    """NAME=FILE."""

    name = "name=file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> GivenArm:
        """The arm; fails with a usage error."""
        if isinstance(value, GivenArm):
            return value
        name, _, path = str(value).partition("=")
        if not name.strip() or not path:
            self.fail(f"{value!r} is no arm; write NAME=FILE, such as ptq=model.tflite.", param, ctx)
        return GivenArm(name=name.strip(), path=Path(path))


_MAKES_ARMS = ("methods", *TRAINING_PARAMETERS, "seeds", "jobs", "dask")


def _refuse_without_effect(ctx: click.Context) -> None:
    """A usage error if options were given that say how arms are made, and none is made."""
    given = [
        f"--{name.replace('_', '-')}"
        for name in _MAKES_ARMS
        if ctx.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT
    ]
    if given:
        raise click.UsageError(
            f"{', '.join(given)} would have no effect: with --arm nothing is trained or quantized.\n"
            "Leave it out, or name a MODEL instead of --arm."
        )


@click.command("compare")
@click.argument("model", type=PATH, required=False)
@click.option(
    "--arm",
    "arms",
    type=Arm(),
    multiple=True,
    metavar="NAME=FILE",
    help="Instead of MODEL, at least twice: a model that you have (float=m.keras, ptq=a.tflite, qat=b.tflite), or an "
    ".npy with scores that you computed. Nothing is trained.",
)
@click.option(
    "--data",
    required=True,
    help="Samples with labels: an .npz (x_train, y_train, x_test, y_test; optional x_val, y_val, x_calib, group_test), "
    "a folder of images by class, or module:callable.",
)
@click.option(
    "--methods",
    type=Methods(),
    default=",".join(m.value for m in _D.methods),
    show_default=True,
    help="How int8 models are made; commas between them.",
)
@training_options
@click.option(
    "--calibration-samples",
    type=click.IntRange(1),
    default=_D.calibration_samples,
    show_default=True,
    help="Samples that PTQ's activation ranges are taken from.",
)
@click.option(
    "--seeds",
    type=click.IntRange(1, 1000),
    default=_D.seeds,
    show_default=True,
    help="How often what is random is repeated. From five on, methods are judged and not only these models.",
)
@seed_option
@click.option(
    "--margin",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Differences up to it do not matter: a share of the samples, or of the error in regression.  [default: 0.01; "
    "in regression 0.05]",
)
@click.option(
    "--metric",
    "scoring",
    type=Metric(),
    metavar="top1|topK|auc",
    help="What models of classes are measured by: accuracy, the label among the K largest scores (top5), or the area "
    "under the ROC curve (of several classes the mean, each against the rest).  [default: top1]",
)
@click.option("--out", type=PATH, default=Path("cmp"), show_default=True, help="Folder for the result and all arms.")
@click.option("--jobs", type=click.IntRange(1), help="Arms that are made at a time.  [default: one per core]")
@click.option("--dask", metavar="ADDRESS", help="Let a Dask cluster make the arms: the scheduler's address.")
@trust_option
@json_option
def command(as_json: bool, **options: Any) -> int:
    """Is PTQ really better than QAT, or than the float model? Measures it on MODEL, and says why.

    Every arm is evaluated on the same test samples, the int8 ones through TensorFlow Lite Micro's kernels. Beside QAT
    the float model is trained on in the same way, so that what quantization awareness brings is told apart from what
    extra training brings. Finished arms are kept in the output folder and used again.

    With --arm, models that are there already are evaluated and diagnosed as they are.

    \b
    Examples
      edgeq compare model.keras --data digits.npz
      edgeq compare model.keras --data digits.npz --methods ptq,qat --seeds 5
      edgeq compare --arm float=m.keras --arm ptq=a.tflite --data digits.npz
    """
    if (options["model"] is None) == (not options["arms"]):
        raise click.UsageError("Name a MODEL to quantize, or models that you have with --arm NAME=FILE; not both.")
    if options["arms"]:
        _refuse_without_effect(click.get_current_context())
    from edgeq import api

    request = CompareOptions(training=training_request(options), **options)
    with progress(quiet=as_json) as bars:
        comparison = api.compare(request, progress=bars)
    return _show(comparison, request.out / "compare.html", as_json=as_json)


def _show(comparison: Comparison, page: Path, *, as_json: bool) -> int:
    """Print the result; exit status 1 if it cannot be used as it is."""
    import json
    import sys

    from rich.console import Console

    from edgeq.comparison.record import Severity
    from edgeq.comparison.report.console import render
    from edgeq.comparison.report.document import to_json

    if as_json:
        json.dump(to_json(comparison), sys.stdout, indent=2)
        sys.stdout.write("\n")
    else:
        console = Console()
        console.print(render(comparison))
        console.print(f"Report: {page}", soft_wrap=True, markup=False, highlight=False)
    return int(any(finding.severity is Severity.ERROR for finding in comparison.findings))
