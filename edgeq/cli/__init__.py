"""The command line: one module per command, imported when it is asked for."""

from __future__ import annotations

import importlib

import click

_COMMANDS = {
    "build": "Quantize, generate C, compile, run on the device, compare bit by bit.",
    "demo": "The whole flow on a small CNN that is trained on the spot.",
    "compare": "Is PTQ really better than QAT? Arms, statistics, causes, verdict.",
    "export": "Put a build into your own project: library, CMake, Arduino, PlatformIO, Zephyr, …",
    "flash": "Write a build into its board, read it back, start it.",
    "validate": "Run the test samples of a build on a device again.",
    "drift": "Layer by layer: where does the device leave the host?",
    "profile": "Instructions, cycles and latency, per layer.",
    "inspect": "What is in a .tflite, and is it full-integer?",
    "data": "Look at a data set before it is used.",
    "diff": "What changed between two reports.",
    "boards": "The boards that edgeq knows.",
    "doctor": "What is installed, what is missing, and the command that fixes it.",
    "agent": "Run a .tflite on this device for an edgeq elsewhere: phones, ARM boards.",
    "native-agent": "Build the agent that needs no Python, for phones and boards.",
    "monitor": "Show what a device says on its serial port.",
}


class _LazyGroup(click.Group):
    """Knows its commands' names and one-line helps, and imports a command's module only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"edgeq.cli.{cmd_name.replace('-', '_')}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as exc:
            import difflib

            close = difflib.get_close_matches(args[0], _COMMANDS, n=1)
            if close and "No such command" in exc.message:
                raise click.UsageError(f"{exc.message} Did you mean '{close[0]}'?", ctx) from exc
            raise


def _print_version(ctx: click.Context, param: click.Parameter, wanted: bool) -> None:
    """Also of a checkout that is not installed, which click's own option cannot tell."""
    if wanted:
        from edgeq.version import version

        click.echo(f"edgeq, version {version()}")
        ctx.exit()


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Show the version."
)
def edgeq() -> None:
    """From a Keras model to int8 firmware that is proven, bit by bit, on the device.

    \b
    Start with
      edgeq demo                                                 no model needed
      edgeq build model.keras --data data.npz --target cortex-m  your own model

    Exit codes: 0 all good; 1 a check failed (drift, accuracy, budget); 2 wrong usage or input;
    3 a device or tool is not available; 130 interrupted.
    """
