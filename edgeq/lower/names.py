"""Names of what users can switch, without the code behind them: the command line shows them and stays light."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum


class Pass(Enum):
    """A pass (`edgeq.lower.passes`), in the order in which they run; the value is what `--without-pass` takes."""

    FOLD_CONSTANTS = "fold-constants"
    MERGE_PADDING = "merge-padding"
    REMOVE_CHANNELS = "remove-channels"
    BORDER_BIASES = "border-biases"
    FREE_RESHAPES = "free-reshapes"
    SCALARS_TO_TABLES = "scalars-to-tables"
    FUSE_ARITHMETIC = "fuse-arithmetic"
    MERGE_TABLES = "merge-tables"
    FUSE_ACTIVATIONS = "fuse-activations"
    DEPTHWISE_TO_CONVOLUTION = "depthwise-to-convolution"
    CONVOLUTION_TO_DENSE = "convolution-to-dense"
    FOLD_ZERO_POINTS = "fold-zero-points"
    IN_PLACE = "in-place"

    @property
    def about(self) -> str:
        """What it does, in a line."""
        return _ABOUT[self]


_ABOUT: Mapping[Pass, str] = {
    Pass.FOLD_CONSTANTS: "ops on constants alone are computed on the host",
    Pass.MERGE_PADDING: "PAD becomes the convolution's own padding",
    Pass.REMOVE_CHANNELS: "channels that are constant or unread go into biases",
    Pass.BORDER_BIASES: "channels that only padding changes go into biases, one for each side and corner",
    Pass.FREE_RESHAPES: "RESHAPE and its relatives are other names of the same bytes",
    Pass.SCALARS_TO_TABLES: "ADD, MUL and the like with a single constant become tables",
    Pass.FUSE_ARITHMETIC: "ADD, MUL and the like of a value and functions of it become one table",
    Pass.MERGE_TABLES: "unary ops one after another become one table",
    Pass.FUSE_ACTIVATIONS: "an activation that only clamps becomes the limits of the op before it",
    Pass.DEPTHWISE_TO_CONVOLUTION: "a depthwise convolution of one channel becomes a convolution",
    Pass.CONVOLUTION_TO_DENSE: "a convolution over the whole image becomes a matrix product",
    Pass.FOLD_ZERO_POINTS: "what zero points of inputs add goes into biases, by kernels that read none",
    Pass.IN_PLACE: "element-wise ops and some others write to their input's place",
}
