"""The native agent (firmware/agent): LiteRT on a phone or an ARM64 board without Python, compiled from C++."""
