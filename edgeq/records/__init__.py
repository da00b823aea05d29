"""The records that stages hand to each other: frozen, keyword-only, no behaviour beyond small derived values.

The graph's own records are in `edgeq.model.graph`, the program's in `edgeq.lower.program`, the board's in
`edgeq.boards`, `Progress` is in `edgeq.progress`.
"""

from edgeq.progress import Progress
from edgeq.records.firmware import (
    Group,
    Image,
    MemoryUse,
    Optimize,
    Project,
    Section,
    Toolchain,
)
from edgeq.records.models import (
    Compiled,
    Dataset,
    Finding,
    FloatModel,
    Method,
    ModelFormat,
    Quantized,
    RangeEstimator,
    Split,
    ValueSpec,
)
from edgeq.records.results import (
    Accuracy,
    AccuracyDifference,
    Agreement,
    Drift,
    LayerDrift,
    Metric,
    Timing,
)
from edgeq.records.runs import (
    DeviceRun,
    DeviceShare,
    LayerCost,
    Profile,
    Reference,
    ReferenceOutputs,
)

__all__ = [
    "Accuracy",
    "AccuracyDifference",
    "Agreement",
    "Compiled",
    "Dataset",
    "DeviceRun",
    "DeviceShare",
    "Drift",
    "Finding",
    "FloatModel",
    "Group",
    "Image",
    "LayerCost",
    "LayerDrift",
    "MemoryUse",
    "Method",
    "Metric",
    "ModelFormat",
    "Optimize",
    "Profile",
    "Progress",
    "Project",
    "Quantized",
    "RangeEstimator",
    "Reference",
    "ReferenceOutputs",
    "Section",
    "Split",
    "Timing",
    "Toolchain",
    "ValueSpec",
]
