"""An adb daemon for tests: the device's side of adb's protocol over TCP, to which a real adb server connects.

Messages and services are those of Android's adb (protocol.txt, SERVICES.TXT, SYNC.TXT and shell_protocol.h): shell with
separate streams and a status (shell_v2), file transfer, TCP connections to the device. What a shell runs, runs here;
/data/local/tmp is a folder of the test.
"""

from __future__ import annotations

import contextlib
import os
import queue
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_CNXN, _AUTH, _OPEN, _OKAY, _CLSE, _WRTE = (
    int.from_bytes(word, "little") for word in (b"CNXN", b"AUTH", b"OPEN", b"OKAY", b"CLSE", b"WRTE")
)
_HEADER = struct.Struct("<6I")
_VERSION, _MOST = 0x01000000, 0x40000
_BANNER = b"device::ro.product.name=test;ro.product.model=Test_Phone;ro.product.device=test;features="
_FEATURES = b"shell_v2,cmd"
_TOKEN = 1
_STDIN, _STDOUT, _STDERR, _EXIT, _CLOSE_STDIN = range(5)
_DEVICE_TMP = "/data/local/tmp"


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """What the device is like. `root` stands for /data/local/tmp; `path` goes before PATH (fake getprop, df, uname).
    One that stalls takes the beginning of a file; an old one has no shell_v2: one stream for all that is said, and
    no status."""

    root: Path
    path: Path
    authorised: bool = True
    full: bool = False
    stalls: bool = False
    old: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)

    def here(self, text: str) -> str:
        return text.replace(_DEVICE_TMP, str(self.root))


class _Stream:
    """One service that the host has opened."""

    def __init__(self, connection: _Connection, ours: int, theirs: int) -> None:
        self._connection, self.ours, self.theirs = connection, ours, theirs
        self.incoming: queue.Queue[bytes | None] = queue.Queue()
        self._room = threading.Semaphore(1)
        self._closed = False
        self._buffer = b""

    def write(self, data: bytes) -> None:
        for at in range(0, len(data), _MOST):
            self._room.acquire()
            if not self._closed:
                self._connection.send(_WRTE, self.ours, self.theirs, data[at : at + _MOST])

    def read(self, size: int) -> bytes:
        """So many bytes; b"" at the end."""
        while len(self._buffer) < size:
            piece = self.incoming.get()
            if piece is None:
                return b""
            self._buffer += piece
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    def taken(self) -> None:
        self._room.release()

    def closed_by_host(self) -> None:
        self._closed = True
        self.incoming.put(None)
        self._room.release()

    def close(self) -> None:
        if not self._closed:
            self._room.acquire()
            self._closed = True
            self._connection.send(_CLSE, self.ours, self.theirs)


