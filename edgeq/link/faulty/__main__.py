"""`python -m edgeq.link.faulty`: the proxy for people."""

from __future__ import annotations

import contextlib
import json
import os
import select
import stat
import sys
import time
from collections.abc import Callable
from typing import Any

import click

from edgeq.errors import EdgeqError
from edgeq.link.codes import BAUD
from edgeq.link.faulty.faults import Faults
from edgeq.link.faulty.proxy import Proxy

_CHANCE = click.FloatRange(0, 1)
_LOOK = 0.02


class Cut(click.ParamType[tuple[float, float]]):
    """AT:SECONDS."""

    name = "at:seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, float]:
        """Both numbers; fails with a usage error."""
        if isinstance(value, tuple):
            return value
        try:
            at, seconds = (float(part) for part in str(value).split(":"))
        except ValueError:
            self.fail(f"{value!r} is not AT:SECONDS, as in 5:2.5.", param, ctx)
        return at, seconds


class Address(click.ParamType[tuple[str, int]]):
    """HOST:PORT."""

    name = "host:port"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        """Both parts; fails with a usage error."""
        if isinstance(value, tuple):
            return value
        host, colon, port = str(value).rpartition(":")
        if not colon or not port.isdigit() or int(port) > 65535:
            self.fail(f"{value!r} is not HOST:PORT, as in 127.0.0.1:4000.", param, ctx)
        return host, int(port)


@click.command("edgeq.link.faulty")
@click.argument("device")
@click.option("--bit-errors", type=_CHANCE, default=0.0, help="Chance of each bit to be flipped.")
@click.option("--drop", type=_CHANCE, default=0.0, help="Chance of each byte to be lost.")
@click.option("--duplicate", type=_CHANCE, default=0.0, help="Chance of each byte to arrive twice.")
@click.option("--frames", is_flag=True, help="--drop and --duplicate hit whole frames, not bytes.")
@click.option("--delay", type=click.FloatRange(0), default=0.0, help="Longest delay of a piece, in seconds.")
@click.option("--split", is_flag=True, help="Pieces arrive in smaller pieces.")
@click.option("--merge", type=click.FloatRange(0), default=0.0, help="Seconds for which bytes are held back.")
@click.option("--cut", "cuts", type=Cut(), multiple=True, help="Cut the line so many seconds after the start.")
@click.option("--reset", "resets", type=click.FloatRange(0), multiple=True, help="Reset the device at that second.")
@click.option("--line-baud", type=click.IntRange(300), help="Let no more through than such a line.  [default: all]")
@click.option("--clean-baud", type=click.IntRange(300), help="The fastest speed that the line carries without errors.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of all chance.")
@click.option("--baud", type=click.IntRange(300), default=BAUD, show_default=True, help="Speed of DEVICE's port.")
@click.option("--listen", type=Address(), help="Be a TCP server for the host (socket://HOST:PORT); port 0: any.")
def command(
    device: str,
    cuts: tuple[tuple[float, float], ...],
    resets: tuple[float, ...],
    baud: int,
    listen: tuple[str, int] | None,
    line_baud: int | None,
    **faults: Any,
) -> None:
    """Put a bad line between the host and the device at DEVICE, a serial port or a pyserial URL.

    Prints the port to use instead of DEVICE, runs until Ctrl-C or until its stdin is closed by the program that started
    it, then prints what it did to the line, as JSON.

    \b
    Example
      python -m edgeq.link.faulty /dev/ttyACM0 --bit-errors 1e-4 --drop 0.003 --cut 20:3
      edgeq validate build/ --device /dev/pts/7
    """
    with Proxy(device, Faults(baud=line_baud, **faults), baud=baud, listen=listen) as proxy:
        click.echo(proxy.url)
        sys.stdout.flush()
        plan: list[tuple[float, Callable[[], None]]] = [
            *((at, lambda s=seconds: proxy.cut(s)) for at, seconds in cuts),
            *((at, proxy.reset) for at in resets),
        ]
        with contextlib.suppress(KeyboardInterrupt):
            _follow(sorted(plan, key=lambda step: step[0]), proxy)
        click.echo(json.dumps(proxy.statistics(), indent=2))
    if proxy.failure is not None:
        raise proxy.failure


def _follow(plan: list[tuple[float, Callable[[], None]]], proxy: Proxy) -> None:
    begin = time.monotonic()
    while proxy.is_alive() and not _stdin_is_closed():
        while plan and time.monotonic() - begin >= plan[0][0]:
            plan.pop(0)[1]()


def _stdin_is_closed() -> bool:
    """Waits a moment. Only a pipe says anything: a terminal is the user's shell's, /dev/null is always at its end."""
    if sys.stdin is None or sys.platform == "win32" or not stat.S_ISFIFO(os.fstat(0).st_mode):
        time.sleep(_LOOK)
        return False
    return bool(select.select([0], [], [], _LOOK)[0]) and not os.read(0, 4096)


def main() -> int:
    """Entry point; an error is one message and an exit code."""
    try:
        command.main(standalone_mode=False)
    except click.ClickException as exc:
        exc.show()
        return exc.exit_code
    except EdgeqError as exc:
        click.echo(f"Error: {exc}", err=True)
        return exc.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
