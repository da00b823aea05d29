"""The arms of a comparison, and the work that makes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from edgeq.records import Method

FLOAT = "float"
FLOAT_BN = "float-bn"
FLOAT_CONTINUED = "float-continued"
PTQ = "ptq"
PTQ_BN = "ptq-bn"
PTQ_CONTINUED = "ptq-continued"
QAT = "qat"
QAT_TFMOT = "qat-tfmot"
FLOAT_CONTINUED_TFMOT = "float-continued-tfmot"
PTQ_CONTINUED_TFMOT = "ptq-continued-tfmot"
PTQ_EQUALIZED = "ptq-equalized"
INT16X8 = "16x8"

TITLES = MappingProxyType(
    {
        FLOAT: "float model, as given",
        FLOAT_BN: "float, batch-norm statistics taken again",
        FLOAT_CONTINUED: "float, trained on like QAT",
        PTQ: "PTQ",
        PTQ_BN: "PTQ of float with new batch-norm statistics",
        PTQ_CONTINUED: "PTQ of float trained on like QAT, then equalised",
        QAT: "QAT",
        QAT_TFMOT: "QAT by tfmot",
        FLOAT_CONTINUED_TFMOT: "float, trained on like tfmot's QAT",
        PTQ_CONTINUED_TFMOT: "PTQ of float trained on like tfmot's QAT",
        PTQ_EQUALIZED: "PTQ, layers equalised first",
        INT16X8: "int16 activations, int8 weights",
    }
)


def spoken(name: str) -> str:
    """An arm's name for people, where its title is too long: PTQ, QAT, PTQ-continued."""
    return re.sub(r"^(?:ptq|qat)\b", lambda method: method[0].upper(), name) if name in TITLES else name


class Work(Enum):
    """A piece of work, done in one process: the arms that share a start."""

    FLOAT = "float"
    BATCH_NORM = "batch-norm"
    PTQ = "ptq"
    CONTINUED = "continued"
    QAT = "qat"
    QAT_TFMOT = "qat-tfmot"
    CONTINUED_TFMOT = "continued-tfmot"
    EQUALIZED = "equalized"
    INT16X8 = "16x8"


# What each piece of work makes, in order.
MAKES = MappingProxyType(
    {
        Work.FLOAT: (FLOAT,),
        Work.BATCH_NORM: (FLOAT_BN, PTQ_BN),
        Work.PTQ: (PTQ,),
        Work.CONTINUED: (FLOAT_CONTINUED, PTQ_CONTINUED),
        Work.QAT: (QAT,),
        Work.QAT_TFMOT: (QAT_TFMOT,),
        Work.CONTINUED_TFMOT: (FLOAT_CONTINUED_TFMOT, PTQ_CONTINUED_TFMOT),
        Work.EQUALIZED: (PTQ_EQUALIZED,),
        Work.INT16X8: (INT16X8,),
    }
)

# Arms are shown in this order.
ORDER = tuple(TITLES)

# By the method's name; a method that trains comes with its control.
_OF_METHOD = {
    "ptq": (Work.PTQ,),
    "qat": (Work.QAT, Work.CONTINUED),
    "qat-tfmot": (Work.QAT_TFMOT, Work.CONTINUED_TFMOT),
    "16x8": (Work.INT16X8,),
}


METHODS = tuple(method for method in Method if method.value in _OF_METHOD)
"""The methods that can be compared (auto is a choice among them, made on validation data)."""


TRAINING_METHODS = (Method.QAT, Method.QAT_TFMOT)
"""The methods that train."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One piece of work for one seed."""

    work: Work
    seed: int


TRAINED = frozenset({Work.QAT, Work.QAT_TFMOT, Work.CONTINUED, Work.CONTINUED_TFMOT})
"""Work whose result depends on the seed."""

# The longest first: models that train, then those that are converted, with the layers' noise or with new statistics.
_LONGEST_FIRST = (
    Work.QAT_TFMOT, Work.QAT, Work.CONTINUED_TFMOT, Work.CONTINUED, Work.BATCH_NORM, Work.EQUALIZED, Work.PTQ,
    Work.INT16X8, Work.FLOAT,
)  # fmt: skip


