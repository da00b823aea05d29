"""Drift, accuracy and latency: the device against the host."""
