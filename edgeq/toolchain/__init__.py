"""Compilers, and what they made: images and their memory use."""
