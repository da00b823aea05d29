"""The cycle model against timings worked out by hand from the Cortex-M4's Technical Reference Manual."""

from __future__ import annotations

import capstone
import pytest

from edgeq.validation.cycles import Cost, block_cycles

DECODER = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS | capstone.CS_MODE_V8)
DECODER.detail = True

ADDS = "0018"  # adds r0, r0, r0
LDR_R1 = "0168"  # ldr r1, [r0]
LDR_R2 = "4268"  # ldr r2, [r0, #4]
LDR_R3_VIA_R2 = "1368"  # ldr r3, [r2]
STR_R1 = "0160"  # str r1, [r0]


@pytest.mark.parametrize(
    ("code", "cycles", "why"),
    [
        (ADDS, 1, "arithmetic"),
        (ADDS * 5, 5, "arithmetic in a row"),
        ("20fb0000", 1, "smlad takes one cycle"),
        (LDR_R1, 2, "one load"),
        (LDR_R1 + LDR_R2, 3, "two loads pipeline"),
        (LDR_R1 + LDR_R2 + STR_R1, 4, "three accesses pipeline"),
        (LDR_R2 + LDR_R3_VIA_R2, 4, "the second load's address waits for the first"),
        (LDR_R1 + ADDS + LDR_R2, 5, "something between them"),
        ("30b5", 4, "push {r4, r5, lr}"),
        ("30bd", 1 + 3 + 3, "pop {r4, r5, pc}: three words, and the PC"),
        ("0ec8", 4, "ldm r0!, {r1, r2, r3}"),
        ("d0e90012", 3, "ldrd r1, r2, [r0]"),
        ("b0fbf1f0", 7, "udiv"),
        ("fee7", 3, "branch: 1 and the refill"),
        ("7047", 3, "bx lr"),
        ("00f000f8", 3, "bl"),
        ("bff36f8f", 4, "isb"),
        ("a0ee200a", 3, "vfma.f32"),
        ("80ee200a", 14, "vdiv.f32"),
        ("", 0, "nothing"),
    ],
)
def test_timings(code: str, cycles: int, why: str) -> None:
    data = bytes.fromhex(code)
    insns = list(DECODER.disasm(data, 0x1000))
    assert sum(i.size for i in insns) == len(data)
    assert block_cycles(insns) == cycles, why


def test_what_cannot_be_decoded_counts_as_one() -> None:
    assert block_cycles([None, None]) == 2


def test_costs_add_up() -> None:
    assert Cost(instructions=2, cycles=3) + Cost(instructions=1, cycles=1) == Cost(instructions=3, cycles=4)
    assert Cost(instructions=2, cycles=3).times(4) == Cost(instructions=8, cycles=12)
