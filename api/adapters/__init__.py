"""Implementations of the ports; they know the ports and nothing above them."""
