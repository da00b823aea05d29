"""The golden project: every file that a template writes for the small model, kept in tests/golden/small."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from projects import make_project, make_tflm_project, small_model

FOLDER = Path(__file__).parent / "golden" / "small"
TFLM_FOLDER = Path(__file__).parent / "golden" / "small_tflm"
_COPIED = ("board/", "include/", "kernels/", "link/", "model/affine.c", "model/selftest.c")
_COPIED += ("tflm/engine.cc", "tflm/log.cc", "tflm/runtime.cc")
_LABELS = ["zero", "one", "two", "three"]


def generated(folder: Path = FOLDER) -> dict[str, str]:
    """The files as they are generated now, of the one project or the other; those that are copied unchanged are left
    out."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "project"
        if folder == TFLM_FOLDER:
            project = make_tflm_project(small_model(), out, "small", arena_bytes=6000, labels=_LABELS)
        else:
            project, _ = make_project(small_model(), out, "small", labels=_LABELS, arena_tflm_bytes=5000)
        own = [f for f in project.files if not f.startswith(_COPIED)]
        return {f: (project.root / f).read_text(encoding="utf-8") for f in own}


def stored(folder: Path = FOLDER) -> dict[str, str]:
    """The files as they were accepted."""
    return {p.relative_to(folder).as_posix(): p.read_text(encoding="utf-8") for p in folder.rglob("*") if p.is_file()}


def update() -> None:
    """Accept the files as they are generated now."""
    for folder in (FOLDER, TFLM_FOLDER):
        files = generated(folder)
        shutil.rmtree(folder, ignore_errors=True)
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
