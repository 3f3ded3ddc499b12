"""Private keys: the encrypted keystore of a ministry, its escrow, and officers' key files."""
