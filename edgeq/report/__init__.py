"""report.json first; console and HTML rendered from it."""
