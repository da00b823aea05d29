"""Builds that several tests look at."""

from __future__ import annotations

import pytest
from mobile_builds import Built, mobile_build


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The demo's small CNN, with labels, and enough samples for a margin of one point."""
    folder = tmp_path_factory.mktemp("demo")
    labels = folder / "labels.txt"
    labels.write_text("".join(f"digit {i}\n" for i in range(10)), "utf-8")
    return mobile_build("demo", folder, samples=400, labels=labels)


@pytest.fixture(scope="session")
def mobilenet(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """MobileNetV1, width 0.25."""
    return mobile_build("mobilenet_v1", tmp_path_factory.mktemp("mobilenet"), samples=16)
