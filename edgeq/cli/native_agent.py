"""`edgeq native-agent`."""

from __future__ import annotations

from pathlib import Path

import click

from edgeq.cli._common import PATH, progress


@click.command("native-agent")
@click.option(
    "--for",
    "target",
    default="host",
    show_default=True,
    metavar="TARGET",
    help="linux-arm64, linux-x86_64, android-arm64, android-x86_64 or host.",
)
@click.option("--out", type=PATH, help="The folder to make.  [default: edgeq's cache, where --device adb looks]")
@click.option(
    "--litert",
    type=PATH,
    help="LiteRT's library, or its Android package (.aar).  [default: the wheel's; none for Android]",
)
def command(target: str, out: Path | None, litert: Path | None) -> int:
    """Build the agent that needs no Python on the device: for phones and small boards.

    It is C++ around LiteRT's shared library, which is put beside it. For Linux, edgeq's own compiler (zig) and the
    wheel's library are enough. For Android it takes the Android NDK (ANDROID_NDK_HOME), CMake and LiteRT's .aar.

    \b
    Examples
      edgeq native-agent --for linux-arm64 --out agent/
      edgeq native-agent --for android-arm64 --litert litert-2.3.0.aar
    Then, on the device
      ./edgeq-agent model.tflite --litert ./libLiteRt.so --tcp 0.0.0.0:7007
    and here
      edgeq validate build/ --device socket://DEVICE:7007
    """
    import edgeq

    with progress() as bars:
        bundle = edgeq.build_native_agent(target, litert=litert, out=out, progress=bars)
    sizes = ", ".join(f"{file.name} {file.stat().st_size:,} bytes" for file in (bundle.program, bundle.library))
    click.echo(f"{bundle.folder}: the agent for {bundle.target.name} ({sizes}).")
    return 0
