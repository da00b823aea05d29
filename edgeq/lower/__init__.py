"""Graph to Program: kernels chosen, memory planned."""
