"""The console's door: from a browser's request to a page, a move or a file.

Owns the order in which a request is judged: session, officer, roles of the page, freshness of the
sign-in, the form's token; then the page's own use case, which asks the policy. Pages live in
``pages``; a route exists for every page in each language and for nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote, urlencode

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response, StreamingResponse
from fastapi.routing import APIRoute

from api.domain.errors import NotSignedIn, Refused
from api.services.authorising import Caller
from api.services.node import Node
from api.services.operations.console_sessions import Present
from api.web.console import (
    faults,
    feeds,
    forms,
    law_choices,
    navigation,
    rendering,
    sessions,
    sign_in,
    static_files,
)
from api.web.console.forms import Form
from api.web.console.page import Moved, Page, Sending, View, Visit
from api.web.console.pages import PAGES
from api.web.console.sessions import Console
from api.web.console.words import LANGUAGES, Language, preferred
from api.web.routing import PUBLIC, ActionRouter, add_routes
from api.web.uploading import apart
from api.web.use_case_threads import run

_NONCE_BYTES: Final = 18
_SEE_OTHER: Final = 303
_WARN_BEFORE: Final = 120
_ENTRY_PATHS: Final = frozenset(page.path for page in PAGES)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What a request says, read out of it before the worker thread.

    Attributes:
        language: of the page.
        path: without language.
        query: query parameters, the last value of each.
        parts: named parts of the address.
        cookie: the session's cookie, or empty.
        request_id: for events and logs.
        form: what was posted, or ``None`` for a look.
    """

    language: Language
    path: str
    query: Mapping[str, str]
    parts: Mapping[str, str]
    cookie: str
    request_id: str
    form: Form | None = None

    @property
    def whole(self) -> str:
        """The address without language, with its query."""
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path


def _facts(request: Request, language: Language) -> _Facts:
    console: Console = request.app.state.console
    return _Facts(
        language=language,
        path=request.url.path[3:] or "/",
        query=dict(request.query_params),
        parts={name: str(value) for name, value in request.path_params.items()},
        cookie=sessions.cookie_of(request, console.session_cookie),
        request_id=request.state.request_id,
    )


