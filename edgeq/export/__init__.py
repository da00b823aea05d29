"""A finished build as a package of the ecosystem in which the user's own project lives: `edgeq export`."""
