"""Fixtures that all tests share."""

from __future__ import annotations

import os
import types
from collections.abc import Generator
from typing import Any

import pytest
import zoo as zoo_module
from tflm_trees import NO_TFLM

REQUIRE_TOOLS = "EDGEQ_REQUIRE_TOOLS" in os.environ
"""Set where every tool is installed (the project's CI): a test that skips itself has then failed."""

ABOUT_THE_USER = "root may write everywhere"
"""A reason that no tool can mend."""


FULL = "EDGEQ_FULL" in os.environ
"""Run the long forms of tests too, those marked `full`."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    long = [] if FULL else [item for item in items if item.get_closest_marker("full")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if not item.get_closest_marker("full")]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return _no_skips((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: Any) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return _no_skips((yield))


def _no_skips(report: Any) -> Any:
    skipped = report.outcome == "skipped" and not any(
        reason in str(report.longrepr) for reason in (ABOUT_THE_USER, NO_TFLM)
    )
    if REQUIRE_TOOLS and skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, although EDGEQ_REQUIRE_TOOLS is set: {report.longrepr}"
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What was not tested for want of a library, whatever options show of skips."""
    without = [r for r in terminalreporter.stats.get("skipped", ()) if NO_TFLM in str(r.longrepr)]
    if without:
        terminalreporter.write_line(f"{len(without)} tests of the tflm engine on a device were skipped: {NO_TFLM}.")


@pytest.fixture(scope="session")
def zoo() -> types.ModuleType:
    """The test models: `zoo.ZOO`, `zoo.zoo_tflite(name)`, `zoo.zoo_inputs(name, n)`, `zoo.zoo_keras(name)`."""
    return zoo_module
