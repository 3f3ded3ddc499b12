"""HTTP doors of the demo's OpenID Provider.

Owns routes, form tickets against forged posts, and the order of steps; OAuth itself is Authlib's,
in ``server`` and ``grants``. Nobody stays signed in at the provider: the demo's people share one
browser, so every request asks who is there.
"""

import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import Any
from urllib.parse import urlencode, urlsplit

from authlib.oauth2.rfc6749 import OAuth2Error
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from api.demo.sign_in import pages
from api.demo.sign_in.config import ProviderConfig
from api.demo.sign_in.requests import Pairs, ProviderRequest, form_of, query_of
from api.demo.sign_in.server import SignInServer
from api.demo.sign_in.state import Device

_COOKIE = "comity-sign-in"
_BAD_REQUEST = 400
_UNAUTHORIZED = 401
_FORBIDDEN = 403
_SEE_OTHER = 303

Handler = Callable[["_Doors", Request, Pairs], Response]


def create_app(config: ProviderConfig, now: Callable[[], float] = time.time) -> Starlette:
    """Build the provider's application.

    Args:
        config: users, clients, audiences.
        now: seconds since the epoch, for everything but what Authlib times itself.
    """
    server = SignInServer(config, now)
    AuthorizationServerMetadata(server.metadata()).validate()
    doors = _Doors(server)
    metadata = _answer_with(server.metadata)
    app = Starlette(
        routes=[
            Route("/.well-known/openid-configuration", metadata),
            Route("/.well-known/oauth-authorization-server", metadata),
            Route("/jwks.json", _answer_with(server.keys.published)),
            Route("/sign-in.css", _style),
            Route("/authorize", doors.page(_ask_authorize, _answer_authorize), methods=_BOTH),
            Route("/device", doors.page(_ask_device, _answer_device), methods=_BOTH),
            Route("/sign-out", doors.page(_sign_out, _sign_out)),
            Route("/token", doors.api(_token), methods=["POST"]),
            Route("/device_authorization", doors.api(_device_authorization), methods=["POST"]),
            Route("/revoke", doors.api(_revoke), methods=["POST"]),
        ],
        # A page elsewhere that makes its name point at loopback gets no answer here.
        middleware=[
            Middleware(
                TrustedHostMiddleware, allowed_hosts=[urlsplit(config.issuer).hostname or ""]
            )
        ],
    )
    app.state.server = server
    return app


_BOTH = ["GET", "POST"]


