"""The demonstration: three ministries on loopback and the story they play."""
