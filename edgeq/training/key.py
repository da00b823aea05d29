"""Which run a checkpoint belongs to: the key is made of what the user gave.

What edgeq computes before the first step (moments, ranges, factors of equalization) is no part of it: its last bits
depend on how many threads add it up, and a run that goes on with another `--jobs` would start anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeq.training.plan import TrainingPlan
from edgeq.version import version

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FORM = 2
"""Of the forms in which models are trained, of where they start and of what a step does. Raised with any change of
these, as checkpoints from before are of no use then."""


def origin_of(model: Any, *facts: object, samples: Sequence[NDArray[np.generic]] = ()) -> str:
    """Identifies what a model in training is made from.

    Args:
        model: the user's, of Keras 3 or tf_keras: its weights, and the layers' settings but for their names, which
            Keras numbers anew in every process.
        facts: what else decides the start: the method, its options. Their `repr` counts.
        samples: of the user's, that the start depends on beside those of the plan.
    """
    digest = hashlib.sha256(repr(facts).encode())
    for layer in model._flatten_layers(include_self=False):
        if not hasattr(layer, "layers"):  # a nested model's settings are those of its layers
            digest.update(f"{type(layer).__name__} {_settings(layer)}".encode())
    for array in (*model.get_weights(), *samples):
        _add(digest, np.asarray(array), values=True)
    return digest.hexdigest()


def key_of(variables: Sequence[NDArray[np.generic]], plan: TrainingPlan, origin: str | None) -> str:
    """The key of a run.

    Args:
        variables: those of the model in training, as it starts.
        plan: how it is trained.
        origin: as `origin_of`: of the variables only types and shapes count then. None: their values do.
    """
    digest = hashlib.sha256(f"{version()} {_FORM} {origin} {plan.fingerprint()}".encode())
    for value in variables:
        _add(digest, value, values=origin is None)
    return digest.hexdigest()


def _settings(layer: Any) -> str:
    try:
        config = dict(layer.get_config())
    except Exception:
        return ""
    config.pop("name", None)
    return json.dumps(config, sort_keys=True, default=lambda value: type(value).__name__)


def _add(digest: Any, array: NDArray[np.generic], *, values: bool) -> None:
    digest.update(f"{array.dtype} {array.shape}".encode())
    if values:
        digest.update(np.ascontiguousarray(array).tobytes())
