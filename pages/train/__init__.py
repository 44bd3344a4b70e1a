"""Train: teach a network on films of one's own."""
