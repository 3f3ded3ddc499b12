"""Denials that were tried against a node, and what others notice of them."""
