"""What anyone may read: liveness, readiness, and the node's public identity."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

import anyio.to_thread
from fastapi import Request

from api import __version__
from api.domain.log_trust import log_verifiers, witness_verifiers
from api.domain.notation import Count, KeyId
from api.services.operations.readiness import Readiness
from api.services.operations.status import PinnedMembership
from api.web.answers import Answer
from api.web.deps import DoorsOf
from api.web.routing import PUBLIC, ActionRouter
from api.wire.keys import KeyRecord, Purpose

router = ActionRouter(tags=["public"])


@dataclass(frozen=True, slots=True)
class Alive:
    """The process answers."""

    status: Literal["ok"] = "ok"


@dataclass(frozen=True, slots=True)
class Ready:
    """Whether this node can do its work now.

    Attributes:
        status: ready if every check passed.
        checks: by name, whether it passed.
        details: figures behind them; empty unless every check passed.
    """

    status: Literal["ready", "not-ready"]
    checks: Mapping[str, bool]
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PublicLog:
    """This node's log: its origin, its verifier keys, and those of this node as a witness."""

    origin: str
    vkeys: tuple[str, ...]
    witness_vkeys: tuple[str, ...]


PublicKey = TypedDict(
    "PublicKey",
    {
        "kid": KeyId,
        "alg": str,
        "purpose": Purpose,
        "public": Mapping[str, str],
        "from": Count,
        "until": Count | None,
        "revoked_from": Count | None,
    },
)
"""A key record as the membership has it (PROTOCOL §2); bounds that are not set are null."""


def _public_key(record: KeyRecord) -> PublicKey:
    return {
        "kid": record.kid,
        "alg": record.alg,
        "purpose": record.purpose,
        "public": record.public,
        "from": record.from_,
        "until": record.until,
        "revoked_from": record.revoked_from,
    }


@dataclass(frozen=True, slots=True)
class NodeView:
    """The node's public identity.

    Attributes:
        ministry: its member id.
        jurisdiction: where it is.
        name: its name.
        software: name and version.
        protocol: version of the protocol.
        membership: the membership in use.
        keys: public keys with what each is for.
        log: origin and verifier keys.
        endpoints: addresses by what they serve.
    """

    ministry: str
    jurisdiction: str
    name: str
    software: str
    protocol: Literal["1"]
    membership: PinnedMembership
    keys: tuple[PublicKey, ...]
    log: PublicLog
    endpoints: Mapping[str, str]


@router.route_for(
    "GET", "/healthz", PUBLIC, operation_id="healthz", response_description="The process answers."
)
async def healthz() -> Answer[Alive]:
    """Say that the process answers."""
    return Answer(Alive())


@router.route_for(
    "GET",
    "/readyz",
    PUBLIC,
    operation_id="readyz",
    responses={503: {"description": "Not ready; which check is not."}},
    response_description="Ready; with 503, which check is not.",
)
async def readyz(request: Request) -> Answer[Ready]:
    """Say whether this node can do its work now: each check by name."""
    readiness: Readiness = request.app.state.readiness
    # Not among the threads of the use cases: those may all be waiting for what is not ready.
    found = await anyio.to_thread.run_sync(readiness.now)
    word: Literal["ready", "not-ready"] = "ready" if found.ready else "not-ready"
    return Answer(Ready(word, found.checks, found.details), 200 if found.ready else 503)


@router.route_for(
    "GET",
    "/.well-known/comity.json",
    PUBLIC,
    operation_id="read_node",
    response_description="The node's public identity.",
)
async def well_known(doors: DoorsOf) -> Answer[NodeView]:
    """Return ministry, versions, keys, log origin and verifier keys, endpoints."""
    node, member = doors.node, doors.node.me
    found = NodeView(
        ministry=member.id,
        jurisdiction=member.jurisdiction,
        name=member.name,
        software=f"comity/{__version__}",
        protocol="1",
        membership=PinnedMembership(node.membership.serial, node.membership.digest),
        keys=tuple(_public_key(one) for one in member.keys),
        log=PublicLog(
            member.origin,
            tuple(key.format() for key in log_verifiers(member)),
            tuple(key.format() for key in witness_verifiers(member)),
        ),
        endpoints={
            "api": f"{doors.public_url}/api/v1",
            "messages": f"{doors.public_url}/peer/messages",
            "log": f"{doors.public_url}/log",
        },
    )
    return Answer(found, headers={"cache-control": "public, max-age=60"})
