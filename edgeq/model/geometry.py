"""Which values of their input the ops take that only move values: SLICE, STRIDED_SLICE, SPLIT, PACK, TRANSPOSE, ….

Verification compares the shapes that follow with the model's; lowering makes loops of them. Semantics are TensorFlow's
(tf.strided_slice and so on), inside what TFLite Micro accepts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from edgeq.model.graph import Graph, Op, Tensor

Shape = tuple[int, ...]


class Misfit(Exception):  # noqa: N818 (a private signal, turned into a Finding)
    """What does not fit; continues "op 3 SLICE: "."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """Positions first, first + step, … (`count` of them) along one axis; all inside it."""

    first: int
    count: int
    step: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """What one output takes of each axis of the input. `dropped` axes, of one position, are not in its shape."""

    axes: tuple[Steps, ...]
    dropped: frozenset[int] = field(default=frozenset())

    @property
    def shape(self) -> Shape:
        """The output's shape."""
        return tuple(steps.count for i, steps in enumerate(self.axes) if i not in self.dropped)


def given(graph: Graph, op: Op, position: int) -> Tensor:
    """An input that must be there.

    Raises:
        Misfit: it is not.
    """
    if position >= len(op.inputs) or op.inputs[position] < 0:
        raise Misfit(f"it has {sum(i >= 0 for i in op.inputs)} inputs")
    return graph.tensors[op.inputs[position]]


def numbers(graph: Graph, op: Op, position: int, count: int) -> list[int]:
    """A constant input of `count` integers.

    Raises:
        Misfit: it is absent, computed, or of another size.
    """
    tensor = given(graph, op, position)
    if tensor.data is None:
        raise Misfit(f"its input {position} is computed at run time")
    if tensor.data.dtype.kind != "i":
        raise Misfit(f"its input {position} is {tensor.dtype.value}, not integers")
    if tensor.elements != count:
        raise Misfit(f"its input {position} has {tensor.elements} elements instead of {count}")
    return [int(n) for n in tensor.data.reshape(-1).tolist()]


def axis_of(axis: int, rank: int) -> int:
    """An axis counted from the front.

    Raises:
        Misfit: there is none.
    """
    if not -rank <= axis < rank:
        raise Misfit(f"its axis is {axis} of {rank} dimensions")
    return axis % rank


def option(op: Op, name: str) -> int:
    """An integer among the attributes."""
    return int(op.options.get(name, 0))  # type: ignore[arg-type] # an integer in the schema


def cuts(graph: Graph, op: Op) -> tuple[Cut, ...]:
    """What each output takes of the input, for SLICE, STRIDED_SLICE, SPLIT, SPLIT_V and UNPACK.

    Raises:
        Misfit: inputs and attributes do not fit together.
    """
    return _CUTS[op.name](graph, op)


def cut_input(op: Op) -> int:
    """The position of the input that `cuts` is about."""
    return 1 if op.name == "SPLIT" else 0


def _slice(graph: Graph, op: Op) -> tuple[Cut, ...]:
    source = given(graph, op, 0)
    rank = len(source.shape)
    if rank > 5:
        raise Misfit(f"it slices {rank} dimensions; TFLite Micro knows up to 5")
    axes = []
    for size, first, count in zip(source.shape, numbers(graph, op, 1, rank), numbers(graph, op, 2, rank), strict=True):
        taken = size - first if count == -1 else count
        if first < 0 or taken < 0 or first + taken > size:
            raise Misfit(f"it takes {count} from position {first} on, of {size}")
        axes.append(Steps(first=first, count=taken))
    return (Cut(axes=tuple(axes)),)


def _strided_slice(graph: Graph, op: Op) -> tuple[Cut, ...]:
    source = given(graph, op, 0)
    rank = len(source.shape)
    if rank > 4:
        raise Misfit(f"it slices {rank} dimensions; TFLite Micro knows up to 4")
    for name in ("ellipsis_mask", "new_axis_mask", "offset"):
        if option(op, name):
            raise Misfit(f"it has {name} = {option(op, name)}, which TFLite Micro ignores or does not know")
    begin, end, strides = (numbers(graph, op, i, rank) for i in (1, 2, 3))
    axes, dropped = [], set()
    for i, size in enumerate(source.shape):
        open_begin, open_end, drop = (option(op, f"{n}_mask") >> i & 1 for n in ("begin", "end", "shrink_axis"))
        stop = None if open_end else end[i]
        if not strides[i]:
            raise Misfit(f"its stride along axis {i} is 0")
        if drop:
            at = 0 if open_begin else begin[i] + size if begin[i] < 0 else begin[i]
            if not 0 <= at < size or strides[i] < 0:
                raise Misfit(f"it takes position {begin[i]} with a stride of {strides[i]} along axis {i} of {size}")
            axes.append(Steps(first=at, count=1))
            dropped.add(i)
            continue
        taken = range(*slice(None if open_begin else begin[i], stop, strides[i]).indices(size))
        axes.append(Steps(first=taken.start, count=len(taken), step=strides[i]))
    return (Cut(axes=tuple(axes), dropped=frozenset(dropped)),)


