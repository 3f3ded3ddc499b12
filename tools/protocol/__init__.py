"""The schemas of statement bodies."""
