"""Mathematics of the transparency log: RFC 6962 trees, tiles, proofs, notes, policies.

Owns the C2SP formats (tlog-tiles, signed-note, tlog-checkpoint, tlog-cosignature, tlog-proof,
tlog-policy) and RFC 6962 hashing. Must not know what an entry means, read a clock, make
randomness, hold a private key, or import anything else of this project.
"""
