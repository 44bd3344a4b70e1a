"""Explain: one film, one network, all methods, and what they are worth."""
