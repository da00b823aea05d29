"""An image into a board: by pyOCD, any gdb server, or as a UF2 file; always read back."""
