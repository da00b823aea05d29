"""Reference outputs on the host, whole and per layer."""
