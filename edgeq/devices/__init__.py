"""Emulators, boards and host stand-ins behind one serial interface."""
