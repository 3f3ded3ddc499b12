"""The precondition of a change: the entity tag of what was read.

Owns ``If-Match`` (RFC 9110 section 13.1.1). A route that takes a ``tag: IfMatch`` has the header
checked, and ``routing`` writes it into the OpenAPI document.
"""

import re
from typing import Annotated, Final

from fastapi import Depends, Request

from api.domain.errors import Invalid, Stale

DECIDES: Final = re.compile("/(approve|confirm)$")
"""Paths of a second officer's decisions; ``If-Match`` may name the digest that was read."""

_DIGEST: Final = re.compile('"(sha256:[0-9a-f]{64})"')
_TAG: Final = re.compile(r'"[\x21\x23-\x7e]{1,200}"')


def digest_read(request: Request) -> str:
    """Return the digest that a second officer says to have read; empty if none is named.

    ``If-Match`` may name an entity tag as well: of a decision it says nothing.
    """
    named = _DIGEST.fullmatch(request.headers.get("if-match", "").strip())
    return named[1] if named and DECIDES.search(request.url.path) else ""


async def if_match(request: Request) -> str:
    """Return the entity tag a change is based on.

    Raises:
        Invalid: ``precondition.missing``, also for ``*`` and for lists: they say nothing about
            what was read.
        Stale: ``precondition.failed``: a weak tag, which never fits (RFC 9110 section 13.1.1).
    """
    value = request.headers.get("if-match", "").strip()
    if value.startswith("W/"):
        raise Stale("precondition.failed", "Send the ETag as you read it: strong, in its quotes.")
    if not _TAG.fullmatch(value):
        raise Invalid("precondition.missing", "Send If-Match with the one ETag you read.")
    return value[1:-1]


IfMatch = Annotated[str, Depends(if_match)]
"""The tag that a change of something read before is based on."""
