"""HELLO: the beginning of a conversation, and after every reset."""

from __future__ import annotations

import secrets

from edgeq.errors import DeviceError, LinkError
from edgeq.link.about import Hello
from edgeq.link.codes import PROTOCOL_VERSION, HelloFlag, Kind
from edgeq.link.exchange import Exchange, RefusedError, parsed
from edgeq.link.problems import REBUILD, engine_error


def say_hello(exchange: Exchange, expect_sha256: str | None) -> Hello:
    """Introduce ourselves under a new session number, and check who answers.

    Args:
        exchange: of the conversation; its session is the new one.
        expect_sha256: hex digest of the .tflite that must be there; None: any.

    Raises:
        LinkError: no answer in time, or another version of the protocol.
        DeviceError: another model, an engine that did not start, or a fault.
    """
    exchange.session = secrets.randbits(32) | 1
    frame = exchange.frame(Kind.HELLO, exchange.session.to_bytes(4, "little"))
    try:
        payload = exchange.request(frame).payload
    except RefusedError as exc:
        raise LinkError("The device refuses HELLO.", hint=REBUILD) from exc
    version = parsed(Hello.version_of, payload)
    if version != PROTOCOL_VERSION:
        raise LinkError(
            f"The firmware at {exchange.transport.url} speaks version {version} of the protocol, this edgeq version "
            f"{PROTOCOL_VERSION}.",
            hint=REBUILD,
        )
    hello = parsed(Hello.unpack, payload)
    if expect_sha256 is not None and hello.sha256 != expect_sha256:
        agent = bool(hello.flags & HelloFlag.INTERPRETER)
        what = "The agent at {} runs another model" if agent else "The firmware at {} was built from another model"
        raise DeviceError(
            f"{what.format(exchange.transport.url)} ({hello.model}): its .tflite has SHA-256 {hello.sha256}, expected "
            f"was {expect_sha256}.",
            hint="Start `edgeq agent` with the build's file: BUILD/model.tflite; of a build for phones "
            "BUILD/variants/NAME.tflite, with --variant NAME here."
            if agent
            else "Flash the image of this build, or name the build that is on the device.",
        )
    if hello.flags & HelloFlag.FAILED:
        raise engine_error(exchange, "The engine on the device did not start")
    return hello
