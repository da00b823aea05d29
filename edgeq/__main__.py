"""The `edgeq` command: runs a command, and turns what went wrong into one message and an exit code."""

from __future__ import annotations

import os
import signal
import sys

import click

from edgeq.errors import EdgeqError

INTERRUPTED = 130


def main() -> None:
    """Run the command line; never returns. Exit codes are those of `edgeq.errors`, and 130 when interrupted."""
    # A terminated edgeq must end its children too: the handlers of Ctrl-C do it.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    sys.exit(_run())


def _run() -> int:
    from edgeq.cli import edgeq

    try:
        status = edgeq.main(prog_name="edgeq", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    except KeyboardInterrupt:
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    except click.ClickException as exc:
        exc.show()
        return exc.exit_code
    except EdgeqError as exc:
        if os.environ.get("EDGEQ_TRACEBACK"):
            raise
        click.echo(click.style("Error: ", fg="red", bold=True, reset=True) + exc.message, err=True)
        if exc.hint:
            click.echo(exc.hint, err=True)
        return exc.exit_code
    except BrokenPipeError:
        # The reader of our output went away (`edgeq … | head`): nothing to say, and nobody to say it to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status if isinstance(status, int) else 0


if __name__ == "__main__":
    main()
