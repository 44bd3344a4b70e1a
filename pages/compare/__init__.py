"""Compare: what several networks say about one film, and where each one looks."""
