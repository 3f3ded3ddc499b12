"""Accounts at the demo's provider, and the profiles with which they sign in.

Owns passwords, the provider's configuration file, officers' key files and the command line's
profile files (form: docs/sign-in.md). Each profile is signed in through the provider's real forms.
"""

import json
import secrets
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path

from api import durable
from api.adapters.crypto.officer_key import OfficerKey
from api.adapters.identity.tokens import Tokens
from api.demo import cast
from api.demo.cast import Ministry, Seat
from api.demo.home import DemoHome
from api.demo.node_homes import CONSOLE_CLIENT, NodeHome
from api.demo.sign_in import sign_in_by_forms
from api.demo.sign_in.passwords import hash_password
from api.wire.encoding import format_instant

CLIENT = "comity-cli"
_GRANTS = [
    "authorization_code",
    "refresh_token",
    "urn:ietf:params:oauth:grant-type:device_code",
]


@dataclass(frozen=True, slots=True)
class Account:
    """One account that can sign in.

    Attributes:
        ministry: where its person works.
        seat: role and person.
        node_url: the node it talks to.
        issuer: the provider.
        password: typed into the provider's form.
        key: signing key of the person behind it, if they have one.
        key_file: where that key lies, relative to the demo's folder.
    """

    ministry: Ministry
    seat: Seat
    node_url: str
    issuer: str
    password: str = field(repr=False)
    key: OfficerKey | None = field(repr=False)
    key_file: str | None

    @property
    def username(self) -> str:
        """User name, and name of the profile."""
        return cast.username(self.ministry, self.seat)

    @property
    def subject(self) -> str:
        """The account's ``sub``."""
        return cast.subject(self.ministry, self.seat)

    def sign_in(self) -> Tokens:
        """Sign in through the provider's forms.

        Raises:
            NotSignedIn: ``sign-in.refused``.
            Unavailable: ``issuer.unavailable``.
        """
        return sign_in_by_forms(self.issuer, CLIENT, self.username, self.password, self.node_url)


def open_accounts(
    home: DemoHome, nodes: Sequence[NodeHome], issuer: str, pool: Executor
) -> list[Account]:
    """Make every account with its password and key, and write the provider's file.

    Args:
        home: the demo's folder.
        nodes: the three nodes.
        issuer: the provider's address.
        pool: hashes passwords side by side.
    """
    accounts = [account for node in nodes for account in _of_ministry(home, node, issuer)]
    hashes = pool.map(hash_password, (account.password for account in accounts))
    config = {
        "issuer": issuer,
        "users": [
            {
                "username": account.username,
                "password_hash": hashed,
                "sub": account.subject,
                "name": cast.display_name(account.ministry, account.seat),
            }
            for account, hashed in zip(accounts, hashes, strict=True)
        ],
        "clients": [
            {
                "client_id": CLIENT,
                "name": "Comity command line",
                "redirect_uris": ["http://127.0.0.1/callback"],
                "grant_types": _GRANTS,
            },
            {
                "client_id": CONSOLE_CLIENT,
                "name": "Comity console",
                "redirect_uris": [f"{node.url}/console/sign-in/done" for node in nodes],
                "sign_out_uris": [
                    f"{node.url}/{language}/signed-out"
                    for node in nodes
                    for language in ("en", "fr")
                ],
                "grant_types": ["authorization_code"],
            },
        ],
        "audiences": [node.url for node in nodes],
    }
    write_private(provider_file(home), config)
    return accounts


def provider_file(home: DemoHome) -> Path:
    """Return where the provider's configuration lies."""
    return home.root / "sign-in.json"


def write_profile(home: DemoHome, account: Account, tokens: Tokens) -> None:
    """Write an account's profile, signed in."""
    profile = {
        "node": account.node_url,
        "issuer": account.issuer,
        "client_id": CLIENT,
        "audience": account.node_url,
        "username": account.username,
        "demo_password": account.password,
        "tokens": {
            "access_token": tokens.access_token,
            "expires_at": format_instant(tokens.expires_at),
            "refresh_token": tokens.refresh_token,
        },
    }
    if account.key_file is not None:
        profile["key_file"] = account.key_file
    if tokens.refresh_token is None:
        del profile["tokens"]["refresh_token"]  # type: ignore[attr-defined]
    write_private(home.profiles / f"{account.username}.json", profile)


def write_private(path: Path, document: object) -> None:
    """Write JSON for its owner alone, whole or not at all."""
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    durable.write(path, text.encode(), replace=True)


def _of_ministry(home: DemoHome, node: NodeHome, issuer: str) -> list[Account]:
    keys: dict[str, tuple[OfficerKey, str]] = {}
    accounts = []
    for seat in cast.SEATS:
        if seat.signs and seat.person not in keys:
            name = f"keys/{node.ministry.prefix}-{seat.person}.key"
            keys[seat.person] = (OfficerKey.create(home.root / name), name)
        key, file = keys.get(seat.person, (None, None))
        accounts.append(
            Account(node.ministry, seat, node.url, issuer, secrets.token_urlsafe(12), key, file)
        )
    return accounts
