"""`edgeq agent`."""

from __future__ import annotations

from pathlib import Path

import click

from edgeq.cli._common import PATH


@click.command("agent")
@click.argument("model", type=PATH)
@click.option(
    "--tcp",
    metavar="HOST:PORT",
    help="Listen there, for `--device socket://HOST:PORT`; port 0 takes any.  [default: 127.0.0.1:0]",
)
@click.option("--serial", metavar="PORT[:BAUD]", help="Serve on a serial line instead, 115200 baud unless said.")
@click.option("--threads", type=click.IntRange(1, 256), default=1, show_default=True, help="Of LiteRT's interpreter.")
@click.option("--cpu", metavar="LIST", help="Run on these CPUs only: 0-3,6.")
@click.option(
    "--warmup",
    type=click.IntRange(0),
    default=5,
    show_default=True,
    help="Inferences before the first one that is measured.",
)
@click.option(
    "--kernels",
    type=click.Choice(["default", "builtin", "reference"]),
    default="default",
    show_default=True,
    help="default: what apps get (XNNPACK); builtin: LiteRT's own without XNNPACK; reference: its reference kernels.",
)
@click.option(
    "--idle",
    type=click.FloatRange(min=0, min_open=True),
    default=30.0,
    show_default=True,
    help="Seconds of silence after which a client makes room for one that waits.",
)
@click.option("--emulated", hidden=True, help="The processor is, and this one: tell no times.")
def command(model: Path, tcp: str | None, serial: str | None, **options: object) -> int:
    """Run MODEL (a .tflite, or a build's folder) here, for `edgeq validate`, `drift` and `profile` elsewhere.

    It needs LiteRT and numpy, no TensorFlow. Over TCP the first line on stdout is what --device takes; one client is
    served after the other, until Ctrl-C. The protocol has no passwords: whoever reaches the port may use the model. So
    it listens on this machine alone unless --tcp says otherwise; from elsewhere, ssh -L 7007:localhost:7007 is safe.
    """
    from edgeq.agent.run import AgentOptions, run_agent

    run_agent(model, AgentOptions(tcp=tcp, serial=serial, **options), say=lambda text: click.echo(text, err=True))  # type: ignore[arg-type]
    return 0
