"""The way to partners' nodes over HTTP."""
