"""Passes on the graph before it is lowered: each gives a smaller graph whose outputs are the same bits."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from edgeq.lower.names import Pass
from edgeq.lower.passes.channels import remove_channels
from edgeq.lower.passes.padding import merge_padding
from edgeq.lower.passes.record import Passed
from edgeq.model.graph import Graph

# In the order in which they run.
PASSES: Mapping[Pass, Callable[[Graph], Passed]] = {
    Pass.MERGE_PADDING: merge_padding,
    Pass.REMOVE_CHANNELS: remove_channels,
}

__all__ = ["PASSES", "Passed"]