def plan(
    methods: tuple[Method, ...], seeds: tuple[int, ...], *, batch_norm: bool, random_calibration: bool
) -> tuple[Task, ...]:
    """The tasks of a comparison, longest first, so that the last ones to end are short.

    Args:
        methods: how int8 models are made.
        seeds: of what is random.
        batch_norm: the model has batch-norm statistics to take again.
        random_calibration: there are more calibration samples than are used, so that the seed chooses; else PTQ is
            made once.
    """
    tasks: list[Task] = []
    for method in methods:
        for work in _OF_METHOD[method.value]:
            once = work is Work.INT16X8 or (work is Work.PTQ and not random_calibration)
            tasks += [Task(work=work, seed=seed) for seed in (seeds[:1] if once else seeds)]
    if batch_norm:
        tasks.append(Task(work=Work.BATCH_NORM, seed=seeds[0]))
    tasks.append(Task(work=Work.FLOAT, seed=seeds[0]))
    return tuple(sorted(dict.fromkeys(tasks), key=_longest_first))


def _longest_first(task: Task) -> tuple[bool, int, int]:
    """What trains by seeds, so that an interrupted comparison has whole ones; then the rest."""
    trained = task.work in TRAINED
    return not trained, task.seed if trained else 0, _LONGEST_FIRST.index(task.work)


def random_arms(tasks: tuple[Task, ...], *, random_calibration: bool) -> frozenset[str]:
    """The arms whose models another seed would change."""
    works = {task.work for task in tasks} & (TRAINED | ({Work.PTQ} if random_calibration else frozenset()))
    return frozenset(arm for work in works for arm in MAKES[work])


def remedies(methods: tuple[Method, ...], seed: int) -> tuple[Task, ...]:
    """What is tried where PTQ loses accuracy and some layers are to blame; 16x8 only if it is not an arm already."""
    works = (Work.EQUALIZED, *(() if any(m.value == "16x8" for m in methods) else (Work.INT16X8,)))
    return tuple(Task(work=work, seed=seed) for work in works)


def declared(names: tuple[str, ...]) -> tuple[tuple[str, str, str], ...]:
    """The contrasts that the comparison is about: first, second, question. Declared before anything is measured.

    QAT is edgeq's own where it was asked for, else tfmot's, and its control goes with it.
    """
    qat, control = (QAT, PTQ_CONTINUED) if QAT in names else (QAT_TFMOT, PTQ_CONTINUED_TFMOT)
    wanted = (
        (FLOAT, PTQ, "What does PTQ cost?"),
        (FLOAT, qat, "What does QAT cost or bring?"),
        (PTQ, qat, "Is QAT better than PTQ?"),
        (control, qat, "Is it quantization awareness, or only the extra training?"),
    )
    return tuple(c for c in wanted if c[0] in names and c[1] in names)


def exploratory(names: tuple[str, ...]) -> tuple[tuple[str, str, str], ...]:
    """Other pairs worth a look, which are not corrected for each other and prove nothing."""
    wanted = (
        (FLOAT, FLOAT_BN, "Are the batch-norm statistics stale?"),
        (FLOAT, FLOAT_CONTINUED, "Was the float model trained long enough?"),
        (FLOAT, FLOAT_CONTINUED_TFMOT, "Was the float model trained long enough?"),
        (FLOAT_BN, PTQ_BN, "What does PTQ cost after new statistics?"),
        (FLOAT_CONTINUED, PTQ_CONTINUED, "What does PTQ cost after more training?"),
        (QAT_TFMOT, QAT, "Which QAT is better?"),
        (PTQ_CONTINUED_TFMOT, QAT_TFMOT, "Is it quantization awareness, or only the extra training?"),
        (PTQ, QAT_TFMOT, "Is tfmot's QAT better than PTQ?"),
        (PTQ, PTQ_EQUALIZED, "Does equalising the layers help?"),
        (PTQ_EQUALIZED, QAT, "Is QAT better than PTQ with equalised layers?"),
        (PTQ, INT16X8, "Do 16-bit activations help?"),
    )
    base = FLOAT if FLOAT in names else names[0]
    own = tuple((base, name, f"Is {name} better?") for name in names if name not in TITLES and name != base)
    known = {c[:2] for c in declared(names)}
    return tuple(c for c in (*wanted, *own) if c[0] in names and c[1] in names and c[:2] not in known)
