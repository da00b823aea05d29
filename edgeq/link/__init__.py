"""The serial protocol: frames, messages, transport, session."""
