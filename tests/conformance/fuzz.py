"""Random graphs of many ops through the engine and TensorFlow Lite Micro, and the corpus of graphs that are kept.

tools/fuzz looks for new ones; test_corpus.py runs those that are kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from conformance.graphs import make_graph
from conformance.native import Arrays, Batch, Model
from numpy.typing import NDArray

from edgeq.errors import EdgeqError, InterpreterError, ToolError
from edgeq.lower.program import Enumerator, Program
from edgeq.reference import ReferenceWorker

CORPUS = Path(__file__).with_name("corpus.json")

# Cores to lower for: without extensions, with DSP instructions, with vectors too.
_FEATURES: tuple[tuple[str, ...], ...] = ((), ("dsp",), ("dsp",), ("dsp", "mve"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The graph `make_graph(index, seed=seed)`, lowered for a core with `features`, with `pick` for `nth_candidates`.

    `misalign` is the model's. `why` says what it found, or nothing if it is kept for the kernels that it has.
    """

    seed: int
    index: int
    features: tuple[str, ...]
    pick: int
    misalign: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of an entry: the kernels and functions that its program calls, and what is wrong, or nothing.

    A graph that TFLM refuses has neither.
    """

    entry: Entry
    covers: frozenset[str] = frozenset()
    problem: str = ""


def entries(seed: int, indices: Iterable[int]) -> Iterator[Entry]:
    """Entries that differ in all they can differ in."""
    for index in indices:
        rng = np.random.default_rng([seed, 77, index])
        yield Entry(
            seed=seed,
            index=index,
            features=_FEATURES[int(rng.integers(len(_FEATURES)))],
            pick=int(rng.integers(40)),
            misalign=int(rng.integers(4)) % 3,
        )


def compare(tried: Sequence[Entry], tflm: ReferenceWorker, folder: Path) -> list[Outcome]:
    """Every entry's outcome, all compiled into one program under the sanitizers."""
    outcomes: list[Outcome] = []
    accepted: list[tuple[Entry, Model, tuple[NDArray[np.int8], ...], Arrays]] = []
    for entry in tried:
        content, inputs = make_graph(entry.index, seed=entry.seed)
        try:
            wanted = tflm.run(content, inputs)
        except InterpreterError as exc:
            outcomes.append(Outcome(entry=entry, problem=str(exc) if "crashed" in str(exc) else ""))
            continue
        model = Model(
            name=f"{entry.seed}/{entry.index}", content=content, misalign=entry.misalign,
            features=frozenset(entry.features), pick=entry.pick,
        )  # fmt: skip
        accepted.append((entry, model, inputs, wanted))
    try:
        batch = Batch([model for _, model, _, _ in accepted], folder)
    except EdgeqError as exc:
        if len(accepted) == 1:
            return [*outcomes, Outcome(entry=accepted[0][0], problem=str(exc))]
        for i, (entry, *_) in enumerate(accepted):  # one by one, to see which
            outcomes += compare([entry], tflm, folder / str(i))
        return outcomes
    for i, (entry, _, inputs, wanted) in enumerate(accepted):
        try:
            (found,) = batch.run([(i, inputs)])
        except ToolError as exc:
            problem = str(exc)
        else:
            wrong = [int((a != b.reshape(a.shape)).sum()) for a, b in zip(found, wanted, strict=True)]
            problem = f"wrong values per output: {wrong}" if any(wrong) else ""
        outcomes.append(Outcome(entry=entry, covers=functions(batch.programs[i]), problem=problem))
    return outcomes


def functions(program: Program) -> frozenset[str]:
    """Kernels that the program calls, and functions that it gives them."""
    names = {call.kernel for call in program.calls}
    return frozenset(
        names | {v.name for call in program.calls for v in call.params.values() if isinstance(v, Enumerator)}
    )


def smallest(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Few outcomes that have all functions of all of them (greedily), and those that found something."""
    kept = [o for o in outcomes if o.entry.why]
    missing = frozenset[str]().union(*(o.covers for o in outcomes)) - frozenset[str]().union(*(o.covers for o in kept))
    while missing:
        best = max(outcomes, key=lambda o: len(o.covers & missing))
        kept.append(best)
        missing -= best.covers
    return kept


def write_corpus(kept: Sequence[Outcome], path: Path = CORPUS) -> None:
    """The entries, and what they cover together."""
    covers = sorted(frozenset[str]().union(*(o.covers for o in kept)))
    lines = [json.dumps(asdict(o.entry)) for o in sorted(kept, key=lambda o: (o.entry.seed, o.entry.index))]
    path.write_text(
        '{\n  "entries": [\n    ' + ",\n    ".join(lines) + '\n  ],\n  "covers": [\n    '
        + ",\n    ".join(json.dumps(name) for name in covers) + "\n  ]\n}\n"
    )  # fmt: skip


def read_corpus(path: Path = CORPUS) -> tuple[list[Entry], frozenset[str]]:
    """The entries, and what they should cover together."""
    values = json.loads(path.read_text())
    found = [Entry(**{**entry, "features": tuple(entry["features"])}) for entry in values["entries"]]
    return found, frozenset(values["covers"])
