"""The door to the log: tiles, checkpoints, witnessing."""
