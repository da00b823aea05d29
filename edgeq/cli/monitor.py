"""`edgeq monitor`."""

from __future__ import annotations

import click

from edgeq.cli._common import baud_option


@click.command("monitor")
@click.argument("port")
@baud_option
def command(port: str, baud: int) -> int:
    """Show what the device at PORT says: frames decoded, everything else as text, until Ctrl-C.

    PORT is a serial port or a pyserial URL (socket://host:port, rfc2217://host:port).
    """
    from edgeq.link.monitor import monitor

    monitor(port, baud=baud, write=click.echo)
    return 0
