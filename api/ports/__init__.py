"""Contracts of what a node needs from outside; each docstring is the contract."""
