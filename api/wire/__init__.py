"""Wire: the bytes people sign and the strict rules for reading them (PROTOCOL §1-5, §7).

Pure functions from bytes to values and back. Nothing here reads a clock, makes randomness, opens
a file by name or imports another ring.
"""
