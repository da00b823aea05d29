"""The golden project: every file that a template writes for the small model, kept in tests/golden/small."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from projects import make_project, small_model

FOLDER = Path(__file__).parent / "golden" / "small"
_COPIED = ("board/", "include/", "kernels/", "link/", "model/affine.c", "model/selftest.c")


def generated() -> dict[str, str]:
    """The files as they are generated now; those that are copied unchanged are left out."""
    with tempfile.TemporaryDirectory() as folder:
        project, _ = make_project(
            small_model(),
            Path(folder) / "project",
            "small",
            labels=["zero", "one", "two", "three"],
            arena_tflm_bytes=5000,
        )
        own = [f for f in project.files if not f.startswith(_COPIED)]
        return {f: (project.root / f).read_text(encoding="utf-8") for f in own}


def stored() -> dict[str, str]:
    """The files as they were accepted."""
    return {p.relative_to(FOLDER).as_posix(): p.read_text(encoding="utf-8") for p in FOLDER.rglob("*") if p.is_file()}


def update() -> None:
    """Accept the files as they are generated now."""
    files = generated()
    shutil.rmtree(FOLDER, ignore_errors=True)
    for name, content in files.items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
