"""edgeq: from a Keras model to int8 firmware that is proven, bit by bit, on the device.

The functions here are what the command line calls, so that a notebook can call them too::

    import edgeq
    from pathlib import Path

    options = edgeq.BuildOptions(model=Path("model.keras"), data="data.npz", out=Path("build"))
    report = edgeq.build(options)
    print(report.drift, report.accuracy)

Every one of them raises `edgeq.EdgeqError` or a subclass for what a user can cause. Names are imported when they are
first used: `import edgeq` alone costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgeq.agent.run import AgentOptions, run_agent
    from edgeq.api import (
        build,
        build_native_agent,
        check_data,
        compare,
        demo,
        diff,
        doctor,
        drift,
        drift_table,
        export_build,
        flash,
        inspect,
        monitor,
        profile,
        validate,
    )
    from edgeq.boards import Board, list_boards, load_board
    from edgeq.comparison.options import CompareOptions, GivenArm
    from edgeq.comparison.record import Comparison
    from edgeq.data import load_dataset
    from edgeq.errors import EdgeqError
    from edgeq.options import BuildOptions, Engine, Target
    from edgeq.records import Method, Optimize, Progress
    from edgeq.report.record import Report
    from edgeq.training import RangesInTraining, TrainingOptions

_HOME = {
    "AgentOptions": "edgeq.agent.run",
    "Board": "edgeq.boards",
    "BuildOptions": "edgeq.options",
    "CompareOptions": "edgeq.comparison.options",
    "Comparison": "edgeq.comparison.record",
    "EdgeqError": "edgeq.errors",
    "Engine": "edgeq.options",
    "GivenArm": "edgeq.comparison.options",
    "Method": "edgeq.records",
    "Optimize": "edgeq.records",
    "Progress": "edgeq.records",
    "RangesInTraining": "edgeq.training",
    "Report": "edgeq.report.record",
    "Target": "edgeq.options",
    "TrainingOptions": "edgeq.training",
    "build": "edgeq.api",
    "build_native_agent": "edgeq.api",
    "check_data": "edgeq.api",
    "compare": "edgeq.api",
    "demo": "edgeq.api",
    "diff": "edgeq.api",
    "doctor": "edgeq.api",
    "drift": "edgeq.api",
    "drift_table": "edgeq.api",
    "export_build": "edgeq.api",
    "flash": "edgeq.api",
    "inspect": "edgeq.api",
    "list_boards": "edgeq.boards",
    "load_board": "edgeq.boards",
    "load_dataset": "edgeq.data",
    "monitor": "edgeq.api",
    "profile": "edgeq.api",
    "run_agent": "edgeq.agent.run",
    "validate": "edgeq.api",
}

__all__ = [
    "AgentOptions",
    "Board",
    "BuildOptions",
    "CompareOptions",
    "Comparison",
    "EdgeqError",
    "Engine",
    "GivenArm",
    "Method",
    "Optimize",
    "Progress",
    "RangesInTraining",
    "Report",
    "Target",
    "TrainingOptions",
    "build",
    "build_native_agent",
    "check_data",
    "compare",
    "demo",
    "diff",
    "doctor",
    "drift",
    "drift_table",
    "export_build",
    "flash",
    "inspect",
    "list_boards",
    "load_board",
    "load_dataset",
    "monitor",
    "profile",
    "run_agent",
    "validate",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'edgeq' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
