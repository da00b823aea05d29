"""Bytes to and from a device, through pyserial: a serial port, a pseudo-terminal, `socket://`, `rfc2217://`."""

from __future__ import annotations

import errno
import io
import select
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from edgeq.closing import Closing
from edgeq.errors import InputError, LinkError
from edgeq.link.codes import BAUD

_WRITE_SECONDS = 1.0
_POLL_SECONDS = 0.001
_REMOTE = ("socket://", "rfc2217://")
_WRITE = "Write socket://host:port or rfc2217://host:port."


class Transport(Closing):
    """An open line. Every call returns within the time that it is given.

    `fileno` is the descriptor to wait for bytes with; None where there is none (rfc2217://, Windows).
    """

    def __init__(self, url: str, *, baud: int = BAUD) -> None:
        """Open it.

        Args:
            url: what `serial.serial_for_url` takes.
            baud: speed of a real line, 8N1; pseudo-terminals and sockets ignore it.

        Raises:
            InputError: pyserial knows no such URL.
            LinkError: there is no such port, it may not be used, or another program uses it.
        """
        import serial

        check_url(url)
        self.url = url
        self.baud = baud
        # pyserial's rfc2217:// reads byte by byte without a timeout, and refuses one for writing: it never waits there.
        remote = url.startswith("rfc2217://")
        waits = {"timeout": _POLL_SECONDS} if remote else {"timeout": 0, "write_timeout": _WRITE_SECONDS}
        hung_up = threading.Event()
        try:
            # Exclusive where the kind of port knows it: two programs on a line take each other's answers.
            self._port: Any = serial.serial_for_url(url, baudrate=baud, exclusive=True, do_not_open=True, **waits)
            if remote:
                _watch(self._port, hung_up)
            self._port.open()
        except (OSError, ValueError) as exc:
            raise _cannot_open(url, exc, hung_up=hung_up.is_set()) from exc
        try:
            self.fileno: int | None = self._port.fileno()
        except (io.UnsupportedOperation, AttributeError):
            self.fileno = None
        self._errors = (OSError, serial.SerialException)
        self._write_timeout = serial.SerialTimeoutException

    def read(self, timeout: float) -> bytes:
        """What has arrived, after at most `timeout` seconds; b"" if nothing has.

        Raises:
            LinkError: the port is gone.
        """
        deadline = time.monotonic() + timeout
        try:
            while True:
                left = deadline - time.monotonic()
                if self.fileno is not None and not select.select([self.fileno], [], [], max(left, 0))[0]:
                    return b""
                data = bytes(self._port.read(65536 if self.fileno is not None else max(1, self._port.in_waiting)))
                if data or left <= 0:
                    return data
                if self.fileno is None:
                    time.sleep(min(_POLL_SECONDS, left))
        except self._errors as exc:
            raise self._gone(exc) from exc

    def write(self, data: bytes) -> bool:
        """Send it; False if the line took less than everything within a second and the time that it needs.

        Raises:
            LinkError: the port is gone.
        """
        try:
            step = max(256, self.baud // 20)  # half a second of the line
            for at in range(0, len(data), step):
                self._port.write(data[at : at + step])
        except self._write_timeout:
            return False
        except self._errors as exc:
            raise self._gone(exc) from exc
        return True

    def set_baud(self, baud: int) -> None:
        """Set the speed of a line that has one.

        Raises:
            LinkError: the port is gone, or does not take this speed.
        """
        try:
            self._port.baudrate = baud
        except (*self._errors, ValueError) as exc:
            raise self._gone(exc) from exc
        self.baud = baud

    def clear(self) -> None:
        """Forget what has arrived and was not read.

        Raises:
            LinkError: the port is gone.
        """
        try:
            self._port.reset_input_buffer()
        except self._errors as exc:
            raise self._gone(exc) from exc

    def close(self) -> None:
        """Close it. May be called twice."""
        self._port.close()

    def _gone(self, exc: BaseException) -> LinkError:
        return LinkError(
            f"{self.url}: the port went away ({exc}).",
            hint="Was the board unplugged, or does another program use the port?",
        )


def _watch(port: Any, hung_up: threading.Event) -> None:
    """Set `hung_up` when the server of an rfc2217:// ends the connection: what pyserial says of it depends on how far
    it had come. Its thread that reads ends as on any lost connection; where the server hangs up while it answers it
    would die, with a traceback on the terminal."""
    read = port._telnet_read_loop

    def read_on() -> None:
        try:
            read()
        except OSError:
            port._read_buffer.put(None)
        if port.is_open:  # else it is this side that has closed it
            hung_up.set()

    port._telnet_read_loop = read_on


def _cannot_open(url: str, exc: OSError | ValueError, *, hung_up: bool) -> InputError | LinkError:
    if "://" in url:
        return _cannot_open_url(url, exc, hung_up=hung_up)
    code = getattr(exc, "errno", None)
    text = str(exc)
    if code == errno.EACCES or "Permission denied" in text:
        return LinkError(
            f"{url}: you may not use this port.",
            hint=f"On Linux: sudo usermod -a -G dialout $USER, log in again; or look who owns it: ls -l {url}",
        )
    if code in (errno.EBUSY, errno.EAGAIN) or "exclusively lock" in text:
        return LinkError(f"{url}: another program uses this port.", hint="Close it (a serial monitor, another edgeq).")
    if code == errno.ENOENT or isinstance(exc, ValueError):
        return no_such_port(url)
    if code == errno.ENOTTY or "Inappropriate ioctl" in text:
        return LinkError(f"{url} is no serial port.", hint=_ports())
    return LinkError(f"{url}: cannot be opened: {text}", hint=_ports())


def check_url(url: str) -> None:
    """Refuse a URL that is none of pyserial's, or leads nowhere; nothing is opened.

    Raises:
        InputError: pyserial knows no such URL, or it lacks a host or port.
        LinkError: none of this machine's ports is like it (hwgrep://).
    """
    if "://" not in url:
        return
    import serial

    try:
        if url.startswith(_REMOTE):
            place = urlsplit(url)
            if not place.hostname or not place.port:
                raise InputError(f"{url} names no host and port.", hint=_WRITE)
        serial.serial_for_url(url, do_not_open=True)
    except ValueError as exc:
        raise _unknown_url(url, exc) from exc
    except serial.SerialException as exc:
        raise LinkError(f"{url}: {exc}.", hint=_ports()) from exc


def _unknown_url(url: str, exc: ValueError) -> InputError:
    return InputError(f"{url}: pyserial knows no such URL ({exc}).", hint=_WRITE)


def _cannot_open_url(url: str, exc: OSError | ValueError, *, hung_up: bool) -> InputError | LinkError:
    if isinstance(exc, ValueError):
        return _unknown_url(url, exc)
    if not url.startswith(_REMOTE):
        return LinkError(f"{url}: cannot be opened: {exc}", hint=_ports())
    hint = "Does the device's side (ser2net, an emulator) listen at that host and port?"
    if hung_up or isinstance(exc, (BrokenPipeError, ConnectionResetError)):
        hint = "The server hung up: does another program use its port? ser2net takes one at a time."
    elif "option 'control'" in str(exc):
        hint = "The remote port seems to have no modem lines: append ?ign_set_control to the URL."
    return LinkError(f"{url}: cannot be opened: {exc}", hint=hint)


def no_such_port(url: str) -> LinkError:
    """The error of a port that does not exist; it lists those that do."""
    return LinkError(f"{url}: there is no such port.", hint=_ports())


def _ports() -> str:
    """A sentence with the serial ports of this machine."""
    from serial.tools import list_ports

    names = sorted(port.device for port in list_ports.comports())
    return (
        f"Ports of this machine: {', '.join(names)}."
        if names
        else "This machine has no serial port now: is the board plugged in?"
    )