def _parts(source: Tensor, axis: int, sizes: list[int], *, dropped: bool = False) -> tuple[Cut, ...]:
    """Consecutive parts along one axis."""
    if any(size < 0 for size in sizes) or sum(sizes) != source.shape[axis]:
        raise Misfit(f"it splits axis {axis} of shape {source.shape} into {sizes}")
    whole = [Steps(first=0, count=n) for n in source.shape]
    found, at = [], 0
    for size in sizes:
        axes = (*whole[:axis], Steps(first=at, count=size), *whole[axis + 1 :])
        found.append(Cut(axes=axes, dropped=frozenset({axis}) if dropped else frozenset()))
        at += size
    return tuple(found)


def _split(graph: Graph, op: Op) -> tuple[Cut, ...]:
    source = given(graph, op, 1)
    axis = axis_of(numbers(graph, op, 0, 1)[0], len(source.shape))
    count = len(op.outputs)
    if option(op, "num_splits") != count or source.shape[axis] % count:
        raise Misfit(f"it splits axis {axis} of shape {source.shape} into {count} equal parts")
    return _parts(source, axis, [source.shape[axis] // count] * count)


def _split_v(graph: Graph, op: Op) -> tuple[Cut, ...]:
    source = given(graph, op, 0)
    axis = axis_of(numbers(graph, op, 2, 1)[0], len(source.shape))
    sizes = numbers(graph, op, 1, len(op.outputs))
    if sizes.count(-1) == 1:
        sizes[sizes.index(-1)] = source.shape[axis] - sum(n for n in sizes if n != -1)
    return _parts(source, axis, sizes)


def _unpack(graph: Graph, op: Op) -> tuple[Cut, ...]:
    source = given(graph, op, 0)
    axis = axis_of(option(op, "axis"), len(source.shape))
    return _parts(source, axis, [1] * len(op.outputs), dropped=True)


_CUTS: Mapping[str, Callable[[Graph, Op], tuple[Cut, ...]]] = {
    "SLICE": _slice,
    "STRIDED_SLICE": _strided_slice,
    "SPLIT": _split,
    "SPLIT_V": _split_v,
    "UNPACK": _unpack,
}


def permutation(graph: Graph, op: Op) -> tuple[int, ...]:
    """TRANSPOSE: the input's axis behind each axis of the output.

    Raises:
        Misfit: not a permutation.
    """
    rank = len(given(graph, op, 0).shape)
    order = numbers(graph, op, 1, rank)
    if rank > 5:
        raise Misfit(f"it permutes {rank} dimensions; TFLite Micro knows up to 5")
    if sorted(order) != list(range(rank)):
        raise Misfit(f"it permutes {rank} dimensions by {order}")
    return tuple(order)


def packed_axis(graph: Graph, op: Op) -> int:
    """PACK: the axis of the output along which its inputs lie.

    Raises:
        Misfit: inputs of different shapes, or no such axis.
    """
    shapes = {given(graph, op, i).shape for i in range(len(op.inputs))}
    if len(shapes) != 1:
        raise Misfit(f"it packs inputs of the shapes {sorted(shapes)}")
    return axis_of(option(op, "axis"), len(shapes.pop()) + 1)


def chosen_axis(graph: Graph, op: Op) -> int:
    """ARG_MAX and ARG_MIN: the axis along which they choose.

    Raises:
        Misfit: there is none.
    """
    return axis_of(numbers(graph, op, 1, 1)[0], len(given(graph, op, 0).shape))


def _chosen(graph: Graph, op: Op) -> tuple[Shape, ...]:
    axis, shape = chosen_axis(graph, op), given(graph, op, 0).shape
    return ((*shape[:axis], *shape[axis + 1 :]),)


def _packed(graph: Graph, op: Op) -> tuple[Shape, ...]:
    axis, shape = packed_axis(graph, op), given(graph, op, 0).shape
    return ((*shape[:axis], len(op.inputs), *shape[axis:]),)


def _transposed(graph: Graph, op: Op) -> tuple[Shape, ...]:
    shape = given(graph, op, 0).shape
    return (tuple(shape[i] for i in permutation(graph, op)),)


# The shapes of all outputs, for each op of this module.
SHAPES: Mapping[str, Callable[[Graph, Op], tuple[Shape, ...]]] = {
    **dict.fromkeys(_CUTS, lambda graph, op: tuple(cut.shape for cut in cuts(graph, op))),
    "ARG_MAX": _chosen,
    "ARG_MIN": _chosen,
    "PACK": _packed,
    "TRANSPOSE": _transposed,
}


def strides_of(shape: Shape) -> tuple[int, ...]:
    """Elements from one position to the next along each axis of a dense tensor."""
    return tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))
