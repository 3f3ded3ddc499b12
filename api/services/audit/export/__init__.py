"""Audit exports: which entries, in which streams, under which head."""
