"""What each input of an op is for: values that flow, weights, a bias, or integers that say where and how."""

from __future__ import annotations

from enum import Enum

from edgeq.model.graph import Graph, Op, Tensor


class Role(Enum):
    """What an input is for."""

    ACTIVATION = "activation"
    WEIGHTS = "weights"
    BIAS = "bias"
    STATE = "state"  # what an inference leaves for the next one
    INDEX = "index"  # shapes, axes, paddings, sizes: int32, known when the code is generated


_CONVOLUTION = (Role.ACTIVATION, Role.WEIGHTS, Role.BIAS)
_WITH_INDEX = (Role.ACTIVATION, Role.INDEX)

# fmt: off
_ROLES: dict[str, tuple[Role, ...]] = {
    "CONV_2D": _CONVOLUTION,
    "DEPTHWISE_CONV_2D": _CONVOLUTION,
    "FULLY_CONNECTED": _CONVOLUTION,
    "TRANSPOSE_CONV": (Role.INDEX, Role.WEIGHTS, Role.ACTIVATION, Role.BIAS),
    "SVDF": (Role.ACTIVATION, Role.WEIGHTS, Role.WEIGHTS, Role.BIAS, Role.STATE),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (
        Role.ACTIVATION, *[Role.WEIGHTS] * 11, *[Role.BIAS] * 4, Role.WEIGHTS, Role.BIAS, Role.STATE, Role.STATE,
        *[Role.WEIGHTS] * 4,
    ),
    "READ_VARIABLE": (Role.STATE,),
    "ASSIGN_VARIABLE": (Role.STATE, Role.ACTIVATION),
    "MEAN": _WITH_INDEX,
    "SUM": _WITH_INDEX,
    "REDUCE_MAX": _WITH_INDEX,
    "REDUCE_MIN": _WITH_INDEX,
    "REDUCE_PROD": _WITH_INDEX,
    "ARG_MAX": _WITH_INDEX,
    "ARG_MIN": _WITH_INDEX,
    "PAD": _WITH_INDEX,
    "PADV2": (Role.ACTIVATION, Role.INDEX, Role.ACTIVATION),
    "MIRROR_PAD": _WITH_INDEX,
    "RESHAPE": _WITH_INDEX,
    "EXPAND_DIMS": _WITH_INDEX,
    "TRANSPOSE": _WITH_INDEX,
    "STRIDED_SLICE": (Role.ACTIVATION, Role.INDEX, Role.INDEX, Role.INDEX),
    "SLICE": (Role.ACTIVATION, Role.INDEX, Role.INDEX),
    "GATHER": _WITH_INDEX,
    "RESIZE_BILINEAR": _WITH_INDEX,
    "RESIZE_NEAREST_NEIGHBOR": _WITH_INDEX,
    "SPLIT": (Role.INDEX, Role.ACTIVATION),
    "SPLIT_V": (Role.ACTIVATION, Role.INDEX, Role.INDEX),
    "SPACE_TO_BATCH_ND": (Role.ACTIVATION, Role.INDEX, Role.INDEX),
    "BATCH_TO_SPACE_ND": (Role.ACTIVATION, Role.INDEX, Role.INDEX),
    "BROADCAST_TO": _WITH_INDEX,
    "TILE": _WITH_INDEX,
    "REVERSE_V2": _WITH_INDEX,
    "CUMSUM": _WITH_INDEX,
}
# fmt: on

# Ops that only say which variables there are, and what they begin with.
DECLARATIONS = frozenset({"VAR_HANDLE", "CALL_ONCE"})

# Ops whose output is int32, without a scale: positions, not values.
POSITIONS = frozenset({"ARG_MAX", "ARG_MIN"})


def inputs_by_role(graph: Graph, op: Op) -> list[tuple[Role, Tensor]]:
    """The op's inputs that are present, each with its role; whatever is not known to be special is an activation."""
    roles = _ROLES.get(op.name, ())
    return [
        (roles[position] if position < len(roles) else Role.ACTIVATION, graph.tensors[index])
        for position, index in enumerate(op.inputs)
        if index >= 0
    ]


def input_of(graph: Graph, op: Op, role: Role) -> Tensor | None:
    """The op's first input with a role; None if it has none."""
    return next((tensor for found, tensor in inputs_by_role(graph, op) if found is role), None)
