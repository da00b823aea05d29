"""`edgeq agent`: LiteRT on a phone-class device, behind the same protocol as a board's firmware (firmware/PROTOCOL.md).

Imports are light: numpy, LiteRT's interpreter, and what speaks the protocol. No TensorFlow, no toolchain, no report.
"""
