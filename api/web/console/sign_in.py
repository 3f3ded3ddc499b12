"""Signing in and out at the console: the addresses that browsers and the sign-in service use.

Owns the order of steps around ``RelyingParty``. Whatever goes wrong on the way leads to a page that
says so; nothing that came from outside is shown on it.
"""

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, quote

from fastapi import Request
from fastapi.responses import JSONResponse, RedirectResponse, Response
from fastapi.routing import APIRoute

from api.domain.errors import ComityError, Invalid, NotSignedIn
from api.ports.identity import SignInRequest
from api.services.node import Node
from api.services.operations import console_sessions
from api.services.operations.console_sessions import Opened
from api.web.console import forms, sessions
from api.web.console.sessions import Console
from api.web.console.words import REGIONAL, Language, preferred
from api.web.routing import PUBLIC, ActionRouter
from api.web.use_case_threads import run
from api.wire.encoding import b64u_encode

router = ActionRouter(prefix="/console", include_in_schema=False, route_class=APIRoute)
_SEE_OTHER: Final = 303
_NO_STORE: Final = {"cache-control": "no-store"}
_BROWSER_BYTES: Final = 32
SIGN_OUT: Final = "/sign-out"


@dataclass(frozen=True, slots=True)
class _Begun:
    request: SignInRequest
    browser: str


def _moved(to: str) -> RedirectResponse:
    return RedirectResponse(to, _SEE_OTHER, _NO_STORE)


def _language(request: Request, path: str) -> Language:
    if path.startswith(("/en/", "/fr/")):
        return "fr" if path.startswith("/fr/") else "en"
    return preferred(request.headers.get("accept-language", ""))


@router.route_for("GET", "/sign-in", PUBLIC, operation_id="console_sign_in")
async def start(request: Request) -> Response:
    """Send the browser to the sign-in service; ``again=1`` asks for a fresh proof."""
    console: Console = request.app.state.console
    node: Node = request.app.state.doors.node
    back = sessions.safe_return(request.query_params.get("to", ""))
    language = _language(request, back)
    fresh = request.query_params.get("again") == "1"
    try:
        begun = await run(_begin, console, node, back or f"/{language}/", language, fresh)
    except ComityError as error:
        return _failed(language, error.code)
    answer = _moved(begun.request.url)
    console.set_sign_in(answer, begun.browser)
    return answer


def _begin(console: Console, node: Node, back: str, language: Language, fresh: bool) -> _Begun:  # noqa: FBT001
    asked = console.relying_party.begin(console.callback, REGIONAL[language], fresh=fresh)
    browser = b64u_encode(node.entropy.token(_BROWSER_BYTES))
    console_sessions.begin(node, asked, browser, back, language)
    return _Begun(asked, browser)


@router.route_for("GET", "/sign-in/done", PUBLIC, operation_id="console_signed_in")
async def done(request: Request) -> Response:
    """Take the browser back from the sign-in service and open a session with a new cookie."""
    console: Console = request.app.state.console
    node: Node = request.app.state.doors.node
    browser = sessions.cookie_of(request, console.sign_in_cookie)
    before = sessions.cookie_of(request, console.session_cookie) or None
    agent = request.headers.get("user-agent", "")
    try:
        opened, back = await run(_finish, console, node, request.url.query, browser, agent, before)
    except ComityError as error:
        return _failed(_language(request, ""), error.code)
    answer = _moved(back)
    console.clear(answer, console.sign_in_cookie)
    console.set_session(answer, opened.cookie)
    return answer


def _finish(
    console: Console, node: Node, query: str, browser: str, agent: str, before: str | None
) -> tuple[Opened, str]:
    state = parse_qs(query).get("state", [""])[-1]
    asked = console_sessions.take(node, state, browser) if state and browser else None
    if asked is None:
        raise NotSignedIn("sign-in.mixed-up", "The answer belongs to another sign-in; repeat.")
    wanted = SignInRequest("", state, asked.nonce, asked.verifier)
    who = console.relying_party.finish(wanted, console.callback, query)
    back = asked.return_to
    # Whoever changed the language at the sign-in service goes on in that language.
    if who.locale[:2] in {"en", "fr"} and back.startswith("/"):
        back = f"/{who.locale[:2]}{back[3:]}"
    return console_sessions.open_session(node, who, agent, before), back


@router.route_for("POST", SIGN_OUT, PUBLIC, operation_id="console_sign_out")
async def sign_out(request: Request) -> Response:
    """End the session here, then at the sign-in service if it offers that."""
    console: Console = request.app.state.console
    node: Node = request.app.state.doors.node
    language = _language(request, "")
    cookie = sessions.cookie_of(request, console.session_cookie)
    try:
        forms.check_origin(request, console.public_url)
        form = await forms.read(request)
        forms.check(form, cookie, SIGN_OUT)
    except ComityError as error:
        return _failed(language, error.code)
    language = "fr" if form.one("language") == "fr" else "en"
    await run(console_sessions.end, node, cookie)
    here = f"{console.public_url.rstrip('/')}/{language}/signed-out"
    try:
        there = await run(console.relying_party.sign_out_url, here, REGIONAL[language])
    except ComityError:
        there = None
    answer = _moved(there or here)
    console.clear(answer, console.session_cookie)
    # Nothing of what was seen stays in this browser.
    answer.headers["clear-site-data"] = '"cache", "storage"'
    return answer


@router.route_for("POST", "/back-channel-logout", PUBLIC, operation_id="console_logged_out")
async def logged_out(request: Request) -> Response:
    """End the sessions that the sign-in service ended (Back-Channel Logout 1.0 section 2.5)."""
    console: Console = request.app.state.console
    node: Node = request.app.state.doors.node
    try:
        form = await forms.read(request)
        await run(_end_named, console, node, form.one("logout_token"))
    except ComityError as error:
        body = {"error": "invalid_request", "error_description": error.message}
        return JSONResponse(body, 400, _NO_STORE)
    return Response(status_code=200, headers=_NO_STORE)


def _end_named(console: Console, node: Node, token: str) -> None:
    if not token:
        raise Invalid("logout.token", "Send a logout_token.")
    console_sessions.end_at_provider(node, console.relying_party.logged_out(token))


def _failed(language: Language, code: str) -> Response:
    return _moved(f"/{language}/sign-in?problem={quote(code)}")
