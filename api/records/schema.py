"""Imports every table so that the metadata is whole; for migrations, tests and fsck."""

from api.records import drafts, log, node_state, officers, packages, requests, statements, streams
from api.records.metadata import METADATA

MODULES = (drafts, log, node_state, officers, packages, requests, statements, streams)

__all__ = ["METADATA", "MODULES"]
