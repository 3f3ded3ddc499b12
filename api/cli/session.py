"""``comity login``, ``logout``, ``whoami`` and ``token``; and fresh tokens for other commands.

Owns the conversation with the person who signs in; OAuth is ``adapters.identity``'s, files are
``profiles``'. Results go to stdout, talk to stderr. The OAuth library is imported when it is
needed: most commands find a token that still lives.
"""

import json
import webbrowser
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.adapters.identity.provider import Provider, find_provider
from api.adapters.identity.tokens import Tokens
from api.adapters.system import SystemClock, SystemEntropy
from api.cli.profiles import CliContext, Profile, ProfileStore
from api.domain.errors import ComityError, Invalid, NotSignedIn, Unavailable
from api.ports.system import Clock
from api.wire.canonical import Json, parse
from api.wire.encoding import b64u_decode, format_instant
from api.wire.errors import WireError

if TYPE_CHECKING:
    from api.adapters.identity.oauth_client import OAuthClient

DEFAULT_CLIENT = "comity-cli"
DEFAULT_PROFILE = "default"

_BROWSER_SECONDS = 300
_MAX_CLAIMS = 64 * 1024
_SHOWN_CLAIMS = ("iss", "sub", "client_id", "aud", "scope", "acr")

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


class Flow(StrEnum):
    """How a person signs in."""

    AUTO = "auto"
    DEVICE = "device"
    BROWSER = "browser"


def register(app: typer.Typer) -> None:
    """Add the four commands to ``app``."""
    app.command("login")(login)
    app.command("logout")(logout)
    app.command("whoami")(whoami)
    app.command("token")(token)


def fresh_tokens(
    store: ProfileStore, name: str, clock: Clock, *, rejected: str | None = None
) -> Tokens:
    """Return tokens of a profile that can be sent now, renewing them if they cannot.

    Args:
        store: where the profile is.
        name: of the profile.
        clock: the machine's.
        rejected: an access token the node has just refused, which is renewed though it lives
            (a provider that started anew has new keys).

    Raises:
        NotFound: ``profile.unknown``.
        NotSignedIn: ``sign-in.needed``, only the person can sign in again.
        Unavailable: ``issuer.unavailable``.
    """
    held = store.load(name).tokens
    if held and held.access_token != rejected and held.fresh(clock.now()):
        return held
    with store.lock(name):
        profile = store.load(name)
        held = profile.tokens
        if held and held.access_token != rejected and held.fresh(clock.now()):
            return held
        renewed = _renew(profile, clock)
        store.save(name, replace(profile, tokens=renewed))
        return renewed


