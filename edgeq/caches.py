"""Where the tools that edgeq runs keep what they may compute again: not in the user's home folder, as they would.

Everything goes below the virtual environment that edgeq runs in, and goes with it. Without one, or if it cannot be
written, it is the user's cache folder: $XDG_CACHE_HOME/edgeq, by default ~/.cache/edgeq.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def cache_folder(tool: str) -> Path:
    """The folder of one tool's cache; the tool makes it."""
    environment = Path(sys.prefix)
    if sys.prefix != sys.base_prefix and os.access(environment, os.W_OK | os.X_OK):
        return environment / ".cache" / "edgeq" / tool
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "edgeq" / tool


def zig_environment() -> dict[str, str]:
    """This process's environment for running zig; the user's own choice of its caches stays."""
    folder = cache_folder("zig")
    ours = {"ZIG_GLOBAL_CACHE_DIR": str(folder), "ZIG_LOCAL_CACHE_DIR": str(folder)}
    return {**ours, **os.environ}


def keras_home() -> Path | None:
    """Where Keras should keep its settings, which it writes when it is imported; None if the user has some already."""
    return None if Path("~/.keras/keras.json").expanduser().exists() else cache_folder("keras")
