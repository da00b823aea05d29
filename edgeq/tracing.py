"""A model on a device, layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edgeq.builds import Build
from edgeq.errors import DeviceError
from edgeq.host import content_for
from edgeq.link.about import Hello
from edgeq.link.codes import HelloFlag
from edgeq.link.session import Session
from edgeq.lower.program import Vanished
from edgeq.model.graph import Graph, computed_tensors
from edgeq.model.naming import op_label
from edgeq.records import LayerDrift, Progress, Reference
from edgeq.reference import layer_crcs, layer_outputs
from edgeq.validation.layers import measure_layers

if TYPE_CHECKING:
    from edgeq.lower.trace import TracePoint


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Traceable:
    """What a device traces: `points` are those of its program, in order; `vanished` the tensors that it does not
    compute. `content` gives the .tflite that a reference runs."""

    graph: Graph
    points: Sequence[TracePoint]
    vanished: Sequence[Vanished]
    content: Callable[[Reference], bytes]


def traceable(build: Build, device: str, hello: Hello) -> Traceable:
    """What a device that runs a build traces.

    Args:
        build: what runs.
        device: what the user calls the device, for messages.
        hello: its own word.

    Raises:
        DeviceError: it traces nothing, or runs another program.
    """
    content = partial(content_for, build.quantized)
    if hello.flags & HelloFlag.INTERPRETER:
        return traceable_interpreter(build.quantized.graph, content, device, hello)
    if hello.trace_point_count != len(build.trace_points):
        raise _not_traced(build, device, hello.trace_point_count)
    return Traceable(
        graph=build.quantized.graph, points=build.trace_points, vanished=build.program.vanished, content=content
    )


def traceable_interpreter(graph: Graph, content: Callable[[Reference], bytes], device: str, hello: Hello) -> Traceable:
    """What a device with an interpreter traces: every tensor that an op of the .tflite computes; it fuses nothing.

    Args:
        graph: of the .tflite that it runs.
        content: as in `Traceable`.
        device: what the user calls the device, for messages.
        hello: its own word.

    Raises:
        DeviceError: it gives whole outputs only, or counts the layers otherwise.
    """
    from edgeq.lower.trace import TracePoint

    tensors = computed_tensors(graph)
    if hello.trace_point_count not in (0, len(tensors)):
        raise DeviceError(
            f"The agent at {device} traces {hello.trace_point_count} layers, this version of edgeq {len(tensors)}.",
            hint="Install the same version of edgeq on both sides.",
        )
    if hello.trace_point_count == 0:
        raise DeviceError(
            f"The agent at {device} hands out no layers, whole outputs only, as the native agent does.",
            hint="Whole outputs: `edgeq validate`. For layers run the agent in Python on the device: `edgeq agent "
            "MODEL.tflite`.",
        )
    labels = {t: op_label(graph, op) for op in graph.ops for t in op.outputs}
    points = [TracePoint(point=i, call=i, tensor=t, label=labels[t]) for i, t in enumerate(tensors)]
    return Traceable(graph=graph, points=points, vanished=(), content=content)


class TracedLayers:
    """The fingerprints of all layers on all samples; whole tensors are fetched where they differ from a reference's."""

    def __init__(
        self, what: Traceable, session: Session, inputs: Sequence[NDArray[np.generic]], progress: Progress
    ) -> None:
        """Run the samples.

        Args:
            what: what the device traces.
            session: with it, open as long as `against` is called.
            inputs: one array per model input.
            progress: told one step per sample.

        Raises:
            DeviceError, LinkError: as `Session.trace`.
        """
        stateful, samples = what.graph.is_stateful, len(inputs[0])
        progress.start("Comparing layer by layer", samples)
        self._what, self._session, self._inputs = what, session, inputs
        self._raw = [tuple(a[i].tobytes() for a in inputs) for i in range(samples)]

        def traced(sample: Sequence[bytes]) -> tuple[int, ...]:
            progress.step(1)
            return session.trace(sample)

        crcs = session.in_sequence(traced, self._raw) if stateful else [traced(sample) for sample in self._raw]
        self._crcs = np.array(crcs, np.uint32).reshape(samples, -1)

    def against(self, reference: Reference) -> tuple[LayerDrift, ...]:
        """The layers, compared with those of a reference.

        Raises:
            DeviceError, LinkError: as `Session.fetch`.
            InterpreterError: the reference crashed or refused the model.
        """
        what, content = self._what, self._what.content(reference)
        tensors = [point.tensor for point in what.points]
        return measure_layers(
            what.graph, what.points, what.vanished, device_crcs=self._crcs,
            reference_crcs=layer_crcs(content, self._inputs, tensors, reference=reference),
            fetch=partial(_fetch, self._session, self._raw, stateful=what.graph.is_stateful),
            reference_values=partial(layer_outputs, content, self._inputs, reference=reference),
        )  # fmt: skip


def _not_traced(build: Build, device: str, found: int) -> DeviceError:
    what = "was built without tracing, as a build's own image is" if found == 0 else f"traces {found} layers"
    return DeviceError(
        f"The firmware at {device} {what}; this build has {len(build.trace_points)} layers to compare.",
        hint="Flash one that traces: `edgeq flash BUILD --traced`, or let `edgeq drift BUILD --flash` do it and put "
        f"the build's own back. Without a probe: `make TRACE=1 firmware` in {build.project.root}, and flash what it "
        "makes.",
    )


def _fetch(session: Session, samples: Sequence[tuple[bytes, ...]], sample: int, point: int, *, stateful: bool) -> bytes:
    """One tensor of one sample; a model with variables gets all samples before it again."""
    if not stateful:
        return session.fetch(samples[sample], point)
    last = samples[sample]
    return session.in_sequence(
        lambda one: session.fetch(one, point) if one is last else session.run(one).outputs[0], samples[: sample + 1]
    )[-1]
