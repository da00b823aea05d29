"""`edgeq flash`."""

from __future__ import annotations

from pathlib import Path

import click

from edgeq.cli._common import PATH, json_option, probe_option, progress


@click.command("flash")
@click.argument("build", type=PATH)
@probe_option
@click.option(
    "--traced", is_flag=True, help="An image that can be traced instead of the measured one (edgeq drift needs it)."
)
@json_option
def command(build: Path, probe: str, traced: bool, as_json: bool) -> int:
    """Write the firmware of BUILD into its board, read it back, and start it.

    BUILD is a folder that `edgeq build` wrote. What is in the board is compared with it byte by byte, always.

    \b
    Examples
      edgeq flash build/
      edgeq flash build/ --probe gdb://localhost:3333
      edgeq flash build/ --probe uf2:/media/me/RPI-RP2
    """
    import json
    from dataclasses import asdict

    import edgeq

    with progress(quiet=as_json) as bars:
        done = edgeq.flash(build, probe=probe, traced=traced, progress=bars)
    if as_json:
        click.echo(json.dumps(asdict(done), indent=2))
    else:
        how = "written, read back, started" if done.read_back else "written; its drive has gone, as it does at a start;"
        if not done.started:
            how = "written and read back"
        click.echo(f"{done.board} has {done.image}: {done.size:,} bytes {how} in {done.seconds:.1f} s.")
    return 0
