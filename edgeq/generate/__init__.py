"""Program to C project, through templates."""
