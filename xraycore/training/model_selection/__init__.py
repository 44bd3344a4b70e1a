"""Many trainings of one network: held-out folds, a search for settings, the mean of weights."""
