"""Kernels for Arm's vector extension (Helium): for a portable kernel's call, the calls that compute the same bits
faster.

One module per family, as in `edgeq.lower.dsp`. Cycles are counted in instructions, to choose among these kernels only.
"""
