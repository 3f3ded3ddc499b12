"""Published sanctions lists: what an entry says, every leaf of its source, and what changed."""
