"""Archives of any length: what networks say of them, in shards, and what that tells of them."""
