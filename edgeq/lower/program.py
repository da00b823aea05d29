"""A Program: the graph as the aot engine will run it, ready to be written as C.

Straight-line code: every `KernelCall` is one call of a C kernel on buffers at fixed offsets of the arena. Nothing here
is C text except names and enumerators; the templates write the C.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgeq.lower.names import Pass
from edgeq.model.graph import Graph, Op, Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Constant:
    """A read-only array in flash: weights, bias, multipliers, a table.

    `name` is unique in the program and becomes part of a C identifier. `data` is int8, uint8, int16, int32 or float32.
    """

    name: str
    data: NDArray[np.generic]


@dataclass(frozen=True, slots=True, kw_only=True)
class Enumerator:
    """A C enumerator or macro by name, where a kernel's parameter is not a plain number."""

    name: str


# What a field of a kernel's parameter struct may hold: a number, a fixed-size array of numbers (a nested tuple for a
# nested struct), a pointer to a Constant, or None for a null pointer.
Param = int | float | bool | Enumerator | Constant | None | tuple["Param", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where a value lives: `offset` bytes into the arena, `nbytes` long. `first`/`last` are the indices of the kernel
    calls between which its bytes must stay untouched (−1: filled before the first call; len(calls): read after the
    last)."""

    name: str
    offset: int
    nbytes: int
    first: int
    last: int


# A kernel's operand: a value of the graph, by tensor index (found in the arena through `Program.placements`), or a
# constant in flash.
Operand = int | Constant


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KernelCall:
    """One call: `kernel(&params, inputs…, outputs…[, scratch])`.

    With `array_inputs` (kernels of any number of inputs: CONCATENATION), the inputs are passed as one array of
    pointers, `const int8_t *const inputs[]`, in their place.

    `kernel` is the C function, declared in `edgeq/kernels.h` and defined in `firmware/kernels/<source>`; `support` are
    more files there that it needs;
    `params_type` is the C struct, and `params` its fields by name. Kernels without parameters have None.

    `source_ops` are the indices of the .tflite's ops that this call computes (more than one where passes fused them);
    `traced` says whether the outputs equal the .tflite's tensors of the same index element by element, so that a
    fingerprint of them can be compared with the reference's. `macs` counts multiply-accumulates of the source ops.

    `in_place` has the positions among `inputs` whose buffer the (only) output may share: the kernel reads every
    element before it writes the one at the same place.

    `variant` says for reports which of several kernels was chosen, or why no faster one was; `expected_cycles` are what
    the choice counted with, where there was one.

    `channels_read`, where it is not None, says that so many of the output's channels are read and the others may have
    any value: the first ones, except that two of a last whole four are that four's first and third.
    """

    kernel: str
    source: str
    params_type: str | None
    params: Mapping[str, Param]
    inputs: tuple[Operand, ...]
    outputs: tuple[int, ...]
    source_ops: tuple[int, ...]
    label: str
    macs: int = 0
    scratch_bytes: int = 0
    traced: bool = True
    array_inputs: bool = False
    in_place: tuple[int, ...] = ()
    variant: str = "portable"
    expected_cycles: int | None = None
    support: tuple[str, ...] = ()
    channels_read: int | None = None

    @property
    def sources(self) -> tuple[str, ...]:
        """All files of firmware/kernels that the call needs."""
        return (self.source, *self.support)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Alias:
    """An op that only gives tensor `input` another shape: tensor `output` has the same bytes, and no code runs."""

    output: int
    input: int
    source_op: int
    reason: str


# What makes the calls of an op: one, or one for each output.
Lowering = Callable[[Graph, Op], KernelCall | Alias | tuple[KernelCall | Alias, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Vanished:
    """A tensor of the .tflite that the program does not compute, and why ("alias of …", "fused into …")."""

    tensor: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class State:
    """A variable of the model, tensor `tensor`: before the first inference it holds `initial`, or the byte `fill`."""

    tensor: int
    fill: int
    initial: Constant | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """What a pass did: how often (0: left out, as it does not pay), and in words. The bytes and cycles are those that
    the program takes less than one made without this pass alone (negative: more), None where they were not compared
    (`edgeq.lower.savings`)."""

    name: Pass
    count: int
    words: str
    flash_bytes: int | None = None
    arena_bytes: int | None = None
    cycles: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Program:
    """The whole program.

    `placements` has every tensor that lives in the arena, by tensor index; aliases (RESHAPE) share an offset.
    `scratch` has the scratch buffer of call i under key i. `liveness_bound` is the largest sum of bytes alive at one
    time: no plan can be smaller than it. `flash_bytes` are those of all constants and, about, of the kernels that were
    chosen for the DSP or vector extension. `states` keep their values from one inference to the next.
    `cycles` are those of an inference, about, on a Cortex-M4; None for cores with the vector extension.
    `saved` has the passes that found something.
    """

    calls: tuple[KernelCall, ...]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]
    placements: Mapping[int, Placement]
    scratch: Mapping[int, Placement]
    arena_bytes: int
    arena_align: int
    liveness_bound: int
    vanished: tuple[Vanished, ...]
    model_sha256: str
    macs: int
    flash_bytes: int = 0
    constants: tuple[Constant, ...] = field(default=())
    states: tuple[State, ...] = field(default=())
    cycles: int | None = None
    saved: tuple[Saving, ...] = ()


def constants_of(call: KernelCall) -> Iterator[Constant]:
    """The constants that a call reads: operands first, then those in its parameters."""
    yield from constants_in((*call.inputs, *call.params.values()))


def constants_in(values: Iterable[Param]) -> Iterator[Constant]:
    """The constants among values and in tuples of them."""
    for value in values:
        if isinstance(value, Constant):
            yield value
        elif isinstance(value, tuple):
            yield from constants_in(value)
