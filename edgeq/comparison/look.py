"""What a comparison has to know of its float model before there is work: asked where TensorFlow is.

With several processes that is one of them, while the others import it: this one never does, which would be seconds of
a core that they need, and half a gigabyte.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from edgeq.errors import EdgeqError, InputError
from edgeq.inputs import ModelFacts, facts_of
from edgeq.records import Dataset, FloatModel, ValueSpec
from edgeq.training import TrainingOptions


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Question:
    """A model file and what is to be done with it. `training` is None if nothing will be trained.

    `data` have passed the checks for models with these `inputs`; None: it is not known yet what they must fit.
    """

    path: Path
    trusted: bool
    data: Dataset
    inputs: tuple[ValueSpec, ...] | None
    training: TrainingOptions | None
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Look:
    """What a loaded model shows. `refusal` says why it cannot be trained on these data; None if it can be, or need not,
    or has other inputs than these data are for."""

    facts: ModelFacts
    batch_norm: bool
    refusal: InputError | None


def look(question: Question) -> Look | EdgeqError:
    """The answer; or why the model cannot be loaded, as a value: it comes from another process."""
    from edgeq.model.load import load_float_model

    try:
        model = load_float_model(question.path, trusted=question.trusted)
        facts = facts_of(model)
        refusal = _refusal(model, question) if question.inputs == facts.inputs else None
    except EdgeqError as exc:
        return exc
    return Look(facts=facts, batch_norm=has_batch_norm(model), refusal=refusal)


def _refusal(model: FloatModel, question: Question) -> InputError | None:
    """Why a training of the model cannot begin: found out before hours of other work."""
    from edgeq.training.plan import plan_training

    if question.training is None:
        return None
    try:
        plan_training(model, question.data, question.training, question.seed)
    except InputError as exc:
        hint = (exc.hint or "").replace("--method ", "--methods ")
        without = "" if "--methods" in hint else " Without training: --methods ptq."
        return type(exc)(exc.message, hint=(hint + without).strip())
    return None


def has_batch_norm(model: FloatModel) -> bool:
    """Whether a Keras model has batch norms, at any depth."""
    layers = getattr(model.handle, "_flatten_layers", None)
    return layers is not None and any(type(layer).__name__ == "BatchNormalization" for layer in layers())