class _Door:
    """Answers for one node."""

    def __init__(self, request: Request, language: Language) -> None:
        self.node: Node = request.app.state.doors.node
        self.console: Console = request.app.state.console
        self.facts = _facts(request, language)

    def admit(self, page: Page) -> None:
        """Refuse whoever may not use a page, before anything of their form is read.

        Raises:
            NotSignedIn: nobody is signed in.
            Refused: ``page.other-role``.
        """
        found = sessions.present(self.node, self.facts.cookie)
        if found is None:
            raise NotSignedIn("sign-in.ended", "Your session has ended; sign in again.")
        caller = sessions.caller_of(self.node, found, self.facts.request_id)
        _require_role(page, caller)

    def answer(self, page: Page) -> Response:
        """Answer a request for a page; to be called in a worker thread."""
        facts = self.facts
        found = sessions.present(self.node, facts.cookie, touch=not page.quiet)
        if found is None:
            return self._to_sign_in()
        caller = sessions.caller_of(self.node, found, facts.request_id)
        _require_role(page, caller)
        if page.fresh and not found.fresh and facts.form is None:
            where = f"/{facts.language}{facts.whole}"
            return _moved(f"/console/sign-in?again=1&to={quote(where)}")
        form = facts.form or Form()
        if facts.form is not None:
            forms.check(form, facts.cookie, facts.path)
            if page.fresh and not found.fresh:
                raise NotSignedIn("sign-in.stale", "Sign in again before you decide.")
            caller = replace(caller, idempotency_key=form.one(forms.ONCE)[:200])
        visit = Visit(
            self.node,
            caller,
            found,
            facts.language,
            facts.path,
            facts.parts,
            facts.query,
            form,
        )
        handler = page.act if facts.form is not None and page.act is not None else page.show
        return self._sent(handler(visit), caller, found)

    def _to_sign_in(self) -> Response:
        where = f"/{self.facts.language}{self.facts.whole}"
        known = f"?to={quote(where)}" if self.facts.form is None else ""
        return _moved(f"/{self.facts.language}/sign-in{known}")

    def _sent(self, given: View | Moved | Sending, caller: Caller, found: Present) -> Response:
        if isinstance(given, Moved):
            return _moved(given.to)
        if isinstance(given, Sending):
            return _file(given)
        return self.view(given, caller, found)

    def view(self, given: View, caller: Caller | None, found: Present | None) -> Response:
        """Draw a page."""
        frame = self._frame(caller, found)
        html = rendering.page(frame, given.template, given.members)
        return rendering.respond(html, given.status, frame, self.console.provider)

    def _frame(self, caller: Caller | None, found: Present | None) -> rendering.Frame:
        facts = self.facts
        roles = caller.roles if caller is not None else frozenset[str]()
        entries = navigation.entries(facts.language, roles, facts.path, _ENTRY_PATHS)

        def token(path: str, tag: str) -> str:
            return forms.token(facts.cookie, path, tag)

        return rendering.Frame(
            language=facts.language,
            path=facts.whole,
            ministry=self.node.me.name,
            navigation=entries,
            officer=caller.name if caller is not None else "",
            token=token,
            seconds=found.seconds if found is not None else 0,
            nonce=rendering.nonce(self.node.entropy.token(_NONCE_BYTES)),
            ministries={one.id: one.name for one in self.node.membership.members},
            grounds=law_choices.words_of_grounds(self.node.regimes.values(), facts.language),
        )

    def fault(self, error: Exception) -> Response:
        """Draw the page that says what went wrong."""
        found = caller = None
        try:
            found = sessions.present(self.node, self.facts.cookie)
            caller = sessions.caller_of(self.node, found, self.facts.request_id) if found else None
        except Exception:  # noqa: BLE001 - the page must be drawn though nobody is known
            found = caller = None
        unknown = isinstance(error, NotSignedIn) and error.code == "officer.unknown"
        fault = faults.of_error(error)
        here = f"/{self.facts.language}{self.facts.whole}"
        members: dict[str, Any] = {
            "fault": fault,
            "reference": self.facts.request_id,
            "unknown_officer": unknown,
            "again": f"/console/sign-in?again=1&to={quote(here)}",
        }
        return self.view(View("fault.html", members, fault.status), caller, found)


def _require_role(page: Page, caller: Caller) -> None:
    if not page.roles & caller.roles:
        raise Refused("page.other-role", "This page is for officers with another role.")


def _moved(to: str) -> Response:
    return RedirectResponse(to, _SEE_OTHER, {"cache-control": "no-store"})


def _file(given: Sending) -> Response:
    headers = {
        "cache-control": "no-store",
        "content-disposition": f'attachment; filename="{given.name}"',
        "content-security-policy": "default-src 'none'; sandbox",
    }
    if given.size is not None:
        headers["content-length"] = str(given.size)
    return StreamingResponse(given.chunks, 200, headers, given.media_type)


def _code(request: Request, error: Exception) -> None:
    """Leave the code for the request's log line."""
    request.state.code = getattr(error, "code", "internal")


async def serve(request: Request, page: Page, language: Language) -> Response:
    """Answer a request for one page."""
    door = _Door(request, language)
    form: Form | None = None
    try:
        if request.method == "POST":
            forms.check_origin(request, door.console.public_url)
            if page.files:
                await run(door.admit, page)
            form = await forms.read(request, files=page.files)
            door.facts = replace(door.facts, form=form)
        # What stores files takes no thread that others wait for.
        return await (apart(door.answer, page) if form and page.files else run(door.answer, page))
    except Exception as error:  # noqa: BLE001 - an officer gets a page, whatever happened
        _code(request, error)
        return await run(door.fault, error)
    finally:
        if form is not None:
            form.close()