def login(  # noqa: PLR0917 - Typer reads options from the signature
    ctx: typer.Context,
    node: Annotated[str | None, typer.Option(help="Node URL; needed the first time.")] = None,
    issuer: Annotated[str | None, typer.Option(help="Sign-in service of the ministry.")] = None,
    client_id: Annotated[str | None, typer.Option(help="Client id at that service.")] = None,
    audience: Annotated[str | None, typer.Option(help="Resource, if not the node URL.")] = None,
    flow: Annotated[Flow, typer.Option(help="How to sign in.")] = Flow.AUTO,
    client_key: Annotated[
        Path | None,
        typer.Option(
            help="For machines: private key, PEM, that proves the client id (private_key_jwt).",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    browser: Annotated[bool, typer.Option(help="Open a browser on this machine.")] = True,
    as_json: JsonOption = False,
) -> None:
    """Sign in at your ministry's sign-in service; a machine does so with --client-key.

    Example: comity --profile us login --node https://comity.example --issuer https://id.example
    """
    context = _context(ctx)
    store = ProfileStore(context.home)
    name = _name_for_login(store, context.profile_name)
    given = {"node": node, "issuer": issuer, "client_id": client_id, "audience": audience}
    if client_key is not None:
        given["client_key"] = str(client_key.resolve())
    profile = _profile_for_login(store, name, {k: v for k, v in given.items() if v is not None})
    clock = SystemClock()
    tokens = (
        _machine_tokens(profile, clock)
        if profile.client_key
        else _person(profile, clock, flow, open_browser=browser)
    )
    with store.lock(name):
        store.save(name, replace(profile, tokens=tokens))
    _print(_description(name, replace(profile, tokens=tokens), clock), context, as_json=as_json)


def _person(profile: Profile, clock: Clock, flow: Flow, *, open_browser: bool) -> Tokens:
    """Let a person sign in, by device or by browser."""
    provider = find_provider(profile.issuer)
    client = _client(profile, provider, clock)
    try:
        if _use_device(flow, provider):
            return _by_device(client)
        return _by_browser(client, open_browser=open_browser)
    finally:
        client.close()


def _machine_tokens(profile: Profile, clock: Clock) -> Tokens:
    """Buy a token with a machine's own key (RFC 7523).

    Raises:
        Invalid: ``client-key.unusable``.
        NotSignedIn: ``sign-in.refused``.
        Unavailable: ``issuer.unavailable``.
    """
    from api.adapters.identity.machine import MachineTokens, read_client_key

    machine = MachineTokens(
        provider=find_provider(profile.issuer),
        client_id=profile.client_id,
        key=read_client_key(Path(profile.client_key or "")),
        resource=profile.audience,
        clock=clock,
        entropy=SystemEntropy(),
    )
    try:
        return machine.tokens()
    finally:
        machine.close()


def logout(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """End the session and forget its tokens."""
    context = _context(ctx)
    store = ProfileStore(context.home)
    name = store.choose(context.profile_name)
    with store.lock(name):
        profile = store.load(name)
        revoked = _revoke(profile)
        store.save(name, replace(profile, tokens=None))
    if not revoked:
        typer.echo("The sign-in service could not be told; its tokens end by themselves.", err=True)
    _print({"profile": name, "signed_in": False, "revoked": revoked}, context, as_json=as_json)


def whoami(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Show who is signed in, where and until when, with name and roles at the node.

    What the profile holds is shown also when the node cannot be asked.
    """
    context = _context(ctx)
    store = ProfileStore(context.home)
    name = store.choose(context.profile_name)
    profile = store.load(name)
    if profile.tokens is None:
        raise NotSignedIn("sign-in.needed", "Nobody is signed in here: comity login.")
    described = _description(name, profile, SystemClock()) | _at_node(context)
    _print(described, context, as_json=as_json)


def _at_node(context: CliContext) -> dict[str, Json]:
    """Return who the node says this is; why not, where it cannot be asked."""
    from api.cli.client import connected

    try:
        with connected(context) as api:
            me = api.me()
    except ComityError as error:
        return {"asked": error.message}
    said = {name: me[name] for name in ("name", "ministry", "roles", "officer", "active")}
    return said | {"keys": [key["kid"] for key in me["keys"] if key["state"] == "active"]}


def token(ctx: typer.Context, as_json: JsonOption = False) -> None:
    """Print an access token for the node, renewed if need be.

    Example: curl -H "Authorization: Bearer $(comity token)" https://comity.example/api/v1/me
    """
    context = _context(ctx)
    store = ProfileStore(context.home)
    tokens = fresh_tokens(store, store.choose(context.profile_name), SystemClock())
    if as_json or context.json:
        document = {
            "access_token": tokens.access_token,
            "token_type": "Bearer",
            "expires_at": format_instant(tokens.expires_at),
        }
        typer.echo(json.dumps(document))
    else:
        typer.echo(tokens.access_token)


def _context(ctx: typer.Context) -> CliContext:
    context: CliContext = ctx.obj
    return context


def _name_for_login(store: ProfileStore, given: str | None) -> str:
    if given is not None:
        return given
    names = store.names()
    return store.choose(None) if names else DEFAULT_PROFILE


def _profile_for_login(store: ProfileStore, name: str, given: dict[str, str]) -> Profile:
    """The stored profile with what was given put over it, or a new one."""
    if store.exists(name):
        held = store.load(name)
        node = given.get("node", held.node).rstrip("/")
        return replace(
            held,
            node=node,
            issuer=given.get("issuer", held.issuer),
            client_id=given.get("client_id", held.client_id),
            client_key=given.get("client_key"),
            audience=given.get("audience", node if "node" in given else held.audience),
        )
    if "node" not in given or "issuer" not in given:
        raise Invalid("profile.new", "A new profile needs --node and --issuer.")
    node = given["node"].rstrip("/")
    return Profile(
        node=node,
        issuer=given["issuer"],
        client_id=given.get("client_id", DEFAULT_CLIENT),
        client_key=given.get("client_key"),
        audience=given.get("audience", node),
    )


def _use_device(flow: Flow, provider: Provider) -> bool:
    offered = provider.device_authorization_endpoint is not None
    return flow is Flow.DEVICE or (flow is Flow.AUTO and offered)


def _by_device(client: "OAuthClient") -> Tokens:
    request = client.start_device()
    typer.echo(f"Open {request.verification_uri} and enter {request.user_code}", err=True)
    if request.verification_uri_complete:
        typer.echo(f"or open {request.verification_uri_complete}", err=True)
    return client.await_device(request)


def _by_browser(client: "OAuthClient", *, open_browser: bool) -> Tokens:
    from api.adapters.identity.loopback import listen

    with listen() as answer:
        request = client.authorize(answer.redirect_uri)
        typer.echo(f"Sign in at {request.url}", err=True)
        if open_browser:
            webbrowser.open(request.url)
        return client.redeem(request, answer.wait(_BROWSER_SECONDS))


def _client(profile: Profile, provider: Provider, clock: Clock) -> "OAuthClient":
    from api.adapters.identity.oauth_client import OAuthClient

    return OAuthClient(provider, profile.client_id, profile.audience, clock)


def _renew(profile: Profile, clock: Clock) -> Tokens:
    if profile.client_key:
        return _machine_tokens(profile, clock)
    if profile.tokens and profile.tokens.refresh_token:
        client = _client(profile, find_provider(profile.issuer), clock)
        try:
            return client.refresh(profile.tokens.refresh_token)
        except NotSignedIn:
            pass  # too old or withdrawn: sign in anew, below
        finally:
            client.close()
    if profile.username and profile.demo_password:
        from api.adapters.identity.form_sign_in import sign_in_by_forms

        return sign_in_by_forms(
            profile.issuer,
            profile.client_id,
            profile.username,
            profile.demo_password,
            profile.audience,
            clock,
        )
    raise NotSignedIn("sign-in.needed", "The session has ended; sign in again: comity login.")


def _revoke(profile: Profile) -> bool:
    if profile.tokens is None or profile.tokens.refresh_token is None:
        return True
    try:
        client = _client(profile, find_provider(profile.issuer), SystemClock())
    except Unavailable:
        return False
    try:
        client.revoke(profile.tokens.refresh_token)
    except (Unavailable, NotSignedIn):
        return False
    finally:
        client.close()
    return True


def _description(name: str, profile: Profile, clock: Clock) -> dict[str, Json]:
    """What the profile and its own token say; the token is not verified, it is ours."""
    described: dict[str, Json] = {"profile": name, "node": profile.node}
    if profile.username:
        described["username"] = profile.username
    if profile.tokens is not None:
        claims = _claims(profile.tokens.access_token)
        described |= {key: claims[key] for key in _SHOWN_CLAIMS if key in claims}
        described["expires_at"] = format_instant(profile.tokens.expires_at)
        described["expired"] = clock.now() >= profile.tokens.expires_at
        described["renewable"] = bool(profile.tokens.refresh_token or profile.demo_password)
    return described


def _claims(access_token: str) -> dict[str, Json]:
    parts = access_token.split(".")
    try:
        claims = parse(b64u_decode(parts[1]), limit=_MAX_CLAIMS)
    except (IndexError, WireError):
        return {}  # an opaque token is its provider's right; the node will judge it
    return claims if isinstance(claims, dict) else {}


def _print(document: dict[str, Json], context: CliContext, *, as_json: bool) -> None:
    if as_json or context.json:
        typer.echo(json.dumps(document, ensure_ascii=False))
        return
    width = max(map(len, document))
    for name, value in document.items():
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        typer.echo(f"{name:<{width}}  {shown}")
