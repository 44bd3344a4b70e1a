"""Commands about films that are alike: index, similar, retrieve."""
