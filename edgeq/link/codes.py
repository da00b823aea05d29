"""The numbers of the protocol (firmware/PROTOCOL.md); the C side has them in firmware/include/edgeq/link.h.

A test compares the two.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag

PROTOCOL_VERSION = 1
BAUD = 115200
"""The line's speed after a start: EDGEQ_BOARD_BAUD."""

REPLY = 0x80  # the bit of a reply's type


class Kind(IntEnum):
    """Type of a frame: requests, events, and ERROR; the reply to a request is its type | REPLY."""

    PING = 0x01
    HELLO = 0x02
    DESCRIBE = 0x03
    ABOUT = 0x04
    WRITE = 0x10
    RUN = 0x11
    READ = 0x12
    STATS = 0x20
    RESET = 0x21
    SPEED = 0x22
    ENGINE_STATE = 0x23
    FAULT = 0xF0
    RUNNING = 0xF1
    DAMAGED = 0xF2
    BOOT = 0xF3
    ERROR = 0xFE


QUIET = 0x01  # flag of WRITE: no reply if all is well


class Refusal(IntEnum):
    """Why a request was not done: the code of an ERROR."""

    UNKNOWN_REQUEST = 1
    MALFORMED = 2
    OUT_OF_RANGE = 3
    NEED_INPUT = 4
    STALE = 5
    NOT_AVAILABLE = 6
    NOT_TRACED = 7
    ENGINE = 8
    NO_SESSION = 9


class Mode(IntEnum):
    """What a RUN does with the model."""

    INFER = 0
    TRACE = 1
    FETCH = 2
    SELFTEST = 3
    TICKS = 4
    PROFILE = 5


class Item(IntEnum):
    """What a READ reads."""

    OUTPUT = 0
    RESULT = 1
    TIMES = 2


class Status(IntEnum):
    """How the engine ended (edgeq_status in firmware/include/edgeq/engine.h)."""

    OK = 0
    STOPPED = 1
    MISMATCH = 2
    FAILED = 3


class HelloFlag(IntFlag):
    """Properties of a build."""

    TRACED = 1
    FAILED = 2
    INTERPRETER = 4
    EMULATED = 8


class TicksKind(IntEnum):
    """What the device's counter counts (edgeq_ticks_kind in firmware/include/edgeq/board.h)."""

    NONE = 0
    CPU = 1
    TIMER = 2
    SYSTICK = 3


class FaultKind(IntEnum):
    """Kinds of processor faults."""

    HARD = 1
    MEMORY = 2
    BUS = 3
    USAGE = 4
    SECURE = 5
    STACK_OVERFLOW = 6
    UNEXPECTED_INTERRUPT = 7


class Problem(IntEnum):
    """Why an interpreter did not start or could not run (edgeq_problem in firmware/include/edgeq/engine.h)."""

    NONE = 0
    ARENA = 1
    OPERATOR = 2
    PREPARE = 3
    INVOKE = 4
    SCHEMA = 5
    LIBRARY = 6
    TENSORS = 7
    START = 8
