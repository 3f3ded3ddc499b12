"""Where a node remembers, outside its database, the last head it signed."""
