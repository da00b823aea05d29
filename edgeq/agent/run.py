"""The agent from its options to its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgeq.agent.machine import parse_cpus, pin
from edgeq.agent.server import Listener, is_exposed, own_addresses, parse_address, serve_serial, serve_tcp
from edgeq.errors import InputError, InterpreterError

if TYPE_CHECKING:
    from edgeq.agent.model import LiteRtModel

DEFAULT_BAUD = 115200


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentOptions:
    """What `edgeq agent` was asked for; see its help. `kernels` is a value of `edgeq.agent.model.Kernels`,
    `emulated` the name of a processor that is."""

    tcp: str | None = None
    serial: str | None = None
    threads: int = 1
    cpu: str | None = None
    warmup: int = 5
    kernels: str = "default"
    idle: float = 30.0
    emulated: str | None = None


def run_agent(model: Path, options: AgentOptions, *, say: Callable[[str], object]) -> None:
    """Serve a model until interrupted. Over TCP, the first line on stdout is the URL.

    Args:
        model: a .tflite, or a build's folder.
        options: how.
        say: told what a person wants to know.

    Raises:
        InputError: the options contradict each other, or a file, CPU or port does not exist.
        ModelError: LiteRT refuses the model.
        DeviceError, LinkError, InterpreterError: the port is taken or went away; LiteRT is not installed.
    """
    if options.tcp is not None and options.serial is not None:
        raise InputError("--tcp and --serial are two ways to be reached.", hint="Use one of them.")
    address = parse_address(options.tcp or "127.0.0.1:0")
    port, baud = _parse_serial(options.serial) if options.serial is not None else (None, 0)
    path = _tflite(model)
    if options.cpu is not None:
        pin(parse_cpus(options.cpu))  # before LiteRT starts threads, which inherit it
    loaded = _load(path, options)
    say(f"{loaded.name}: {_conditions(loaded.about)}.")
    if port is not None:
        say(f"Serving on {port} at {baud:,} baud. Ctrl-C ends it.")
        serve_serial(loaded, port, baud)
        return
    with Listener(*address) as listener:
        print(listener.url, flush=True)
        if is_exposed(listener.host):
            say(
                f"Warning: whoever reaches {listener.host}:{listener.port} may use this model and this machine's time;"
                " the protocol has no passwords. Use it in networks that you trust."
            )
            for name in own_addresses():
                say(f"From another machine: --device socket://{name}:{listener.port}")
        say("Ctrl-C ends it.")
        serve_tcp(loaded, listener, say=say, idle_seconds=options.idle)


def _load(path: Path, options: AgentOptions) -> LiteRtModel:
    try:
        from edgeq.agent.model import Kernels, LiteRtModel
    except ImportError as exc:
        raise InterpreterError(
            f"LiteRT is not installed here ({exc}).", hint="python -m pip install ai-edge-litert numpy"
        ) from exc
    model = LiteRtModel(path, kernels=Kernels(options.kernels), threads=options.threads, emulated=options.emulated)
    model.warm_up(options.warmup)
    return model


def _tflite(path: Path) -> Path:
    """The .tflite itself, or the one in a build's folder."""
    if not path.is_dir():
        return path
    inside = path / "model.tflite"
    if not inside.is_file():
        raise InputError(f"{path} is a folder without a model.tflite.", hint="Name a .tflite, or a build's folder.")
    return inside


def _parse_serial(text: str) -> tuple[str, int]:
    """Port and speed of PORT or PORT:BAUD."""
    port, _, baud = text.rpartition(":")
    if not port:
        return text, DEFAULT_BAUD
    if not baud.isdigit() or not 1200 <= int(baud) <= 20_000_000:
        raise InputError(f"--serial {text}: {baud!r} is no speed.", hint="Write /dev/ttyAMA0:115200.")
    return port, int(baud)


def _conditions(about: Mapping[str, str]) -> str:
    threads = "1 thread" if about["threads"] == "1" else f"{about['threads']} threads"
    where = f"{threads} on CPU {about['cpus']}, clock: {about.get('governor', 'emulated')}"
    return f"{about['runtime']} ({about['kernels']}), {where}"
