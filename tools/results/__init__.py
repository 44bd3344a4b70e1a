"""Writes docs/results.md, docs/explanations.md and docs/recipes.md from what was measured."""
