"""Benchmarks: each prints figures and a ratio against its floor or a peer in the same run."""
