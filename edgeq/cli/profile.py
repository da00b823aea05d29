"""`edgeq profile`."""

from __future__ import annotations

from pathlib import Path

import click

from edgeq.cli._common import DEFAULT_DEVICE, PATH, baud_option, json_option, progress
from edgeq.cli._mobile import variant_option
from edgeq.records import VariantKind

_device_option = click.option(
    "--device",
    show_default=DEFAULT_DEVICE,
    help="Where it runs: emulated (Unicorn), qemu, litert-host (LiteRT here), adb or adb:SERIAL (LiteRT on the phone "
    "that adb sees), a serial port (/dev/ttyACM0, COM3) or a pyserial URL (socket://host:port, rfc2217://host:port): a "
    "board, or `edgeq agent`.",
)


@click.command("profile")
@click.argument("build", type=PATH)
@_device_option
@variant_option
@baud_option
@json_option
def command(build: Path, device: str | None, variant: VariantKind | None, baud: int, as_json: bool) -> int:
    """Instructions, cycles and latency of one inference, per layer.

    On an emulator, cycles are estimated from the core's documented timings, with zero wait states, and labelled so.
    The devices native and tflm-host run on this computer, whose instructions say nothing about a board: they cannot
    be profiled. LiteRT (litert-host, adb, `edgeq agent`) is timed as a whole, median, p90 and p99 of many inferences
    with threads, CPUs and clock governor, and op by op by its own profiler. An emulated processor (arm64) has no time.
    """
    import json
    from dataclasses import asdict

    import edgeq
    from edgeq.errors import InputError
    from edgeq.mobile.builds import is_mobile

    mobile = is_mobile(build)
    if device in {"native", "tflm-host"} and not mobile:
        raise InputError(
            f"Device {device} runs on this computer, whose instructions say nothing about a board.",
            hint="Use --device emulated or qemu, or the port of a board.",
        )
    if device == "arm64":
        raise InputError(
            "Device arm64 is emulated: it shows what a phone computes, never how fast.",
            hint="Run `edgeq agent` on the phone or board, and use --device socket://host:port.",
        )
    with progress(quiet=as_json) as bars:
        profile = edgeq.profile(build, device=device, variant=variant, baud=baud, progress=bars)
    where = device or "the default device"
    if profile is None and (mobile or where.partition(":")[0] in {"litert-host", "adb"}):
        raise InputError(
            f"LiteRT on {where} tells no times: its processor is emulated, or inferences in a row fail.",
            hint="`edgeq validate` shows whether it runs. Times are told by an agent on the phone or board itself.",
        )
    if profile is None:
        raise InputError(
            f"The instructions of an inference on {where} cannot be counted: it sends no count, and edgeq has no "
            "emulator of its core.",
            hint="Use --device emulated or qemu, or build for another board.",
        )
    if as_json:
        click.echo(json.dumps(asdict(profile), indent=2))
    else:
        from rich.console import Console

        from edgeq.report.tables import render_profile

        Console().print(render_profile(profile))
    return 0
