"""Fixtures of the conformance suite."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from conformance.settings import CASES, SEED

from edgeq.records import Reference
from edgeq.reference import ReferenceWorker, available, why_unavailable


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The seed and what each family compared: a hook at the end also works where this folder is one of several."""
    for report in (r for kind in ("passed", "failed") for r in terminalreporter.stats.get(kind, [])):
        for name, found in getattr(report, "user_properties", []) if report.when == "call" else []:
            if name == "conformance":
                cases, redrawn, failures, share = found
                terminalreporter.write_line(
                    f"{report.nodeid.partition('::')[2]}: {cases} cases, {failures} mismatches, {redrawn} redrawn, "
                    f"{share:.0%} compared with the float result, {report.duration:.1f} s"
                )
    terminalreporter.write_line(f"conformance suite: EDGEQ_CASES={CASES} EDGEQ_SEED={SEED}")


@pytest.fixture(scope="session")
def tflm() -> Iterator[ReferenceWorker]:
    """TensorFlow Lite Micro in a child process."""
    if not available(Reference.TFLM):
        pytest.skip(f"the reference kernels are missing: {why_unavailable(Reference.TFLM)}")
    with ReferenceWorker(Reference.TFLM) as worker:
        yield worker


@pytest.fixture(scope="session")
def gcc() -> str:
    """The host's C compiler."""
    path = shutil.which("gcc")
    if path is None:
        pytest.skip("gcc is not installed: the generated code cannot be run under the sanitizers")
    return path
