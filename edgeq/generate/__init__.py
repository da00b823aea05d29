"""Program -> C project, through templates; and the manifest that ties a build together."""

from __future__ import annotations

from edgeq.generate.project import generate

__all__ = ["generate"]
