"""Reads request bodies strictly and within limits.

Owns the way from bytes to a checked model: the strict decoder of ``wire`` first, the pydantic model
second, so that no door accepts duplicate members, NaN or oversize input. While a body arrives, no
more than a small part of it is in memory (``web.intake``), and what is large is decoded in a
thread.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from os import SEEK_END
from typing import Any, Final, TypeVar

import anyio.to_thread
from fastapi import Request
from pydantic import BaseModel, ValidationError

from api.domain import nul
from api.domain.errors import Invalid, TooLarge
from api.web.deps import Doors
from api.web.intake import LARGE
from api.web.use_case_threads import run
from api.wire import canonical
from api.wire.limits import PAYLOAD

M = TypeVar("M", bound=BaseModel)
_IN_MEMORY: Final = 64 * 1024
_LENGTH = re.compile("[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class FirstLook:
    """What is asked of a large body before it is read.

    Attributes:
        tail: bytes at its end that are shown.
        judge: raises a refusal, or returns.
    """

    tail: int
    judge: Callable[[bytes], object]


async def raw_body(request: Request, limit: int, *, first_look: FirstLook | None = None) -> bytes:
    """Return the whole body.

    Args:
        request: whose body it is.
        limit: most bytes.
        first_look: how many bytes at the end of a large body are shown, and to whom, before the
            whole is read into memory; a refusal is raised there.

    Raises:
        TooLarge: ``body.too-large``, as soon as the limit is crossed.
        TooMany: ``body.too-many``.
        Unavailable: ``body.too-slow``, ``body.busy``, ``node.stopping``.
    """
    doors: Doors = request.app.state.doors
    intake, size = doors.intake, 0
    if stated_length(request) > limit:
        raise too_large(limit)
    with doors.spool.small(_IN_MEMORY) as spooled:
        with intake.body(request, intake.allowance.document) as body:
            while piece := await body.next():
                size += len(piece)
                if size > limit:
                    raise too_large(limit)
                # A few pages into the kernel's cache: shorter than handing them to a thread.
                spooled.write(piece)
        if size > LARGE:
            if first_look is not None:
                spooled.seek(-min(size, first_look.tail), SEEK_END)
                await run(first_look.judge, spooled.read())
            await intake.take_turn(request)
        spooled.seek(0)
        return await run(spooled.read) if size > LARGE else spooled.read()


def stated_length(request: Request) -> int:
    """Return what the caller says the body's length is; 0 where it does not say."""
    stated = request.headers.get("content-length", "")
    return int(stated) if _LENGTH.fullmatch(stated) else 0


def too_large(limit: int) -> TooLarge:
    """Return the refusal of a body above a limit."""
    return TooLarge("body.too-large", f"Send at most {limit} bytes.")


async def json_bytes(request: Request, *, limit: int = PAYLOAD) -> bytes:
    """Return the bytes of a body that says it is JSON; reads nothing out of them.

    Raises:
        TooLarge: ``body.too-large``.
        Invalid: ``media.unsupported``.
    """
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media and not (media == "application/json" or media.endswith("+json")):
        raise Invalid("media.unsupported", "Send application/json.")
    return await raw_body(request, limit)


def json_object(data: bytes, *, limit: int = PAYLOAD) -> dict[str, Any]:
    """Return the object that a body's bytes are.

    Raises:
        WireError: ``json.*``.
        Invalid: ``body.not-object``.
    """
    value = canonical.parse(data, limit=limit)
    if not isinstance(value, dict):
        raise Invalid("body.not-object", "Send a JSON object.")
    return value


async def json_body(request: Request, *, limit: int = PAYLOAD) -> tuple[bytes, dict[str, Any]]:
    """Return the bytes and the decoded object of a JSON body.

    Raises:
        TooLarge: ``body.too-large``.
        WireError: ``json.*``.
        Invalid: ``body.not-object``, ``media.unsupported``.
    """
    data = await json_bytes(request, limit=limit)
    if len(data) <= _IN_MEMORY:
        return data, json_object(data, limit=limit)
    decode = partial(json_object, data, limit=limit)
    return data, await anyio.to_thread.run_sync(decode)


async def model_body(request: Request, model: type[M], *, limit: int = PAYLOAD) -> M:
    """Return the body as a checked model.

    Raises:
        Invalid: ``body.invalid``; ``details["errors"]`` has JSON pointers, never values;
            ``text.nul``.
    """
    _, value = await json_body(request, limit=limit)
    return checked(model, value)


def checked(model: type[M], value: Any) -> M:
    """Check a decoded value against a model.

    Raises:
        Invalid: ``body.invalid``, ``text.nul``.
    """
    try:
        made = model.model_validate(value)
    except ValidationError as error:
        faults = [
            {"pointer": "/" + "/".join(str(part) for part in fault["loc"]), "fault": fault["type"]}
            for fault in error.errors(include_url=False, include_input=False, include_context=False)
        ]
        raise Invalid(
            "body.invalid", "Some members are missing, unknown or of the wrong kind.", errors=faults
        ) from None
    # The body of a statement is judged by the forms of its own texts, which say where it is wrong.
    if nul.stands_in([part for name, part in dict(value).items() if name != "body"]):
        raise nul.refusal()
    return made
