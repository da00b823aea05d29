"""What an interrupted training run needs to go on: one .npz file, written whole or not at all, without pickle."""

from __future__ import annotations

import dataclasses
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeq.errors import InputError
from edgeq.training.history import Epoch

if TYPE_CHECKING:
    from numpy.typing import NDArray


def checkpoint_path(folder: Path, key: str) -> Path:
    """Where the checkpoint of a model and plan is: several runs may share a folder."""
    return folder / f"training-{key[:16]}.npz"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Checkpoint:
    """The state after an epoch: values of all variables of model and optimizer, the best ones so far, the history.

    `key` identifies model and plan: a checkpoint is of use only for the same ones.
    """

    key: str
    start: Epoch
    epochs: tuple[Epoch, ...]
    best: int
    variables: Sequence[NDArray[np.generic]]
    optimizer: Sequence[NDArray[np.generic]]
    best_variables: Sequence[NDArray[np.generic]]


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write it to `folder`, which is made if missing; an earlier one is replaced in one step.

    Raises:
        InputError: the folder cannot be written.
    """
    facts = {
        "key": checkpoint.key,
        "start": dataclasses.asdict(checkpoint.start),
        "epochs": [dataclasses.asdict(epoch) for epoch in checkpoint.epochs],
        "best": checkpoint.best,
    }
    arrays: dict[str, Any] = {"facts": np.frombuffer(json.dumps(facts).encode(), np.uint8)}
    for name in ("variables", "optimizer", "best_variables"):
        values = getattr(checkpoint, name)
        arrays.update({f"{name}_{i}": np.asarray(value) for i, value in enumerate(values)})
    path = checkpoint_path(folder, checkpoint.key)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".tmp")
        with unfinished.open("wb") as file:
            np.savez(file, **arrays)
        unfinished.replace(path)
    except OSError as exc:
        raise InputError(f"The checkpoint {path} cannot be written: {exc.strerror or exc}") from exc


def read_checkpoint(folder: Path, key: str) -> tuple[Checkpoint | None, str | None]:
    """The checkpoint of a model and plan, and a note; None and the reason if there is one that is of no use.

    A damaged file is no error: training starts anew and replaces it. Those of other models and plans are left alone.
    """
    path = checkpoint_path(folder, key)
    if not path.is_file():
        return None, None
    try:
        with np.load(path, allow_pickle=False) as archive:
            facts = json.loads(archive["facts"].tobytes())
            if facts["key"] != key:
                return None, f"{path.name} in {folder.name} is of another model or another training, and was not used."
            lists = {
                name: [archive[f"{name}_{i}"] for i in range(sum(key.startswith(f"{name}_") for key in archive))]
                for name in ("variables", "optimizer", "best_variables")
            }
            found = Checkpoint(
                key=key,
                start=Epoch(**facts["start"]),
                epochs=tuple(Epoch(**epoch) for epoch in facts["epochs"]),
                best=int(facts["best"]),
                **lists,
            )
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile, EOFError):
        return None, f"{path.name} in {folder.name} is damaged, and was not used."
    return found, f"Training went on after epoch {len(found.epochs)}, from {path.name} in {folder.name}."
