"""Access tokens judged, and the clients that obtain them."""
