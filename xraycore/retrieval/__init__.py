"""Films like this one: what networks find on films, compared; exact search, maps and clusters."""
