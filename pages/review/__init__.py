"""Review: a reader study of heatmaps."""
