"""The own log and partners' logs: heads, witnesses, proofs, and the guard when they do not fit."""
