"""About the models: their cards."""
