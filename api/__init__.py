"""Comity: a federated exchange of signed evidence and mirror requests between ministries.

The package is laid out in rings (see docs/ARCHITECTURE.md); this module owns only the version.
"""

__version__ = "0.1.0"
