"""Readers of the sanctions lists that governments publish, each in its own layout."""
