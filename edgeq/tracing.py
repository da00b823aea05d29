"""A build on a device, layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from edgeq.builds import Build
from edgeq.errors import DeviceError
from edgeq.host import content_for
from edgeq.link.codes import HelloFlag
from edgeq.link.messages import Hello
from edgeq.link.session import Session
from edgeq.lower.trace import TracePoint
from edgeq.model.graph import Graph, computed_tensors
from edgeq.model.naming import op_label
from edgeq.records import LayerDrift, Progress, Reference
from edgeq.reference import layer_crcs, layer_outputs
from edgeq.validation.layers import measure_layers


def trace_layers(
    build: Build,
    device: str,
    session: Session,
    inputs: Sequence[NDArray[np.generic]],
    references: Sequence[Reference],
    progress: Progress,
) -> dict[Reference, tuple[LayerDrift, ...]]:
    """Fingerprints of all layers on all samples, and whole tensors where they differ, against each reference.

    Args:
        build: what runs.
        device: what the user calls the device, for messages.
        session: with it.
        inputs: one array per model input.
        references: whom to compare with.
        progress: told one step per sample.

    Raises:
        DeviceError: the device traces nothing, or runs another program.
        DeviceError, LinkError: as `Session.trace`.
        InterpreterError: a reference crashed or refused the model.
    """
    graph = build.quantized.graph
    samples = len(inputs[0])
    points, vanished = build.trace_points, build.program.vanished
    if session.hello.flags & HelloFlag.INTERPRETER:
        points, vanished = _points_of_interpreter(graph), ()
    _check_traced(build, device, session.hello, len(points))
    progress.start("Comparing layer by layer", samples)
    raw = [tuple(a[i].tobytes() for a in inputs) for i in range(samples)]

    def traced(sample: Sequence[bytes]) -> tuple[int, ...]:
        progress.step(1)
        return session.trace(sample)

    crcs = session.in_sequence(traced, raw) if graph.is_stateful else [traced(sample) for sample in raw]
    found = np.array(crcs, np.uint32).reshape(samples, -1)
    return {
        reference: measure_layers(
            graph,
            points,
            vanished,
            device_crcs=found,
            reference_crcs=layer_crcs(
                content_for(build.quantized, reference), inputs, [p.tensor for p in points], reference=reference
            ),
            fetch=partial(_fetch, session, raw, stateful=graph.is_stateful),
            reference_values=partial(
                layer_outputs, content_for(build.quantized, reference), inputs, reference=reference
            ),
        )
        for reference in references
    }


def _points_of_interpreter(graph: Graph) -> tuple[TracePoint, ...]:
    """An interpreter computes every tensor of the .tflite, and fuses nothing."""
    from edgeq.lower.trace import TracePoint

    labels = {t: op_label(graph, op) for op in graph.ops for t in op.outputs}
    return tuple(TracePoint(point=i, call=i, tensor=t, label=labels[t]) for i, t in enumerate(computed_tensors(graph)))


def _check_traced(build: Build, device: str, hello: Hello, expected: int) -> None:
    """Whether the device sends as many fingerprints as the build's program has."""
    found = hello.trace_point_count
    if found == expected:
        return
    if hello.flags & HelloFlag.INTERPRETER:
        raise DeviceError(
            f"The agent at {device} hands out no layers, whole outputs only.",
            hint="The agent in Python does: edgeq agent BUILD on the device.",
        )
    what = "was built without tracing, as a build's own image is" if found == 0 else f"traces {found} layers"
    raise DeviceError(
        f"The firmware at {device} {what}; this build has {expected} layers to compare.",
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
