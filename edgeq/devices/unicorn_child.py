"""The emulator's process: `python -m edgeq.devices.unicorn_child ELF BOARD [INVOKE]`.

The serial line is a pseudo-terminal. On stdin and stdout are JSON objects, one a line. The first tells the line's name:
{"pty": …}. Then each request is answered by one object: {"do": "count", "invoke": …, "operators": […]} by {}, {"do":
"counts"} by {"runs": …, "counts": […]}, both by {"error": …} if they cannot be done. {"failure": text or null} comes
unasked when the core faults, or starts anew. The process ends when its stdin is closed.
"""

from __future__ import annotations

import json
import os
import pty
import select
import sys
import tty
from pathlib import Path
from typing import Any

from edgeq.boards import load_board
from edgeq.errors import EdgeqError


class Child:
    """Moves bytes between the pseudo-terminal and the machine, and answers the control channel."""

    def __init__(self, elf: Path, board: str, invoke: str | None) -> None:
        """Loads the image; nothing runs yet."""
        self._master, self._slave = pty.openpty()  # keeping the slave open, no close by the host ends the line
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._control = b""
        from edgeq.devices.machine import Machine  # late, so that a missing Unicorn is reported in our words

        self._machine = Machine(
            elf,
            load_board(board),
            invoke,
            starved=self._wait,
            full=self._flush,
            faulted=lambda what: self._say({"failure": what}),
        )

    def serve(self) -> None:
        """Runs the firmware until stdin is closed."""
        self._say({"pty": os.ttyname(self._slave)})
        while True:
            self._machine.run()
            self._flush()
            while self._machine.failure is not None or not self._machine.wakes_on_input:
                self._step(hear=False, asleep=True)
            while not self._machine.uart.received:
                self._step(hear=True, asleep=True)

    def _wait(self) -> None:
        """The firmware polls for a byte and there is none."""
        self._flush()
        self._step(hear=True, asleep=False)

    def _step(self, *, hear: bool, asleep: bool) -> None:
        ready, _, _ = select.select([0, self._master] if hear else [0], [], [])
        if self._master in ready:
            self._machine.uart.received += os.read(self._master, 1 << 16)
        if 0 in ready:
            chunk = os.read(0, 1 << 16)
            if not chunk:
                os._exit(0)
            *lines, self._control = (self._control + chunk).split(b"\n")
            for line in lines:
                self._say(self._answer(json.loads(line), asleep))

    def _flush(self) -> None:
        sent = self._machine.uart.sent
        while sent:
            try:
                del sent[: os.write(self._master, sent)]
            except BlockingIOError:
                select.select([], [self._master], [])  # the host reads when it likes; it ends this process to stop it

    def _answer(self, request: dict[str, Any], asleep: bool) -> dict[str, Any]:
        machine = self._machine
        if not asleep:
            return {"error": "the firmware does not sleep"}
        if request["do"] == "count":
            names = (request["invoke"], *request["operators"])
            missing = [name for name in names if machine.symbols.find(name) is None]
            if missing:
                return {"error": f"the image has no function {', '.join(missing)}"}
            machine.start_counting(names[0], names[1:])
            return {}
        counter = machine.stop_counting()
        if counter is None:
            return {"error": "nothing was counted"}
        return {
            "runs": counter.runs,
            "counts": [[s, a, n, k] for s, blocks in counter.counts.items() for (a, n), k in blocks.items()],
        }

    @staticmethod
    def _say(message: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(message) + "\n")
        sys.stdout.flush()


def main() -> int:
    """Entry point; errors go to stderr as one message."""
    try:
        Child(Path(sys.argv[1]), sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None).serve()
    except ImportError as exc:
        sys.stderr.write(f"The built-in emulator cannot be loaded ({exc}). Install it: pip install unicorn\n")
        return 3
    except EdgeqError as exc:
        sys.stderr.write(f"{exc}\n")
        return exc.exit_code
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
