"""Commands of many trainings: cross-validate, search."""
