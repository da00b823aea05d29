"""The passes: each makes the program smaller or faster, and its outputs stay the same bits. This is their registry.

A pass stands in one of three places, by what it works on: the graph before it is lowered, the calls that lowering made,
or what the choice of kernels and the planner are allowed to do. `edgeq.lower.names.Pass` has their names, and what each
does in a line; docs/passes.md what is left where one is left out. Those of a place run in the order that stands here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edgeq.lower.names import Pass
from edgeq.lower.passes.activations import fuse_activations
from edgeq.lower.passes.arithmetic import fuse_arithmetic
from edgeq.lower.passes.channels import border_biases, remove_channels
from edgeq.lower.passes.folding import fold_constants
from edgeq.lower.passes.forms import convolution_to_dense, depthwise_to_convolution, scalars_to_tables
from edgeq.lower.passes.padding import merge_padding
from edgeq.lower.passes.record import Passed, Stepped, Steps
from edgeq.lower.passes.reshapes import free_reshapes
from edgeq.lower.passes.tables import merge_tables
from edgeq.lower.passes.withheld import IN_PLACE, ZERO_POINTS, Habit
from edgeq.model.graph import Graph

ON_GRAPH: Mapping[Pass, Callable[[Graph], Passed]] = {
    Pass.FOLD_CONSTANTS: fold_constants,
    Pass.MERGE_PADDING: merge_padding,
    Pass.REMOVE_CHANNELS: remove_channels,
    Pass.BORDER_BIASES: border_biases,
}

ON_CALLS: Mapping[Pass, Callable[[Steps], Stepped]] = {
    Pass.FREE_RESHAPES: free_reshapes,
    Pass.SCALARS_TO_TABLES: scalars_to_tables,
    Pass.FUSE_ARITHMETIC: fuse_arithmetic,
    Pass.MERGE_TABLES: merge_tables,
    Pass.FUSE_ACTIVATIONS: fuse_activations,
    Pass.DEPTHWISE_TO_CONVOLUTION: depthwise_to_convolution,
    Pass.CONVOLUTION_TO_DENSE: convolution_to_dense,
}

IN_CHOICE: Mapping[Pass, Habit] = {
    Pass.FOLD_ZERO_POINTS: ZERO_POINTS,
    Pass.IN_PLACE: IN_PLACE,
}
