"""Names of what users can switch, without what they stand for: the command line shows them and stays light."""

from __future__ import annotations

from enum import Enum


class Pass(Enum):
    """A pass on the graph (`edgeq.lower.passes`); the value is what `--without-pass` takes."""

    MERGE_PADDING = "merge-padding"
    REMOVE_CHANNELS = "remove-channels"