class _Doors:
    """Runs handlers in threads, with bodies read and browsers told apart."""

    def __init__(self, server: SignInServer) -> None:
        self.server = server

    def api(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """Wrap an endpoint that clients call: JSON in every case, parameters once each."""

        @wraps(handler)
        async def door(request: Request) -> Response:
            try:
                form = await form_of(request)
            except OAuth2Error as error:
                return self.server.handle_response(*error())
            return await run_in_threadpool(handler, self, request, form)

        return door

    def page(self, ask: Handler, answer: Handler) -> Callable[[Request], Awaitable[Response]]:
        """Wrap an endpoint that people see: GET asks, POST answers."""

        @wraps(ask)
        async def door(request: Request) -> Response:
            try:
                if request.method == "GET":
                    return await run_in_threadpool(ask, self, request, [])
                return await run_in_threadpool(answer, self, request, await form_of(request))
            except OAuth2Error as error:
                text = error.get_error_description() or error.error
                return pages.respond(
                    pages.message_page("Sign-in is not possible", text), _BAD_REQUEST
                )

        return door

    def form(
        self, request: Request, page: Callable[[str], str], status: int, redirect_uri: str | None
    ) -> Response:
        """Show a form bound to this browser by a cookie and a ticket."""
        browser = request.cookies.get(_COOKIE) or secrets.token_urlsafe()
        ticket = self.server.state.new_ticket(browser)
        response = pages.respond(page(ticket), status, redirect_uri)
        response.set_cookie(_COOKIE, browser, httponly=True, samesite="lax", path="/")
        return response

    def is_own(self, request: Request, form: Mapping[str, str]) -> bool:
        """Say whether a posted form is one this provider showed this browser."""
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return False
        if request.headers.get("origin", self.server.config.issuer) != self.server.config.issuer:
            return False
        browser = request.cookies.get(_COOKIE, "")
        return bool(browser) and self.server.state.redeem_ticket(form.get("ticket", ""), browser)


def _ask_authorize(doors: _Doors, request: Request, _form: Pairs) -> Response:
    return _authorize_page(doors, request, None, 200)


def _answer_authorize(doors: _Doors, request: Request, form: Pairs) -> Response:
    server, fields = doors.server, dict(form)
    if not doors.is_own(request, fields):
        return _authorize_page(doors, request, pages.STALE_FORM, _FORBIDDEN)
    oauth, grant = _consent(server, request)
    if isinstance(grant, Response):
        return grant
    person = None
    if fields.get("answer") != "deny":
        person = server.sign_in(
            fields.get("username", ""), fields.get("password", ""), str(oauth.audience)
        )
        if person is None:
            return _authorize_page(doors, request, pages.WRONG_CREDENTIALS, _UNAUTHORIZED)
    response: Response = server.create_authorization_response(oauth, person, grant)
    return response


def _authorize_page(doors: _Doors, request: Request, error: str | None, status: int) -> Response:
    oauth, grant = _consent(doors.server, request)
    if isinstance(grant, Response):
        return grant
    facts = {"Application": grant.client.name, "Node": str(oauth.audience)}

    def page(ticket: str) -> str:
        return pages.sign_in_page("Sign in", facts, {"ticket": ticket}, error)

    return doors.form(request, page, status, grant.redirect_uri)


def _consent(server: SignInServer, request: Request) -> tuple[ProviderRequest, Any]:
    """Validate the query; the second value is the grant, or the answer that refuses it."""
    oauth = ProviderRequest(request, query_of(request))
    redirect_uri = oauth.payload.redirect_uri or ""
    # Authlib repeats the address in its message, which may hold no other characters.
    if not (redirect_uri.isascii() and redirect_uri.isprintable()) or set('"\\') & set(
        redirect_uri
    ):
        raise OAuth2Error("The redirect address cannot be read.", error="invalid_request")
    try:
        return oauth, server.get_consent_grant(oauth)
    except OAuth2Error as error:
        if error.redirect_uri is None:
            raise
        return oauth, server.name_issuer(server.handle_error_response(oauth, error))


def _ask_device(doors: _Doors, request: Request, _form: Pairs) -> Response:
    return _device_page(doors, request, None, 200)


def _answer_device(doors: _Doors, request: Request, form: Pairs) -> Response:
    server, fields = doors.server, dict(form)
    if not doors.is_own(request, fields):
        return _device_page(doors, request, pages.STALE_FORM, _FORBIDDEN)
    device = _find_device(server, request.query_params.get("user_code", ""))
    if device is None:
        return _device_page(doors, request, None, _BAD_REQUEST)
    if fields.get("answer") == "deny":
        device.denied = True
        return pages.respond(pages.message_page("Cancelled", "The device was not signed in."))
    person = server.sign_in(fields.get("username", ""), fields.get("password", ""), device.audience)
    if person is None:
        return _device_page(doors, request, pages.WRONG_CREDENTIALS, _UNAUTHORIZED)
    device.decision = person
    server.state.device_codes.take(device.user_code)
    return pages.respond(pages.message_page("Signed in", "Go back to the other device."))


def _device_page(doors: _Doors, request: Request, error: str | None, status: int) -> Response:
    typed = request.query_params.get("user_code")
    if typed is None:
        return pages.respond(pages.code_page(None))
    device = _find_device(doors.server, typed)
    if device is None:
        return pages.respond(pages.code_page("This code is unknown or has ended."), _BAD_REQUEST)
    client = doors.server.query_client(device.client_id)
    facts = {
        "Application": client.name if client else device.client_id,
        "Node": device.audience,
        "Code, which the other device must show too": device.user_code,
    }

    def page(ticket: str) -> str:
        return pages.sign_in_page("Sign in another device", facts, {"ticket": ticket}, error)

    return doors.form(request, page, status, None)


def _find_device(server: SignInServer, typed: str) -> Device | None:
    letters = "".join(character for character in typed.upper() if character.isalnum())
    device_code = server.state.device_codes.get(f"{letters[:4]}-{letters[4:]}")
    return server.state.devices.get(device_code) if device_code else None


def _sign_out(doors: _Doors, request: Request, _form: Pairs) -> Response:
    """RP-Initiated Logout 1.0: nobody stays signed in here, so only the way back is left."""
    client = doors.server.query_client(request.query_params.get("client_id", ""))
    back = request.query_params.get("post_logout_redirect_uri", "")
    if client is None or not client.allows_sign_out_to(back):
        return pages.respond(pages.message_page("Signed out", "Close this window."))
    state = request.query_params.get("state")
    return RedirectResponse(f"{back}?{urlencode({'state': state})}" if state else back, _SEE_OTHER)


def _token(doors: _Doors, request: Request, form: Pairs) -> Response:
    oauth = ProviderRequest(request, form)
    refused = _repeated(doors.server, oauth)
    response: Response = refused or doors.server.create_token_response(oauth)
    return response


def _device_authorization(doors: _Doors, request: Request, form: Pairs) -> Response:
    oauth = ProviderRequest(request, form)
    response: Response = _repeated(doors.server, oauth) or doors.server.create_endpoint_response(
        "device_authorization", oauth
    )
    return response


def _revoke(doors: _Doors, request: Request, form: Pairs) -> Response:
    oauth = ProviderRequest(request, form)
    response: Response = _repeated(doors.server, oauth) or doors.server.create_endpoint_response(
        "revocation", oauth
    )
    return response


def _repeated(server: SignInServer, oauth: ProviderRequest) -> Response | None:
    if not oauth.payload.repeated():
        return None
    error = OAuth2Error("A parameter is given more than once.", error="invalid_request")
    refusal: Response = server.handle_error_response(oauth, error)
    return refusal


def _answer_with(
    document: Callable[[], Mapping[str, object]],
) -> Callable[[Request], Awaitable[Response]]:
    async def door(_request: Request) -> Response:
        return JSONResponse(dict(document()), headers={"Cache-Control": "no-cache"})

    return door


async def _style(_request: Request) -> Response:
    return PlainTextResponse(pages.STYLE, media_type="text/css")
