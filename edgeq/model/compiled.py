"""How a Keras model was compiled: loss and optimizer, read from the file's JSON without compiling it again."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgeq.model.hdf5 import read_attribute
from edgeq.model.scan import read_archive
from edgeq.records import Compiled, ModelFormat

_NOT_SETTINGS = {"name", "learning_rate", "jit_compile", "is_legacy_optimizer", "use_ema", "ema_momentum", "decay"}


def read_compiled(path: Path, format: ModelFormat) -> Compiled | None:
    """The loss and optimizer that a model file names; None if it was saved uncompiled, or is a SavedModel.

    Raises:
        ModelError: damaged file.
    """
    if format in {ModelFormat.KERAS3, ModelFormat.TF_KERAS}:
        config = read_archive(path, "config.json")
        found = config.get("compile_config") if isinstance(config, dict) else None
    elif format is ModelFormat.H5:
        found = read_attribute(path, "training_config")
    else:
        found = None
    return compiled_from_config(found) if isinstance(found, dict) else None


def compiled_from_config(config: Mapping[str, Any]) -> Compiled:
    """What Keras' compile configuration (of either version) says; what is custom code there is left out."""
    loss, loss_settings = _named(_single(config.get("loss")))
    optimizer, settings = _named(config.get("optimizer_config", config.get("optimizer")))
    rate = _highest_rate(settings.get("learning_rate"))
    numbers = {
        key: value
        for key, value in settings.items()
        if key not in _NOT_SETTINGS and isinstance(value, bool | int | float)
    }
    from_logits = loss_settings.get("from_logits")
    return Compiled(
        loss=loss,
        from_logits=from_logits if isinstance(from_logits, bool) else None,
        optimizer=optimizer,
        optimizer_settings=numbers,
        learning_rate=rate,
    )


def _highest_rate(value: Any) -> float | None:
    """A learning rate: a number, or a schedule's highest, which it starts with, or reaches after warming up."""
    if isinstance(value, dict):
        config = value.get("config")
        config = config if isinstance(config, dict) else {}
        steps = config.get("values")
        found = [config.get("initial_learning_rate"), config.get("warmup_target")]
        found += steps if isinstance(steps, list) else []
    else:
        found = [value]
    return max((float(rate) for rate in found if isinstance(rate, int | float) and rate > 0), default=None)


def snake_case(name: str) -> str:
    """Keras' function name for a class name: SparseCategoricalCrossentropy -> sparse_categorical_crossentropy."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _single(value: Any) -> Any:
    """The only entry of a list or dict of losses, one per output; None for several."""
    if isinstance(value, dict) and "class_name" not in value:
        value = list(value.values())
    if isinstance(value, list):
        return value[0] if len(value) == 1 else None
    return value


def _named(value: Any) -> tuple[str | None, Mapping[str, Any]]:
    """The name and settings of a loss or optimizer: a string, a function's entry, or a class with its settings."""
    if isinstance(value, str):
        return snake_case(value), {}
    if not isinstance(value, dict) or not isinstance(value.get("class_name"), str):
        return None, {}
    config = value.get("config")
    if value["class_name"] == "function":
        return (snake_case(config), {}) if isinstance(config, str) else (None, {})
    name = value["class_name"].rpartition(">")[2]
    return snake_case(name), config if isinstance(config, dict) else {}
