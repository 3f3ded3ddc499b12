"""The file the demo's launcher writes for its sign-in provider.

Owns its shape and its rules; must not hash passwords or make keys.
"""

from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.adapters.identity.discovery import check_issuer, is_loopback

Name = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._:-]+$")]
GrantName = Literal[
    "authorization_code",
    "refresh_token",
    "client_credentials",
    "urn:ietf:params:oauth:grant-type:device_code",
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class User(_Strict):
    """A person who can sign in.

    Attributes:
        username: what they type.
        password_hash: from ``passwords.hash_password``.
        sub: the account in tokens; a person with two accounts has two of them.
        name: shown on pages and in the ID token.
    """

    username: Name
    password_hash: str = Field(repr=False)
    sub: Name
    name: str = Field(min_length=1, max_length=200)


class Client(_Strict):
    """A registered client.

    Attributes:
        client_id: its identifier.
        name: shown to the person who signs in.
        redirect_uris: exact addresses; one on loopback without a port matches every port
            (RFC 8252 section 7.3).
        sign_out_uris: exact addresses to go to after signing out.
        grant_types: what it may do.
        token_endpoint_auth_method: ``none`` (public, PKCE) or ``private_key_jwt``.
        jwks: public keys of a ``private_key_jwt`` client.
    """

    client_id: Name
    name: str = Field(min_length=1, max_length=200)
    redirect_uris: list[str] = Field(default_factory=list)
    sign_out_uris: list[str] = Field(default_factory=list)
    grant_types: list[GrantName] = Field(min_length=1)
    token_endpoint_auth_method: Literal["none", "private_key_jwt"] = "none"  # noqa: S105 - a method's name
    jwks: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        public = self.token_endpoint_auth_method == "none"  # noqa: S105 - a method's name
        if public != (self.jwks is None):
            raise ValueError("a private_key_jwt client has a jwks, and no other has one")
        if "client_credentials" in self.grant_types and self.jwks is None:
            raise ValueError("client_credentials needs a client that can prove itself")
        return self


class ProviderConfig(_Strict):
    """Everything the provider knows at its start.

    Attributes:
        issuer: its identifier, a loopback origin such as ``http://127.0.0.1:9000``.
        users: who can sign in.
        clients: for whom.
        audiences: node URLs an access token can be for (values of ``resource``, RFC 8707).
        access_token_seconds: life of an access token.
        rotate_keys_seconds: age at which a signature key is replaced.
        device_interval_seconds: shortest time between two polls of the device flow.
    """

    issuer: str
    users: list[User]
    clients: list[Client]
    audiences: list[str] = Field(min_length=1)
    access_token_seconds: int = Field(default=900, ge=30, le=3600)
    rotate_keys_seconds: int = Field(default=3600, ge=60)
    device_interval_seconds: int = Field(default=2, ge=1, le=60)

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        parts = urlsplit(check_issuer(self.issuer))
        if parts.path or not is_loopback(parts.hostname):
            raise ValueError("the demo's issuer is a loopback origin without a path")
        if self.rotate_keys_seconds < self.access_token_seconds:
            raise ValueError("a key is published for as long as the tokens it signed live")
        for names in (
            [user.username for user in self.users],
            [user.sub for user in self.users],
            [client.client_id for client in self.clients],
        ):
            if len(names) != len(set(names)):
                raise ValueError("user names, subjects and client ids are given once each")
        return self


def load_config(path: Path) -> ProviderConfig:
    """Read a configuration file.

    Raises:
        OSError: it cannot be read.
        pydantic.ValidationError: it is no configuration; the message quotes no value.
    """
    return ProviderConfig.model_validate_json(path.read_bytes())
