"""The `comity` command, one module per group."""
