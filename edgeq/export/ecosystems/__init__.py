"""One module per ecosystem; each has an `ECOSYSTEM`."""
