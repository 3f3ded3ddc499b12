"""Valid messages with something changed in them, as many as there is time for."""
