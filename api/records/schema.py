"""Imports every table so that the metadata is whole; for migrations, tests and fsck."""

from api.records import (
    answered,
    audit,
    console_sessions,
    delegations,
    designations,
    diary,
    drafts,
    lists,
    log,
    node_state,
    officers,
    packages,
    passkeys,
    peer_logs,
    previews,
    requests,
    statements,
    streams,
    subjects,
    suspensions,
    tasks,
    threads,
)
from api.records.metadata import METADATA

MODULES = (
    answered,
    audit,
    console_sessions,
    delegations,
    designations,
    diary,
    drafts,
    lists,
    log,
    node_state,
    officers,
    packages,
    passkeys,
    peer_logs,
    previews,
    requests,
    statements,
    streams,
    subjects,
    suspensions,
    tasks,
    threads,
)

__all__ = ["METADATA", "MODULES"]
