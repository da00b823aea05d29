"""The `edgeq` command: Ctrl-C ends it as it should from the first line on, while the rest is still imported."""

from __future__ import annotations

from edgeq.signals import answer, leave_at_once


def main() -> None:
    """Run the command line; never returns. Exit codes are those of `edgeq.errors`, and 130 when interrupted."""
    answer(leave_at_once)
    from edgeq.console import run

    run()


if __name__ == "__main__":
    main()
