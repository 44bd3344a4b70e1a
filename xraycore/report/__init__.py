"""`docs/results.md` and its plots, drawn from stored predictions and cards; nothing is typed."""
