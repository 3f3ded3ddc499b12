"""Settings become one node: the only place where adapters are chosen.

Owns construction and the refusals of an unsafe start; decides nothing at run time.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key
from sqlalchemy import make_url

from api import __version__, shipped
from api.adapters.crypto.keystore import FileKeystore
from api.adapters.crypto.sealed_file import read_passphrase
from api.adapters.identity.fetching import HttpFetch
from api.adapters.identity.issuer_keys import IssuerKeys, TrustedIssuer
from api.adapters.identity.relying_party import OpenIdRelyingParty
from api.adapters.identity.resource_server import ResourceServer
from api.adapters.memory.opening import open_memory
from api.adapters.observing.logs import LogContext
from api.adapters.observing.peers import ObservedPeers
from api.adapters.observing.together import Together
from api.adapters.peers.certificate import valid_until
from api.adapters.peers.http import HttpPeers, PeerTls
from api.adapters.policy.cedar import CedarDecider
from api.adapters.policy.examples import try_guardrails
from api.adapters.policy.regimes import load_announcements, load_calendars, load_documents
from api.adapters.store.opening import open_store
from api.adapters.system import SystemClock, SystemEntropy
from api.domain.errors import Invalid
from api.ports.head_memory import HeadMemory
from api.ports.identity import RelyingParty, TokenVerifier
from api.ports.observing import Observer
from api.ports.signer import Signer
from api.ports.store import ExhibitStore
from api.records import migrating
from api.records.database import Database
from api.services.law import Law
from api.services.node import Limits, Node
from api.settings import Settings
from api.wire.membership import Membership, parse_membership

if TYPE_CHECKING:
    from api.adapters.observing.counting import Counting
    from api.adapters.observing.tracing import Tracing


@dataclass(frozen=True, slots=True)
class Watchers:
    """Those who watch this process work.

    Attributes:
        observer: all of them as one.
        counting: the counters, if metrics are wanted.
        tracing: the traces, if a collector is set.
    """

    observer: Observer
    counting: "Counting | None"
    tracing: "Tracing | None"


@dataclass(frozen=True, slots=True)
class Installation:
    """A node with the parts that only doors and operators need.

    Attributes:
        node: the node.
        tokens: verifier of officers' access tokens.
        keystore: its private keys.
        settings: what it was built from.
        watchers: who watches it.
        certificate_until: end of the client certificate shown to partners, if there is one.
        relying_party: the console's side of the sign-in service, if there is a console.
    """

    node: Node
    tokens: TokenVerifier
    keystore: FileKeystore
    settings: Settings
    watchers: Watchers
    certificate_until: datetime | None
    relying_party: RelyingParty | None

    @property
    def observer(self) -> Observer:
        """Everyone who watches, as one."""
        return self.watchers.observer

    def close(self) -> None:
        """Finish queued writes, close connections, hand over the last traces."""
        self.node.db.close()
        if self.watchers.tracing is not None:
            self.watchers.tracing.close()


def policies_folder(settings: Settings) -> Path:
    """Return the policy folder: the configured one, or the shipped one."""
    return settings.policies if settings.policies is not None else shipped.policies()


def pinned_membership(settings: Settings) -> Membership:
    """Return the membership if it is the one that was compared out of band.

    Raises:
        Invalid: ``membership.digest``: the file is another one.
    """
    membership = parse_membership(settings.membership.read_bytes())
    if membership.digest != settings.membership_digest:
        raise Invalid(
            "membership.digest",
            "The membership file is not the one whose digest two administrators entered.",
        )
    return membership


def build(settings: Settings, *, check_schema: bool = True) -> Installation:
    """Build the node.

    Args:
        settings: of this installation.
        check_schema: refuse a database at another revision.

    Raises:
        Unavailable: ``database.*``.
        Invalid: ``membership.digest``, ``keystore.*``, ``keys.not-in-membership``,
            ``telemetry.absent``; ``policy.unusable``: the policy set cannot be read, or a
            guardrail of it does not guard.
    """
    _close_to_others(settings)
    if check_schema:
        migrating.require_head(settings.database_url)
    membership = pinned_membership(settings)
    keystore = FileKeystore.open(
        settings.keystore, lambda: read_passphrase(settings.keystore_passphrase_file)
    )
    _require_own_keys(membership, settings.ministry, keystore)
    watchers = watchers_of(settings)
    clock = SystemClock()
    policies = policies_folder(settings)
    decider = CedarDecider.from_directory(policies)
    # By a decider of their own, which goes: what it keeps of the examples is 7 MiB.
    try_guardrails(decider.afresh(), decider.four_eyes, policies, shipped.policies())
    node = Node(
        ministry=settings.ministry,
        db=Database(settings.database_url, observer=watchers.observer),
        signer=keystore,
        decider=decider,
        four_eyes=decider.four_eyes,
        store=store_of(settings),
        transport=ObservedPeers(peers_of(settings, membership), watchers.observer),
        clock=clock,
        entropy=SystemEntropy(),
        membership=membership,
        memory=memory_of(settings),
        software=f"comity/{__version__}",
        law=Law(load_documents(policies)),
        calendars=load_calendars(policies),
        announcements=load_announcements(policies),
        limits=Limits(
            quorum=settings.witness_quorum,
            anchor_every=settings.anchor_seconds,
            watch_every=settings.watch_seconds,
            cursor_secret=os.urandom(32),
        ),
        quotas=settings.quotas,
    )
    issuers = [
        IssuerKeys(TrustedIssuer(issuer), HttpFetch(), clock) for issuer in settings.issuers.split()
    ]
    tokens = ResourceServer(settings.token_audience, issuers, clock)
    certificate = settings.peer_certificate
    until = None if certificate is None else valid_until(certificate)
    relying_party = relying_party_of(settings, issuers[0], node) if issuers else None
    return Installation(node, tokens, keystore, settings, watchers, until, relying_party)


def relying_party_of(settings: Settings, keys: IssuerKeys, node: Node) -> RelyingParty | None:
    """Return the console's side of the first issuer, or ``None`` where no console is set up.

    Raises:
        Invalid: ``console.key``: the key file holds no private key.
    """
    if not settings.console_client:
        return None
    key: Key | None = None
    if settings.console_key is not None:
        try:
            key = JWKRegistry.import_key(json.loads(settings.console_key.read_bytes()))
        except (JoseError, ValueError, TypeError, KeyError):
            key = None
        if key is None or not key.is_private:
            raise Invalid("console.key", "The console's key file holds no private key (JWK).")
    return OpenIdRelyingParty(
        keys=keys,
        client_id=settings.console_client,
        resource=settings.token_audience,
        clock=node.clock,
        entropy=node.entropy,
        key=key,
    )


def watchers_of(settings: Settings) -> Watchers:
    """Return those who watch; what nobody asked for is not even imported.

    Raises:
        Invalid: ``telemetry.absent``.
    """
    counting = tracing = None
    observers: list[Observer] = [LogContext()]
    if settings.metrics_listen:
        from api.adapters.observing.counting import Counting

        counting = Counting()
        observers.append(counting)
    if settings.otel_endpoint:
        tracing = _tracing(settings)
        observers.append(tracing)
    return Watchers(Together(observers), counting, tracing)


def _tracing(settings: Settings) -> "Tracing":
    try:
        from api.adapters.observing.tracing import Tracing

        return Tracing.to_collector(settings.otel_endpoint, settings.ministry, __version__)
    except ImportError:
        raise Invalid(
            "telemetry.absent",
            "COMITY_OTEL_ENDPOINT needs the extra: install comity-exchange[telemetry].",
        ) from None


def local_places(settings: Settings) -> Mapping[str, Path]:
    """Return the local folders that the node fills, by name; empty where nothing is local."""
    places = {}
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and url.database:
        places["database"] = Path(url.database).resolve().parent
    if "://" not in settings.store:
        places["store"] = Path(settings.store)
    return places


def _close_to_others(settings: Settings) -> None:
    """Let nobody but the owner read an embedded database, whatever made it under whichever umask.

    SQLite gives its write-ahead log the mode of the database (https://sqlite.org/wal.html).
    """
    url = make_url(settings.database_url)
    if url.get_backend_name() != "sqlite" or not url.database:
        return
    for name in (url.database, f"{url.database}-wal", f"{url.database}-shm"):
        path = Path(name)
        if path.exists() and path.stat().st_mode & 0o077:
            path.chmod(0o600)


def spool_of(settings: Settings) -> Path | None:
    """Return the folder of bodies and unfinished uploads; in a local store by default."""
    if settings.spool is not None:
        return settings.spool
    if "://" in settings.store:
        return None
    return Path(settings.store) / "uploads"


def store_of(settings: Settings) -> ExhibitStore:
    """Return the exhibit store that the settings name."""
    return open_store(
        settings.store,
        s3_endpoint=settings.s3_endpoint,
        s3_region=settings.s3_region,
        limit=settings.exhibit_limit,
    )


def memory_of(settings: Settings) -> HeadMemory:
    """Return the place of the last signed head; one that lets two writers pass is refused.

    Raises:
        Unavailable: ``memory.unfit``, ``memory.unreachable``.
        Invalid: ``memory.place``.
    """
    memory = open_memory(
        settings.database_url,
        settings.store,
        file=settings.head_memory,
        s3_endpoint=settings.s3_endpoint,
        s3_region=settings.s3_region,
    )
    memory.prove()
    return memory


def peers_of(settings: Settings, membership: Membership) -> HttpPeers:
    """Return the way to partners' nodes, with this node's client certificate if it has one."""
    return HttpPeers(
        membership,
        allow_http=settings.allow_http_peers,
        tls=PeerTls(settings.peer_ca, settings.peer_certificate, settings.peer_key),
    )


def _require_own_keys(membership: Membership, ministry: str, signer: Signer) -> None:
    """Refuse to start with keys that partners would not recognise."""
    known = {key.kid for key in membership.member(ministry).keys}
    if any(key.kid not in known for key in signer.public_keys()):
        raise Invalid(
            "keys.not-in-membership",
            "The keystore holds a key that the membership does not list for this ministry.",
        )
