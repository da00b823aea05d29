"""What a difference most likely comes from, in plain words, read off the three columns of the drift table."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from edgeq.records import Drift, Reference

REFERENCE_NAMES = {
    Reference.TFLM: "TFLite Micro",
    Reference.LITERT_REFERENCE: "LiteRT reference",
    Reference.LITERT_DEFAULT: "LiteRT default",
    Reference.LITERT_BUILTIN: "LiteRT builtin",
}
"""The references as people call them. TFLite Micro runs its own kernels on the host; LiteRT's reference kernels are
its BUILTIN_REF resolver; LiteRT's default is XNNPACK, what a plain Python script uses; its builtin kernels are its
optimized ones without XNNPACK."""


def explain(drifts: Sequence[Drift], ops: Collection[str] = ("FULLY_CONNECTED", "SOFTMAX")) -> tuple[str, ...]:
    """One sentence or two per thing that the comparison shows; `drifts` in the order of the columns, `ops` the names of
    the model's ops."""
    by = {d.reference: d for d in drifts if d.samples}
    tflm = by.get(Reference.TFLM)
    reference = by.get(Reference.LITERT_REFERENCE)
    default = by.get(Reference.LITERT_DEFAULT)
    if not by:
        return ("No sample was compared with a reference.",)
    if tflm is not None and drifts[0].reference is not Reference.TFLM:
        return _interpreter_lines(drifts[0], tflm)
    lines = []
    if tflm is not None:
        lines.append(_device_line(tflm))
    else:
        lines.append(
            "TFLite Micro's interpreter is not available on this host, so LiteRT stands in for it. A difference then "
            "may come from either side; on Linux x86-64 the comparison with TFLite Micro settles it."
        )
        if reference is not None and reference.mismatches == 0:
            lines.append(f"The device equals LiteRT's reference kernels bit for bit on {_samples(reference)}.")
    exact = tflm is not None and tflm.mismatches == 0
    if reference is not None and reference.mismatches:
        lines.append(_host_line(reference, exact, "LiteRT's reference kernels", _reference_cause(ops)))
    if default is not None and default.mismatches:
        lines.append(_host_line(default, exact, "LiteRT's default kernels (XNNPACK)", _DEFAULT_CAUSE))
    if tflm is not None and tflm.mismatches and any(d.mismatches == 0 for d in (reference, default) if d is not None):
        equal = reference if reference is not None and reference.mismatches == 0 else default
        name = "" if equal is None else REFERENCE_NAMES[equal.reference]
        lines.append(
            f"The device equals {name} and not TFLite Micro: this is how edgeq treats an op whose TFLite Micro kernel "
            "is known to be wrong. If the model has no such op, report it."
        )
    if len(by) > 1 and all(d.mismatches == 0 for d in by.values()):
        lines.append("All references agree with the device, and so with each other, on these samples.")
    return tuple(lines)


_DEFAULT_CAUSE = "XNNPACK rounds once, in floating point, where TFLite Micro rounds twice, in integers"


def _reference_cause(ops: Collection[str]) -> str:
    if "FULLY_CONNECTED" not in ops:
        return "some of its kernels round in another way"
    amplified = ", and a following SOFTMAX can amplify one step" if "SOFTMAX" in ops else ""
    return f"its FULLY_CONNECTED goes through floating point{amplified}"


def _device_line(drift: Drift) -> str:
    if drift.mismatches == 0:
        return (
            f"The device equals TFLite Micro bit for bit on {_samples(drift)}: generated code, compiler, "
            "core and transport changed nothing."
        )
    where = f" The first layer that differs is {drift.first_layer}; look there." if drift.first_layer else ""
    return (
        f"The device differs from TFLite Micro in {_share(drift)}, by up to {drift.max_lsb} LSB. Both run the same "
        "integer arithmetic, so no difference is expected: this points to the engine, the compiler or the memory of "
        f"the device, not to the quantization.{where or ' `edgeq drift` finds the first layer that differs.'}"
    )


def _interpreter_lines(same: Drift, tflm: Drift) -> tuple[str, ...]:
    """Of a device that runs LiteRT itself: `same` is against the same kernels on this host."""
    name = REFERENCE_NAMES[same.reference]
    if same.mismatches == 0:
        first = f"The device equals {name} on this host bit for bit on {_samples(same)}."
    else:
        where = f" They part first at {same.first_layer}." if same.first_layer else ""
        first = (
            f"The device differs from {name} on this host in {_share(same)}, by up to {same.max_lsb} LSB: other "
            f"instructions, or another version of LiteRT.{where}"
        )
    if tflm.mismatches == 0:
        return (first, "TFLite Micro gives the same: so would a board.")
    cause = f" ({_DEFAULT_CAUSE})" if same.reference is Reference.LITERT_DEFAULT else ""
    return (first, f"TFLite Micro, and so a board, differs in {_share(tflm)}, by up to {tflm.max_lsb} LSB{cause}.")


def _host_line(drift: Drift, exact: bool, who: str, cause: str) -> str:
    first = f" They part first at {drift.first_layer}." if drift.first_layer else ""
    if exact:
        return (
            f"{who} differ from the device in {_share(drift)}, by up to {drift.max_lsb} LSB, while TFLite Micro "
            f"agrees: this is the host's rounding ({cause}), not the board's.{first}"
        )
    differ = f"{who} differ from the device in {_share(drift)}, by up to {drift.max_lsb} LSB"
    return f"{differ}; a known source: {cause}.{first}"


def _share(drift: Drift) -> str:
    return f"{drift.mismatched_samples:,} of {_samples(drift)} ({drift.mismatches:,} of {drift.outputs:,} outputs)"


def _samples(drift: Drift) -> str:
    return "1 sample" if drift.samples == 1 else f"{drift.samples:,} samples"
