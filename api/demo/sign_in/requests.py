"""Requests in the form Authlib's server classes expect, read from Starlette.

Owns the reading of bodies: bounded, form-encoded, parameters once each. Authlib merges query and
body for other frameworks; here the authorization endpoint reads the query and every other
endpoint the body, so that a parameter has one place.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from authlib.oauth2.rfc6749 import InvalidRequestError, OAuth2Payload, OAuth2Request
from starlette.requests import Request
from typing_extensions import override

MAX_BODY = 64 * 1024
_MAX_FIELDS = 50
_FORM = "application/x-www-form-urlencoded"

Pairs = list[tuple[str, str]]


class Parameters(OAuth2Payload):  # type: ignore[misc]  # Authlib ships no types
    """Parameters of one request; the first of each name counts, none may hide."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._lists: defaultdict[str, list[str]] = defaultdict(list)
        for name, value in pairs:
            self._lists[name].append(value)
        self._data = {name: values[0] for name, values in self._lists.items()}

    @property
    @override
    def data(self) -> dict[str, str]:
        return self._data

    @property
    @override
    def datalist(self) -> defaultdict[str, list[str]]:
        return self._lists

    def repeated(self) -> bool:
        """Say whether any parameter is given more than once (RFC 6749 section 3.2)."""
        return any(len(values) > 1 for values in self._lists.values())


class ProviderRequest(OAuth2Request):  # type: ignore[misc]  # Authlib ships no types
    """One request at an OAuth endpoint.

    Args:
        request: as Starlette has it.
        pairs: the parameters that count for this endpoint.

    Attributes:
        audience: node URL asked for, once ``resources`` has judged it.
        user: the ``SignIn`` behind it, once known.
    """

    user: Any

    def __init__(self, request: Request, pairs: Pairs) -> None:
        super().__init__(request.method, str(request.url), headers=request.headers)
        self.payload = Parameters(pairs)
        self.audience: str | None = None

    @property
    @override
    def args(self) -> dict[str, str]:
        data: dict[str, str] = self.payload.data
        return data

    @property
    @override
    def form(self) -> dict[str, str]:
        data: dict[str, str] = self.payload.data
        return data


def query_of(request: Request) -> Pairs:
    """Return the query's parameters in order."""
    return request.query_params.multi_items()


async def form_of(request: Request) -> Pairs:
    """Return the body's parameters in order.

    Raises:
        InvalidRequestError: another media type, too large, or no form at all.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise InvalidRequestError(f"Send the parameters as {_FORM}.")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise InvalidRequestError("The body is too large.")
    try:
        text = body.decode("utf-8")
        return parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise InvalidRequestError("The body is no form.") from None
