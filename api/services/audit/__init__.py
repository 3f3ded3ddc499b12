"""The auditor's use cases: events, samples, notes, erasure, exports, checks of what is stored."""
