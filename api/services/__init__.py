"""Use cases: plain synchronous functions that take the node first and the caller second."""
