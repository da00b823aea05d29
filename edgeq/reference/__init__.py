"""Reference outputs on the host, whole and per layer."""

from __future__ import annotations

from edgeq.reference.children import kept_children
from edgeq.reference.run import (
    ReferenceRuns,
    available,
    layer_crcs,
    layer_outputs,
    measure_arena,
    primary,
    run_reference,
    run_references,
    version,
    why_unavailable,
)
from edgeq.reference.worker import ReferenceWorker

__all__ = [
    "ReferenceRuns",
    "ReferenceWorker",
    "available",
    "kept_children",
    "layer_crcs",
    "layer_outputs",
    "measure_arena",
    "primary",
    "run_reference",
    "run_references",
    "version",
    "why_unavailable",
]
