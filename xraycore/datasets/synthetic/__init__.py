"""Generated chest films, opacities, and a data set with planted faults."""
