"""ADD and SUB without broadcasting, four elements at a time: by what was proven for the DSP extension."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from edgeq.lower.dsp import add
from edgeq.lower.dsp.candidate import Candidate, number
from edgeq.lower.program import KernelCall

# For a kernel of the DSP extension: the one that takes the same parameters, its name in reports, instructions for
# four elements, and bytes.
_KERNELS: Mapping[str, tuple[str, str, int, int]] = {
    "edgeq_add_dsp_int8": ("edgeq_add_mve_int8", "mve: two tables", 16, 300),
    "edgeq_add_linear_dsp_int8": ("edgeq_add_linear_mve_int8", "mve: two products", 14, 250),
}


def additions(call: KernelCall) -> Iterator[Candidate]:
    """Those of `edgeq.lower.dsp.add`."""
    for found in add.additions(call):
        kernel, variant, instructions, size = _KERNELS[found.call.kernel]
        yield Candidate(
            call=replace(found.call, kernel=kernel, source="add_mve.c", variant=variant),
            cycles=instructions * -(-number(found.call, "count") // 4),
            code={kernel: size},
        )
