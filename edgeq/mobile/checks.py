"""What a mobile build and its runs had to show: the checks of its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgeq.mobile.builds import MobileBuild
from edgeq.mobile.device import Ran
from edgeq.mobile.recommend import FALLEN_MACS
from edgeq.records import Finding, Metric, VariantKind, VariantRow
from edgeq.report import format as fmt
from edgeq.report.record import AccuracyInfo, Check
from edgeq.report.variants import fallen_text
from edgeq.validation.agreement import describe, has_gap
from edgeq.validation.explain import REFERENCE_NAMES

NEAR_DB = 60.0
"""What float outputs on a device may differ from the host's: rounding in another order, a thousandth in amplitude."""


def selftest_checks(ran: Mapping[VariantKind, Ran]) -> tuple[Check, ...]:
    """What each device's agent says of itself: the same input gives the same outputs."""
    return tuple(
        Check(
            name=f"self-test of {kind.value} on {one.run.device}",
            passed=one.selftest,
            message="the agent computes the same outputs twice" if one.selftest
            else "the agent's outputs for one input are not the same twice, or not in the interpreter that keeps all "
            "tensors: no answer of this device can be relied on",
        )
        for kind, one in ran.items()
    )  # fmt: skip


def device_checks(rows: Sequence[VariantRow], max_lsb: int) -> tuple[Check, ...]:
    """What devices had to show: integer outputs equal to this host's, float ones nearly."""
    checks = []
    for row in rows:
        found = row.device
        if found is None:
            continue
        integer = all(name.startswith(("int", "uint")) for name in row.outputs)
        enough = enough_db(row)
        allowed = f"{max_lsb} LSB allowed" if integer else f"an SQNR of {enough:.3g} dB is enough"
        size = f"at most {found.max_lsb} LSB" if integer else f"SQNR {fmt.real(found.sqnr_db, 3)} dB"
        flips = f"; {found.argmax_flips:,} answers flip" if found.argmax_flips else ""
        own = ", ".join(dict.fromkeys(op.name for op in row.placement.fallen))
        if integer and found.mismatches and own:
            flips += f"; off XNNPACK run LiteRT's own kernels, which differ between processors: {own}"
        checks.append(
            Check(
                name=f"{row.kind.value} on {found.device}",
                passed=found.max_lsb <= max_lsb if integer else found.sqnr_db >= enough,
                message=f"{found.mismatches:,} of {found.outputs:,} outputs differ from "
                f"{REFERENCE_NAMES[found.reference]} on this host, {size} ({allowed}){flips}",
            )
        )
    return tuple(checks)


def enough_db(row: VariantRow) -> float:
    """`NEAR_DB`; of dynamic-range, whose activations fall on another int8 step where floats differ in the last bit,
    the noise of that quantization: a device may add as much as the variant itself does to float32."""
    if row.kind is VariantKind.DYNAMIC_RANGE and row.sqnr_db is not None:
        return min(NEAR_DB, row.sqnr_db)
    return NEAR_DB


def signature_check(build: MobileBuild) -> tuple[Check, ...]:
    """Every variant is called as the float model is."""
    rows = build.info.rows
    if len(rows) == 1:
        return ()
    wrong = [row.kind.value for row in rows if row.signature is None or row.signature != rows[0].signature]
    message = f"{', '.join(wrong)}: called otherwise than {rows[0].kind.value}" if wrong else _call(rows[0])
    return (Check(name="signatures", passed=not wrong, message=message),)


def _call(row: VariantRow) -> str:
    signature = row.signature
    if signature is None:
        return "no variant has one"
    return f"all variants have {signature.key}({', '.join(signature.inputs)}) → {', '.join(signature.outputs)}"


def agreement_check(build: MobileBuild) -> tuple[Check, ...]:
    """Of methods that train: the int8 variant is the model that was trained."""
    found = [v.quantized.agreement for v in build.variants if v.quantized is not None and v.quantized.agreement]
    return tuple(Check(name="conversion", passed=not has_gap(a), message=describe(a)) for a in found)


def placement_check(row: VariantRow, max_off_xnnpack: float | None) -> tuple[Check, ...]:
    """XNNPACK leaves at most `max_off_xnnpack` of the variant's multiply-accumulates, a fraction, and the ops that it
    left are named; None: not checked, as for some models no variant does better."""
    if max_off_xnnpack is None:
        return ()
    placement = row.placement
    message = fallen_text(row) if placement.fallen else f"all {placement.ops} ops run in XNNPACK"
    allowed = f"; {fmt.percent(max_off_xnnpack)} of the MACs allowed"
    return (Check(name="XNNPACK", passed=placement.fallen_macs <= max_off_xnnpack, message=message + allowed),)


def placement_findings(row: VariantRow) -> tuple[Finding, ...]:
    """What XNNPACK left of the variant, where that is more than `FALLEN_MACS` of its work."""
    if row.placement.fallen_macs <= FALLEN_MACS:
        return ()
    fix = "another variant may stay in XNNPACK (the table has them all); LiteRT's own kernels are slower"
    return (Finding(rule="xnnpack", where=row.kind.value, message=fallen_text(row), fix=fix),)


def accuracy_check(accuracy: AccuracyInfo, max_drop: float | None) -> tuple[Check, ...]:
    """The loss from the float model to the variant is within `max_drop`, a fraction; None: not checked."""
    if max_drop is None:
        return ()
    before, after = accuracy.float_host, accuracy.int8_host
    if before is None or after is None or before.metric is not Metric.TOP1:
        message = "--max-drop needs a float model and labels of classes to compare"
        return (Check(name="accuracy", passed=False, message=message),)
    drop = before.value - after.value
    return (
        Check(
            name="accuracy",
            passed=drop <= max_drop,
            message=f"float {before.value:.2%}, variant {after.value:.2%}: a drop of {100 * drop:.2f} "
            f"points, {100 * max_drop:.2f} allowed",
        ),
    )
