"""A chip behind a debug probe on USB, by pyOCD's Python API. See `edgeq.flashing.target.Target`."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

from edgeq.boards import Board
from edgeq.errors import DeviceError, EdgeqError, ToolError
from edgeq.flashing.image import FlashImage
from edgeq.flashing.target import RefusedError
from edgeq.records import Progress

_UNPLUGGED = "Is the probe still plugged in, and the board powered?"


class PyocdTarget:
    """The chip; halted from the moment of the connection until `start`.

    pyOCD's configuration is that of the board's folder alone, if it has one (pyocd.yaml, pyocd_user.py), so that
    nothing in the current folder is run. A locked chip is never unlocked, which would erase it.
    """

    is_emulated = False

    def __init__(self, board: Board, serial: str | None) -> None:
        """Connect to the only probe, or to the one with that serial number (a part of it is enough).

        Raises:
            ToolError: pyOCD is not installed, or does not know the chip.
            DeviceError: no such probe, several, or no chip behind it.
        """
        try:
            from pyocd.core import exceptions
            from pyocd.core.session import Session
        except ImportError as exc:
            raise ToolError(
                f"pyOCD is not installed ({exc}).",
                hint="pip install 'edgeq[flash]', or flash through a gdb server: --probe gdb://host:port.",
            ) from exc
        logging.getLogger("pyocd").setLevel(logging.CRITICAL)  # what it has to say is in its exceptions
        self._exceptions: Any = exceptions
        self._board = board
        self.where = "pyOCD"
        with self._translated("look for probes"):
            probe = _choose(serial)
        self.where = f"the probe {probe.description} ({probe.unique_id})"
        options = {
            "target_override": board.flashing.pyocd_target,
            "project_dir": str(board.folder),
            "auto_unlock": False,
            "resume_on_disconnect": False,
        }
        self._session: Any = None
        try:
            with self._translated("connect"):
                self._session = Session(probe, options=options)
                self._session.open()
        except BaseException:
            self.close()
            raise

    def read(self, address: int, size: int) -> bytes:
        """Memory."""
        with self._translated(f"read {address:#010x}"):
            return bytes(self._session.target.read_memory_block8(address, size))

    def write(self, image: FlashImage, progress: Progress) -> None:
        """By pyOCD's flash algorithm for the chip; sectors that the image does not touch stay."""
        from pyocd.flash.loader import FlashLoader

        done = 0

        def tell(fraction: float) -> None:
            nonlocal done
            reached = min(image.size, round(fraction * image.size))
            progress.step(max(0, reached - done))
            done = max(done, reached)

        with self._translated("write"):
            loader = FlashLoader(self._session, progress=tell, chip_erase="sector", keep_unwritten=True)
            for piece in image.pieces:
                loader.add_data(piece.address, piece.data)
            loader.commit()

    def start(self, image: FlashImage) -> None:
        """Reset the chip and let it run.

        Raises:
            DeviceError: it is not running afterwards.
        """
        with self._translated("reset"):
            self._session.target.reset()
            if self._session.target.is_halted():
                raise RefusedError(f"The chip behind {self.where} stays halted after its reset with {image.name}.")

    def close(self) -> None:
        """End the connection; the core runs on, or stays halted if it was not started."""
        if self._session is not None:
            with contextlib.suppress(self._exceptions.Error):
                self._session.close()

    @contextlib.contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        """pyOCD's errors as edgeq's."""
        known = self._exceptions
        try:
            yield
        except EdgeqError:
            raise
        except known.TargetSupportError as exc:
            name = self._board.flashing.pyocd_target
            raise ToolError(
                f"pyOCD does not know {name}, the chip of {self._board.name}: {exc}",
                hint=f"Install its description: pyocd pack install {name}",
            ) from exc
        except known.ProbeError as exc:
            raise DeviceError(f"{self.where}: could not {what}: {exc}", hint=_UNPLUGGED) from exc
        except known.Error as exc:
            raise RefusedError(f"{self.where}: the chip did not let it {what}: {exc}.", hint=_UNPLUGGED) from exc
        except (OSError, ValueError) as exc:  # what USB drivers raise
            raise DeviceError(f"{self.where}: could not {what}: {exc}", hint=_UNPLUGGED) from exc


def _choose(serial: str | None) -> Any:
    from pyocd.core.helpers import ConnectHelper

    probes = ConnectHelper.get_all_connected_probes(blocking=False, unique_id=serial, print_wait_message=False)
    if len(probes) == 1:
        return probes[0]
    names = ", ".join(f"{p.description} ({p.unique_id})" for p in probes)
    if probes:
        raise DeviceError(f"There are several probes: {names}.", hint="Name one: --probe pyocd:SERIAL.")
    which = f" with {serial} in its serial number" if serial else ""
    raise DeviceError(
        f"No debug probe{which} is plugged in, or this user may not use it.", hint="edgeq doctor says what is there."
    )
