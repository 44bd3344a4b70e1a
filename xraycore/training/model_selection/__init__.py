"""Many trainings to choose by: folds of patients that are held out, and a search for settings."""