def _route(router: ActionRouter, page: Page, language: Language, method: str) -> None:
    async def endpoint(request: Request) -> Response:
        return await serve(request, page, language)

    name = f"console_{page.name}_{language}_{method.lower()}"
    found = f"/{language}{page.path}"
    router.route_for(method, found, page.action, operation_id=name, name=name)(endpoint)


def _pages() -> ActionRouter:
    router = ActionRouter(include_in_schema=False, route_class=APIRoute)
    for language in LANGUAGES:
        for page in PAGES:
            _route(router, page, language, "GET")
            if page.act is not None:
                _route(router, page, language, "POST")
    return router


async def draw_refusal(request: Request, error: Exception) -> Response | None:
    """Draw what was refused before any route was looked for; ``None`` for other doors' addresses.

    Nothing of the address is shown or kept on the page, as it holds what was refused.
    """
    first = request.scope["path"].split("/")[1]
    if first not in {*LANGUAGES, "", "console"}:
        return None
    spoken = preferred(request.headers.get("accept-language", ""))
    language: Language = next((one for one in LANGUAGES if one == first), spoken)
    home = {"path": f"/{language}/", "raw_path": f"/{language}/".encode(), "query_string": b""}
    _code(request, error)
    return await run(_Door(Request({**request.scope, **home}), language).fault, error)


entrance = ActionRouter(include_in_schema=False, route_class=APIRoute)
elsewhere = ActionRouter(include_in_schema=False, route_class=APIRoute)


@entrance.route_for("GET", "/", PUBLIC, operation_id="console_root")
async def root(request: Request) -> Response:
    """Lead to the console in the language that the browser asks for."""
    return _moved(f"/{preferred(request.headers.get('accept-language', ''))}/")


def _public(path: str, template: str) -> None:
    """Add a page for strangers, in each language."""
    for language in LANGUAGES:

        def endpoint(request: Request, language: Language = language) -> Response:
            door = _Door(request, language)
            query = door.facts.query
            members = {
                "return_to": sessions.safe_return(query.get("to", "")),
                "problem": query.get("problem", "")[:60],
                "ended": query.get("ended") == "1",
            }
            found = sessions.present(door.node, door.facts.cookie)
            caller = None
            if found is not None and not members["problem"]:
                try:
                    caller = sessions.caller_of(door.node, found, door.facts.request_id)
                except NotSignedIn:
                    found = None
            return door.view(View(template, members), caller, found)

        name = f"console{path.replace('/', '_').replace('-', '_')}_{language}"
        entrance.route_for("GET", f"/{language}{path}", PUBLIC, operation_id=name)(endpoint)


_public("/sign-in", "sign_in.html")
_public("/signed-out", "signed_out.html")
_public("/accessibility", "accessibility.html")
_public("/help", "help.html")


def _nothing(language: Language, method: str) -> None:
    """Answer every other address below a language with the page that says so."""

    async def endpoint(request: Request) -> Response:
        door = _Door(request, language)
        found = faults.of_status(404, "route.unknown")
        request.state.code = found.code
        members = {"fault": found, "reference": "", "unknown_officer": False, "again": ""}

        def draw() -> Response:
            present = sessions.present(door.node, door.facts.cookie)
            try:
                caller = sessions.caller_of(door.node, present, "") if present else None
            except NotSignedIn:
                caller, present = None, None
            return door.view(View("fault.html", members, 404), caller, present)

        return await run(draw)

    name = f"console_nothing_{language}_{method.lower()}"
    elsewhere.route_for(method, f"/{language}/{{rest:path}}", PUBLIC, operation_id=name)(endpoint)


for _language in LANGUAGES:
    for _method in ("GET", "POST"):
        _nothing(_language, _method)

ROUTERS: Final = (
    entrance,
    static_files.router,
    sign_in.router,
    feeds.router,
    _pages(),
    elsewhere,
)


def mount(app: FastAPI, console: Console) -> None:
    """Add the console to the application of a node."""
    app.state.console = console
    app.state.draw_refusal = draw_refusal
    app.state.feeds = feeds.Feeds(app.state.doors.node)
    app.state.endings.append(app.state.feeds.close)
    add_routes(app, ROUTERS)
