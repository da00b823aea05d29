"""Is PTQ really better than QAT? Arms, statistics, findings and a verdict."""
