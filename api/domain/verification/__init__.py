"""Verification of package files, exports and statements, in numbered steps."""
