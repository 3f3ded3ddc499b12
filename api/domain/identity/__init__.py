"""Who may be whom: names folded across scripts, keys to find them by, and scores that explain."""
