"""Backups, and the way back after a loss."""
