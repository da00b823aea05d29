"""The time of each op of an inference, where a device tells it."""

from __future__ import annotations

from collections.abc import Sequence

from edgeq.link.about import OpTime
from edgeq.link.codes import HelloFlag, Mode
from edgeq.link.exchange import parsed
from edgeq.link.problems import TFLM_ENGINE
from edgeq.link.session import Session


def op_ticks(session: Session, inputs: Sequence[bytes]) -> tuple[int, ...] | None:
    """Ticks of each kernel call of one inference of firmware; None where its engine does not time them.

    Raises:
        DataError, DeviceError, LinkError: as `Session.run`.
    """
    if session.hello.engine != TFLM_ENGINE or session.hello.flags & HelloFlag.INTERPRETER:
        return None
    found = session.timed(inputs, Mode.TICKS)
    if found is None:
        return None
    return tuple(int.from_bytes(found[i : i + 4], "little") for i in range(0, len(found), 4))


def op_times(session: Session, inputs: Sequence[bytes]) -> tuple[OpTime, ...] | None:
    """The mean time of each op of an inference, as the device's interpreter names them; None where it tells none, as on
    an emulated processor.

    Raises:
        DeviceError: the interpreter could not profile the model; the message has its words.
        DataError, DeviceError, LinkError: as `Session.run`.
    """
    if not session.hello.flags & HelloFlag.INTERPRETER or not session.hello.ticks_hz:
        return None
    found = session.timed(inputs, Mode.PROFILE)
    return None if found is None else parsed(OpTime.unpack_all, found)
