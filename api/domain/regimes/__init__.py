"""Legal regimes as data, and what they suggest about a case."""
