"""Metrics: how good each model is, how sure that is, and where it fails."""
