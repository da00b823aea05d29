"""Kernels for Arm's DSP extension: for a portable kernel's call, the calls that compute the same bits faster.

One module per family. Each takes a call and yields `Candidate`s: exact for these weights, proven channel by channel
(`packing`), with an estimate of their cycles; or raises `NotExactError`, which says why there is none.
"""
