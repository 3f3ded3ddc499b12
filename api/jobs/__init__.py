"""Background work: what carries a committed change onward without anyone waiting for it."""