class _Connection:
    """A host's adb server."""

    def __init__(self, line: socket.socket, phone: Phone) -> None:
        self._line, self._phone = line, phone
        self._sending = threading.Lock()
        self._streams: dict[int, _Stream] = {}

    def send(self, command: int, first: int, second: int, data: bytes = b"") -> None:
        header = _HEADER.pack(command, first, second, len(data), sum(data) & 0xFFFFFFFF, command ^ 0xFFFFFFFF)
        with self._sending, contextlib.suppress(OSError):
            self._line.sendall(header + data)

    def serve(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while True:
                command, first, second, length, _, _ = _HEADER.unpack(self._exactly(_HEADER.size))
                self._take(command, first, second, self._exactly(length))
        for stream in list(self._streams.values()):
            stream.closed_by_host()

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = self._line.recv(size - len(data))
            if not piece:
                raise ValueError("the host is gone")
            data += piece
        return data

    def _take(self, command: int, first: int, second: int, data: bytes) -> None:
        if command in (_CNXN, _AUTH):
            if self._phone.authorised:
                self.send(_CNXN, _VERSION, _MOST, _BANNER + (b"" if self._phone.old else _FEATURES))
            elif command == _CNXN or first == 2:  # nobody answers the question on its screen
                self.send(_AUTH, _TOKEN, 0, os.urandom(20))
        elif command == _OPEN:
            stream = _Stream(self, len(self._streams) + 1, first)
            self._streams[stream.ours] = stream
            self.send(_OKAY, stream.ours, first)
            service = data.rstrip(b"\0").decode()
            threading.Thread(target=self._serve_stream, args=(stream, service), daemon=True).start()
        elif stream := self._streams.get(second):
            if command == _WRTE:
                stream.incoming.put(data)
                self.send(_OKAY, stream.ours, stream.theirs)
            elif command == _OKAY:
                stream.taken()
            elif command == _CLSE:
                stream.closed_by_host()

    def _serve_stream(self, stream: _Stream, service: str) -> None:
        name, _, words = service.partition(":")
        with contextlib.suppress(OSError):
            if name.startswith("shell,v2"):
                _shell(stream, self._phone, words)
            elif name == "shell":
                _old_shell(stream, self._phone, words)
            elif name == "sync":
                _sync(stream, self._phone)
            elif name == "tcp":
                _tcp(stream, int(words))
        stream.close()


def _in_thread(target: Callable[..., None], *args: object) -> threading.Thread:
    thread = threading.Thread(target=target, args=args, daemon=True)
    thread.start()
    return thread


def _shell(stream: _Stream, phone: Phone, command: str) -> None:
    environment = {**os.environ, **phone.environment, "PATH": f"{phone.path}:{os.environ['PATH']}"}
    child = subprocess.Popen(
        ["/bin/sh", "-c", phone.here(command)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment,
    )  # fmt: skip
    assert child.stdin is not None and child.stdout is not None and child.stderr is not None
    sending = threading.Lock()

    def out(number: int, data: bytes) -> None:
        with sending:
            stream.write(struct.pack("<BI", number, len(data)) + data)

    def pump(number: int, pipe: int) -> None:
        while data := os.read(pipe, 4096):
            out(number, data)

    def feed() -> None:
        while head := stream.read(5):
            number, length = struct.unpack("<BI", head)
            data = stream.read(length) if length else b""
            if number == _CLOSE_STDIN:
                break
            if number == _STDIN:
                os.write(child.stdin.fileno(), data)  # type: ignore[union-attr]
        with contextlib.suppress(OSError):
            child.stdin.close()  # type: ignore[union-attr]

    _in_thread(feed)
    pumps = [_in_thread(pump, _STDOUT, child.stdout.fileno()), _in_thread(pump, _STDERR, child.stderr.fileno())]
    for thread in pumps:
        thread.join()
    out(_EXIT, bytes([child.wait() & 0xFF]))


def _old_shell(stream: _Stream, phone: Phone, command: str) -> None:
    environment = {**os.environ, "PATH": f"{phone.path}:{os.environ['PATH']}"}
    child = subprocess.Popen(
        ["/bin/sh", "-c", phone.here(command)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment,
    )  # fmt: skip
    assert child.stdin is not None and child.stdout is not None
    stdin, stdout = child.stdin, child.stdout

    def feed() -> None:
        with contextlib.suppress(OSError):
            while (data := stream.incoming.get()) is not None:
                os.write(stdin.fileno(), data)
        with contextlib.suppress(OSError):
            stdin.close()

    _in_thread(feed)
    while data := os.read(stdout.fileno(), 4096):
        stream.write(data)
    child.wait()


def _sync(stream: _Stream, phone: Phone) -> None:
    while head := stream.read(8):
        request, length = head[:4], int.from_bytes(head[4:], "little")
        if request == b"QUIT":
            return
        path = phone.here(stream.read(length).decode())
        if request == b"STAT":
            try:
                found = Path(path).stat()
                stream.write(struct.pack("<4s3I", b"STAT", found.st_mode, found.st_size, int(found.st_mtime)))
            except OSError:
                stream.write(struct.pack("<4s3I", b"STAT", 0, 0, 0))
        elif request == b"SEND":
            _receive_file(stream, phone, Path(path.rpartition(",")[0]))


def _receive_file(stream: _Stream, phone: Phone, path: Path) -> None:
    data = b""
    while True:
        head = stream.read(8)
        if head[:4] == b"DATA":
            data += stream.read(int.from_bytes(head[4:], "little"))
        else:
            break
        if phone.stalls:
            path.write_bytes(data)
            while stream.incoming.get() is not None:
                pass
            raise ConnectionError("the host is gone")
    if phone.full:
        words = b"couldn't write: No space left on device"  # what adbd's file_sync_service says
        stream.write(struct.pack("<4sI", b"FAIL", len(words)) + words)
        return
    path.write_bytes(data)
    stream.write(struct.pack("<4sI", b"OKAY", 0))


def _tcp(stream: _Stream, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as line:

        def feed() -> None:
            while (data := stream.incoming.get()) is not None:
                line.sendall(data)
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

        _in_thread(feed)
        while data := line.recv(65536):
            stream.write(data)


class Adbd:
    """A phone that listens on a port of the loopback."""

    def __init__(self, phone: Phone) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.serial = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._phone = phone
        self._lines: list[socket.socket] = []
        _in_thread(self._accept)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = self._listener.accept()
                self._lines.append(line)
                _in_thread(_Connection(line, self._phone).serve)

    def close(self) -> None:
        """The cable is pulled."""
        self._listener.close()
        for line in self._lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
