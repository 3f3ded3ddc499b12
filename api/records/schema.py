"""Imports every table so that the metadata is whole; for migrations, tests and fsck."""

from api.records import (
    audit,
    delegations,
    designations,
    diary,
    drafts,
    log,
    node_state,
    officers,
    packages,
    parked,
    peer_logs,
    requests,
    statements,
    streams,
    subjects,
    tasks,
    threads,
)
from api.records.metadata import METADATA

MODULES = (
    audit,
    delegations,
    designations,
    diary,
    drafts,
    log,
    node_state,
    officers,
    packages,
    parked,
    peer_logs,
    requests,
    statements,
    streams,
    subjects,
    tasks,
    threads,
)

__all__ = ["METADATA", "MODULES"]
