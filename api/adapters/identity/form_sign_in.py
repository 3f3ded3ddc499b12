"""Signing in by driving a provider's real HTML forms, as a browser without scripts would.

Owns a very small browser: cookies, redirects at the issuer's origin, one form per page. It is
for providers whose pages ask for a user name and a password in fields of these names, which the
demo's own does, and the independent one of the tests too. It must not be used for real officers:
a password belongs between a person and their provider.
"""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx2
from typing_extensions import override

from api.adapters.identity.fetching import HttpFetch
from api.adapters.identity.oauth_client import OAuthClient
from api.adapters.identity.provider import find_provider
from api.adapters.identity.tokens import Tokens
from api.domain.errors import NotSignedIn, Unavailable
from api.ports.system import Clock

REDIRECT_URI = "http://127.0.0.1/callback"
"""Loopback address of the code flow; never opened, its query is read off the redirect."""

_MAX_PAGES = 12
_MAX_PAGE = 256 * 1024
_TIMEOUT = 60.0


def sign_in_by_forms(
    issuer: str, client_id: str, username: str, password: str, resource: str, clock: Clock
) -> Tokens:
    """Run the code flow with PKCE through the provider's pages.

    Args:
        issuer: identifier of the provider.
        client_id: public client whose loopback redirect is ``REDIRECT_URI``.
        username: typed into the text field beside the password.
        password: typed into the password field.
        resource: node URL the access token is for.
        clock: gives the token's end.

    Raises:
        NotSignedIn: ``sign-in.refused``, wrong name or password, or refused by the provider.
        Unavailable: ``issuer.unavailable``, it cannot be reached, or its pages are of another
            kind.
    """
    fetch = HttpFetch()
    client = OAuthClient(find_provider(issuer, fetch), client_id, resource, clock)
    try:
        request = client.authorize(REDIRECT_URI)
        with httpx2.Client(trust_env=False, follow_redirects=False, timeout=_TIMEOUT) as http:
            answer = _Browser(http, issuer, (username, password)).follow(request.url)
        return client.redeem(request, answer)
    except httpx2.HTTPError as error:
        raise _not_usable(type(error).__name__) from error
    finally:
        client.close()
        fetch.close()


class _Browser:
    """Follows redirects and submits forms until the provider sends it to the redirect address."""

    def __init__(self, http: httpx2.Client, issuer: str, credentials: tuple[str, str]) -> None:
        self._http = http
        self._origin = urlsplit(issuer)[:2]
        self._credentials = credentials
        self._typed = False

    def follow(self, url: str) -> str:
        reply = self._http.get(url)
        for _ in range(_MAX_PAGES):
            if reply.is_redirect:
                target = urljoin(str(reply.url), reply.headers["Location"])
                if target.startswith(f"{REDIRECT_URI}?"):
                    return target
                reply = self._http.get(self._own(target))
            else:
                reply = self._submit(reply)
        raise _not_usable("too many pages")

    def _submit(self, reply: httpx2.Response) -> httpx2.Response:
        if len(reply.content) > _MAX_PAGE:
            raise _not_usable("a page is too large")
        form = _first_form(reply.text)
        if form is None:
            raise _not_usable(f"no form in a page with status {reply.status_code}")
        asks = form.password_field is not None
        if asks and self._typed:
            raise NotSignedIn("sign-in.refused", "The user name or the password is wrong.")
        self._typed = self._typed or asks
        fields = form.fields | self._answers(form)
        target = self._own(urljoin(str(reply.url), form.action))
        return self._http.post(target, data=fields)

    def _answers(self, form: "_Form") -> dict[str, str]:
        if form.password_field is None or form.text_field is None:
            return {}
        return dict(zip((form.text_field, form.password_field), self._credentials, strict=True))

    def _own(self, target: str) -> str:
        # The password must not follow a page to somebody else's host.
        if urlsplit(target)[:2] != self._origin:
            raise _not_usable("its pages lead to another host")
        return target


@dataclass(slots=True)
class _Form:
    action: str
    fields: dict[str, str] = field(default_factory=dict)
    pressed: bool = False
    text_field: str | None = None
    password_field: str | None = None


class _FormReader(HTMLParser):
    """Collects the forms that are posted, with what a browser would send for each."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[_Form] = []
        self._open = False

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = given.get("method", "get").lower() == "post"
            if self._open:
                self.forms.append(_Form(given.get("action", "")))
        elif self._open and tag in {"input", "button"} and given.get("name"):
            self._take(self.forms[-1], tag, given)

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = False

    def _take(self, form: _Form, tag: str, given: dict[str, str]) -> None:
        kind = given.get("type", "submit" if tag == "button" else "text").lower()
        name = given["name"]
        if kind == "password":
            form.password_field = name
        elif kind == "text":
            form.text_field = name
        elif kind == "submit" and not form.pressed:
            form.pressed = True  # a person presses one button: the first
        elif kind != "hidden":
            return
        form.fields[name] = given.get("value", "")


def _first_form(page: str) -> _Form | None:
    reader = _FormReader()
    reader.feed(page)
    return reader.forms[0] if reader.forms else None


def _not_usable(reason: str) -> Unavailable:
    return Unavailable(
        "issuer.unavailable", f"The sign-in service cannot be used by its forms: {reason}."
    )
