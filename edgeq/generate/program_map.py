"""program.json: what a finished build's program looks like, for whoever runs, traces or profiles it later.

Neither TensorFlow nor the lowering is needed to read it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgeq.errors import InputError
from edgeq.generate.names import c_prefix, op_symbol
from edgeq.lower.lower import constants_of
from edgeq.lower.program import Placement, Program, Vanished
from edgeq.lower.trace import TracePoint, trace_points

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class CallInfo:
    """One kernel call: its C function `symbol`, the `kernel` that it calls, and what reports say about it.

    `constant_bytes` is what it reads from flash.
    """

    index: int
    symbol: str
    kernel: str
    label: str
    source_ops: tuple[int, ...]
    macs: int
    constant_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockInfo:
    """A place in the arena: of a tensor (by index in the .tflite), or the scratch buffer of a call."""

    tensor: int | None
    call: int | None
    name: str
    offset: int
    nbytes: int
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramMap:
    """All of program.json. `points` are the trace points in the order of execution; `inputs` and `outputs` are tensor
    indices."""

    symbol: str
    model_sha256: str
    macs: int
    arena_bytes: int
    liveness_bound: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    calls: tuple[CallInfo, ...]
    points: tuple[TracePoint, ...]
    vanished: tuple[Vanished, ...]
    blocks: tuple[BlockInfo, ...]


def program_map(program: Program, name: str) -> ProgramMap:
    """The map of a program whose C project was generated under `name`."""
    prefix = c_prefix(name)
    places: list[tuple[int | None, int | None, Placement]] = [(t, None, p) for t, p in program.placements.items()]
    places += [(None, call, p) for call, p in program.scratch.items()]
    return ProgramMap(
        symbol=prefix,
        model_sha256=program.model_sha256,
        macs=program.macs,
        arena_bytes=program.arena_bytes,
        liveness_bound=program.liveness_bound,
        inputs=tuple(t.index for t in program.inputs),
        outputs=tuple(t.index for t in program.outputs),
        calls=tuple(
            CallInfo(
                index=i,
                symbol=op_symbol(prefix, i, len(program.calls), call.kernel),
                kernel=call.kernel,
                label=call.label,
                source_ops=call.source_ops,
                macs=call.macs,
                constant_bytes=sum({c.name: c.data.nbytes for c in constants_of(call)}.values()),
            )
            for i, call in enumerate(program.calls)
        ),
        points=trace_points(program),
        vanished=program.vanished,
        blocks=tuple(
            BlockInfo(tensor=t, call=c, name=p.name, offset=p.offset, nbytes=p.nbytes, first=p.first, last=p.last)
            for t, c, p in places
        ),
    )


def write_program_map(path: Path, value: ProgramMap) -> None:
    """Write program.json; the same program gives the same bytes."""
    text = json.dumps({"schema_version": SCHEMA_VERSION, **asdict(value)}, indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def read_program_map(path: Path) -> ProgramMap:
    """Read program.json.

    Raises:
        InputError: missing, damaged, or of another version.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values.pop("schema_version") != SCHEMA_VERSION:
            raise InputError(f"{path} is of another version of edgeq.", hint="Build again: edgeq build …")
        for field, kind in _RECORDS.items():
            values[field] = tuple(kind(**_tuples(v)) for v in values[field])
        return ProgramMap(**_tuples(values))
    except OSError as exc:
        raise InputError(f"{path} cannot be read: {exc.strerror or exc}.", hint="Build again: edgeq build …") from exc
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise InputError(f"{path} is damaged: {exc!r}.", hint="Build again: edgeq build …") from exc


_RECORDS: dict[str, Callable[..., Any]] = {
    "calls": CallInfo,
    "points": TracePoint,
    "vanished": Vanished,
    "blocks": BlockInfo,
}


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
