"""Finds templates/ and firmware/, in a checkout and in an installed wheel alike."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _find(name: str) -> Path:
    for root in (_PACKAGE / "_resources", _PACKAGE.parent):
        if (root / name).is_dir():
            return root / name
    raise FileNotFoundError(
        f"edgeq's {name}/ is missing beside {_PACKAGE}: the installation is incomplete, reinstall edgeq"
    )


def templates() -> Path:
    """The folder of Jinja templates."""
    return _find("templates")


def firmware() -> Path:
    """The folder of C sources: kernels, link, boards."""
    return _find("firmware")
