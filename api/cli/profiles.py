"""Profiles of the command line: who signs in where, and the tokens they hold.

Owns ``COMITY_HOME/profiles/<name>.json`` (mode 0600, written atomically, one writer at a time);
must not talk to a network, and imports nothing heavy.
"""

import fcntl
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from api import durable
from api.adapters.identity.tokens import Tokens
from api.domain.errors import Invalid, NotFound, NotSignedIn
from api.wire.canonical import Json, parse
from api.wire.encoding import format_instant, parse_instant
from api.wire.errors import WireError

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.ASCII)
_MAX_FILE = 256 * 1024
_MEMBERS = {
    "node", "issuer", "client_id", "audience", "username", "demo_password", "tokens", "key_file",
    "client_key",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class CliContext:
    """What every command is handed in ``typer.Context.obj``.

    Attributes:
        profile_name: from ``--profile``; None when it was not given.
        home: ``COMITY_HOME``, where profiles and keys live.
        json: ``--json`` given before the command.
    """

    profile_name: str | None
    home: Path
    json: bool = False


@dataclass(frozen=True, slots=True)
class Profile:
    """One person at one node.

    Attributes:
        node: base URL of the node.
        issuer: identifier of the ministry's OpenID Provider.
        client_id: the command line's registration there.
        audience: resource the tokens are for; the node's public URL.
        username: hint for people; in a demo, what is typed into the provider's form.
        demo_password: only ever written by ``comity demo``, to sign its people in again.
        tokens: None when signed out.
        key_file: the officer's signing key; a relative path starts at ``COMITY_HOME``.
        client_key: a machine's private key, PEM, by which it proves its client id; ``None`` for
            people.
    """

    node: str
    issuer: str
    client_id: str
    audience: str
    username: str | None = None
    demo_password: str | None = field(default=None, repr=False)
    tokens: Tokens | None = None
    key_file: str | None = None
    client_key: str | None = None

    def key_path(self, home: Path) -> Path | None:
        """Return where the signing key lies, or None when the profile has none."""
        return None if self.key_file is None else home / self.key_file


def default_home(environment: Mapping[str, str] = os.environ) -> Path:
    """Return ``COMITY_HOME``, else the XDG configuration folder's ``comity``."""
    if given := environment.get("COMITY_HOME"):
        return Path(given)
    base = environment.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "comity"


class ProfileStore:
    """The profiles in one home.

    Args:
        home: ``COMITY_HOME``; made when the first profile is saved.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self._folder = home / "profiles"

    def names(self) -> list[str]:
        """Return the names of all profiles, sorted."""
        return sorted(
            path.stem for path in self._folder.glob("*.json") if _NAME.fullmatch(path.stem)
        )

    def choose(self, name: str | None) -> str:
        """Return ``name``, or the only profile there is.

        Raises:
            NotSignedIn: ``profile.none``, there is no profile yet.
            Invalid: ``profile.ambiguous``, there are several; ``profile.name``.
        """
        if name is not None:
            return _checked(name)
        names = self.names()
        if not names:
            raise NotSignedIn(
                "profile.none", "Sign in first: comity login --node URL --issuer URL."
            )
        if len(names) > 1:
            raise Invalid("profile.ambiguous", f"Choose one with --profile: {', '.join(names)}.")
        return names[0]

    def exists(self, name: str) -> bool:
        """Say whether a profile of this name is stored."""
        return self._path(name).exists()

    def load(self, name: str) -> Profile:
        """Read a profile.

        Raises:
            NotFound: ``profile.unknown``.
            Invalid: ``profile.name``; ``profile.malformed``, the file is not one of ours.
        """
        try:
            data = self._path(name).read_bytes()
        except FileNotFoundError:
            near = get_close_matches(name, self.names(), n=3)
            meant = f" Did you mean {', '.join(near)}?" if near else ""
            raise NotFound(
                "profile.unknown", f"There is no profile {name} in {self._folder}.{meant}"
            ) from None
        try:
            return _from_json(parse(data, limit=_MAX_FILE))
        except (WireError, ValueError, TypeError, KeyError):
            raise Invalid(
                "profile.malformed", f"The profile {name} cannot be read; sign in anew."
            ) from None

    def save(self, name: str, profile: Profile) -> None:
        """Write a profile, whole or not at all, readable by its owner alone.

        Raises:
            Invalid: ``profile.name``.
            OSError: it cannot be written.
        """
        target = self._path(name)
        self._make_folder()
        text = json.dumps(_to_json(profile), indent=2, ensure_ascii=False) + "\n"
        durable.write(target, text.encode(), replace=True)

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Keep other processes from renewing the same tokens until the block ends.

        A refresh token serves once: of two shells that renew at the same moment the second must
        read what the first was given, else the provider takes it for a thief.
        """
        path = self._path(name).with_suffix(".lock")
        self._make_folder()
        with path.open("w") as file:
            path.chmod(0o600)
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _make_folder(self) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _path(self, name: str) -> Path:
        return self._folder / f"{_checked(name)}.json"


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise Invalid("profile.name", "Name profiles with small letters, digits, dots and hyphens.")
    return name


def _to_json(profile: Profile) -> dict[str, Json]:
    document: dict[str, Json] = {
        "node": profile.node,
        "issuer": profile.issuer,
        "client_id": profile.client_id,
        "audience": profile.audience,
    }
    for name in ("username", "demo_password", "key_file", "client_key"):
        value = getattr(profile, name)
        if value is not None:
            document[name] = value
    if profile.tokens is not None:
        tokens: dict[str, Json] = {
            "access_token": profile.tokens.access_token,
            "expires_at": format_instant(profile.tokens.expires_at),
        }
        if profile.tokens.refresh_token is not None:
            tokens["refresh_token"] = profile.tokens.refresh_token
        document["tokens"] = tokens
    return document


def _from_json(document: Json) -> Profile:
    if not isinstance(document, dict) or not document.keys() <= _MEMBERS:
        raise ValueError("not a profile")
    tokens = document.get("tokens")
    return Profile(
        node=_profile_text(document, "node"),
        issuer=_profile_text(document, "issuer"),
        client_id=_profile_text(document, "client_id"),
        audience=_profile_text(document, "audience"),
        username=_optional(document, "username"),
        demo_password=_optional(document, "demo_password"),
        tokens=None if tokens is None else _tokens(tokens),
        key_file=_optional(document, "key_file"),
        client_key=_optional(document, "client_key"),
    )


def _tokens(document: Json) -> Tokens:
    if not isinstance(document, dict):
        raise TypeError("no tokens")
    return Tokens(
        access_token=_profile_text(document, "access_token"),
        expires_at=parse_instant(_profile_text(document, "expires_at")),
        refresh_token=_optional(document, "refresh_token"),
    )


def _profile_text(document: dict[str, Json], name: str) -> str:
    value = document[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} is no text")
    return value


def _optional(document: dict[str, Json], name: str) -> str | None:
    return _profile_text(document, name) if document.get(name) is not None else None
