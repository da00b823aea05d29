"""`edgeq export`."""

from __future__ import annotations

from pathlib import Path

import click

from edgeq.cli._common import PATH
from edgeq.export.registry import APPS, TITLES
from edgeq.records import VariantKind

_LIST, _APPS = ("\n".join(f"      {name:<12}{title}" for name, title in names.items()) for names in (TITLES, APPS))


@click.command(
    "export",
    help=f"""Put the model of BUILD into your own project, as a package of its ecosystem.

    BUILD is a folder that `edgeq build` wrote. Its engine becomes a library without edgeq, link or board code: a header
    with init, invoke and selftest, helpers from and to float, C files, weights in flash, an example, a manifest.
    Two models that were built with different --name link into one program.

    \b
    --to takes
{_LIST}

    \b
    and of a build for phones (--target mobile and its kin)
{_APPS}

    The latter have the .tflite of a variant, and sources that load it, convert as the host does and name the classes,
    with tests of all constants.

    \b
    Examples
      edgeq export build/ --to library
      edgeq export build/ --to zephyr --out ~/my-app/modules/kws
      edgeq export build/ --to arduino --author "Ada <ada@ex.org>" --license MIT
      edgeq export phones/ --to android --variant int8 --name kws

    Exporting again replaces the files that edgeq wrote, and leaves others alone. A file of edgeq's that you have
    changed is yours: it is never overwritten.
    """,
)
@click.argument("build", type=PATH)
@click.option("--to", required=True, type=click.Choice([*TITLES, *APPS]), help="The ecosystem.")
@click.option(
    "--engine",
    type=click.Choice(["aot", "tflm"]),
    help="What runs the model: edgeq's own C, or TensorFlow Lite Micro as a dependency.  [default: the build's]",
)
@click.option(
    "--variant",
    type=click.Choice([kind.value for kind in VariantKind]),
    callback=lambda _context, _option, value: None if value is None else VariantKind(value),
    help="Of a build for phones: which variant.  [default: the recommended one]",
)
@click.option("--name", help="Of a build for phones: prefix of names and files.  [default: the model's name]")
@click.option("--namespace", help="With --to android: the package of the Kotlin sources.  [default: edgeq.<name>]")
@click.option("--out", type=PATH, help="The package's folder.  [default: export/<to>/<name of the model>]")
@click.option("--package-version", default="1.0.0", show_default=True, help="MAJOR.MINOR.PATCH, for the manifest.")
@click.option("--license", help="SPDX expression for your model.  [default: the manifest has none]")
@click.option("--author", default="edgeq", show_default=True, help="For the manifest: a name, or Name <address>.")
@click.option("--url", help="For the manifest: where the package lives.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON, and nothing else, on stdout.")
def command(
    build: Path,
    to: str,
    engine: str | None,
    variant: VariantKind | None,
    name: str | None,
    namespace: str | None,
    out: Path | None,
    package_version: str,
    license: str | None,
    author: str,
    url: str | None,
    as_json: bool,
) -> int:
    """See `help` above."""
    import json

    import edgeq

    done = edgeq.export_build(
        build, to=to, out=out, package_version=package_version, license=license, author=author, url=url, engine=engine,
        variant=variant, name=name, namespace=namespace,
    )  # fmt: skip
    if as_json:
        facts = {"to": done.to, "name": done.name, "out": str(done.out)}
        facts |= {} if done.variant is None else {"variant": done.variant}
        click.echo(json.dumps({**facts, "files": done.files, "commands": done.commands}, indent=2))
        return 0
    of = "" if done.variant is None else f", the {done.variant} variant"
    click.echo(f"{done.out} has {done.name} for {done.to}{of}: {len(done.files)} files. README.md says more. Next:")
    for line in done.commands:
        click.echo(f"  {line}")
    if done.note is not None:
        click.echo(done.note)
    return 0
