"""Why the engine on a device does not run, in words."""

from __future__ import annotations

from edgeq.errors import DeviceError
from edgeq.link.codes import Kind, Problem, Refusal
from edgeq.link.exchange import Exchange, RefusedError, parsed
from edgeq.link.messages import EngineState, Error

TFLM_ENGINE = "tflm"
"""The engine that tells of itself, as HELLO names it."""

REBUILD = "Build the firmware again with this version of edgeq, and flash it."

_ARENA_STEP = 1024
_WITH_STRINGS = "A library that was built with its error strings (not BUILD_TYPE=release) says more."
_ITS_WORDS = "`edgeq build MODEL --device tflm-host` runs the same interpreter on this computer."


def engine_error(exchange: Exchange, what: str) -> DeviceError:
    """Ask the device, and make its answer an error.

    Args:
        exchange: with the device; the request that failed is over.
        what: did not work, the beginning of a sentence.

    Raises:
        DeviceResetError, DeviceError, LinkError: as `Exchange.request`.
    """
    try:
        reply = exchange.request(exchange.frame(Kind.ENGINE_STATE, b"")).payload
    except RefusedError:  # a firmware from before this request
        return DeviceError(f"{what}.", hint=REBUILD)
    return explained(parsed(EngineState.unpack, reply), what)


def explained(state: EngineState, what: str) -> DeviceError:
    """The state as an error; `what` did not work, the beginning of a sentence."""
    said = f' It says: "{state.words}"' if state.words else ""
    match state.problem:
        case Problem.ARENA:
            least = max(state.detail, state.arena_used)
            more = -(-(least + least // 4) // _ARENA_STEP) * _ARENA_STEP
            known = f", at least {least:,}" if least > state.detail else ""
            return DeviceError(
                f"{what}: TensorFlow Lite Micro needs more than the {state.detail:,} bytes of its arena{known}.{said}",
                hint=f"Build with a larger arena: --arena {more}. The report then says how much of it is used.",
            )
        case Problem.OPERATOR:
            return DeviceError(
                f"{what}: the firmware has no kernel for one of the model's operators (builtin code {state.detail} of "
                f"TensorFlow Lite's schema).{said}",
                hint="The op resolver in tflm/ was made for another model: build again.",
            )
        case Problem.PREPARE:
            return DeviceError(
                f"{what}: TensorFlow Lite Micro's kernel refuses operator {state.detail} of the model, its types, "
                f"shapes or options.{said}",
                hint="`edgeq inspect` shows the operator. Replace its layer, or use the aot engine.",
            )
        case Problem.INVOKE:
            return DeviceError(
                f"{what}: TensorFlow Lite Micro's kernel of operator {state.detail} ended with an error.{said}",
                hint="docs/exceptions.md lists inputs at which its kernels stop; the aot engine computes them.",
            )
        case Problem.SCHEMA:
            return DeviceError(
                f"{what}: this TensorFlow Lite Micro reads .tflite files of schema version {state.detail} only.{said}",
                hint="Link a library of the model's version.",
            )
        case Problem.LIBRARY:
            return DeviceError(
                f"{what}: the library of TensorFlow Lite Micro was compiled with other headers than the "
                f"application.{said}",
                hint="Build the library from the very tree that --tflm-root names.",
            )
        case Problem.TENSORS:
            return DeviceError(
                f"{what}: an input or output has {state.detail} bytes in the interpreter, and another size in the "
                f"model.{said}",
                hint=REBUILD,
            )
        case Problem.START:
            stage = "could not register the operators" if state.detail == 1 else "could not allocate the tensors"
            return DeviceError(
                f"{what}: TensorFlow Lite Micro {stage}, for another reason than a small arena or a kernel that "
                f"refuses its tensors.{said}",
                hint=_ITS_WORDS if said else f"{_WITH_STRINGS} {_ITS_WORDS}",
            )
    if state.words:
        return DeviceError(f"{what}.{said}", hint="It may be the input: an index out of range, for example.")
    return DeviceError(f"{what}.", hint=REBUILD)


def refusal_error(error: Error) -> DeviceError:
    """A refused request as an error."""
    match error.code:
        case Refusal.ENGINE:
            return DeviceError(f"The engine on the device did not start (status {error.detail}).", hint=REBUILD)
        case Refusal.NOT_TRACED:
            return DeviceError("The firmware was built without tracing.", hint="Build it with tracing to see layers.")
        case code:
            name = Refusal(code).name if code in set(Refusal) else str(code)
            return DeviceError(
                f"The device refused request {error.request:#04x} ({name}, {error.detail}).", hint=REBUILD
            )
