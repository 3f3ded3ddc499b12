"""Requests to an S3-compatible service: the client, its errors and bodies.

Owns how the service's answers become the store's codes. Must not know the store's layout.
"""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Self

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, IncompleteReadError

from api.adapters.store.intake import CHUNK
from api.domain.errors import ComityError, Full, Invalid, NotFound, Unavailable

_ABSENT: Final = frozenset({"404", "NoSuchKey", "NotFound"})
_NO_ROOM: Final = frozenset(
    {"507", "InsufficientStorage", "QuotaExceeded", "EntityTooLargeForQuota", "XMinioStorageFull"}
)
# 409: another conditional write of the key is under way. NoSuchUpload: completing was repeated by
# the client after a lost answer. Either way the object's presence is looked at next.
_CONDITION: Final = frozenset(
    {"412", "PreconditionFailed", "409", "ConditionalRequestConflict", "NoSuchUpload"}
)
_CODE: Final = re.compile(r"[A-Za-z0-9.]{1,40}", re.ASCII)


def connect(endpoint: str, region: str) -> Any:
    """Make a client with bounded waiting; credentials come from the environment's usual places.

    Args:
        endpoint: address of an S3-compatible service; empty for the client's default.
        region: region of the service; empty for the client's default.
    """
    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint or None,
        region_name=region or None,
        config=Config(
            connect_timeout=5,
            read_timeout=60,
            retries={"mode": "standard", "total_max_attempts": 4},
            max_pool_connections=32,
            # Checksums are given explicitly (SHA-256): the client's own default is one that not
            # every compatible service understands.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            s3={"addressing_style": "path" if endpoint else "auto"},
        ),
    )


@contextlib.contextmanager
def service() -> Iterator[None]:
    """Turn the client's errors into the store's refusals.

    Raises:
        NotFound: ``exhibit.unknown``.
        Invalid: ``exhibit.range``.
        Full: ``store.full``.
        Unavailable: ``store.unavailable``, ``store.damaged``.
    """
    try:
        yield
    except ClientError as error:
        raise _refusal(error) from error
    except IncompleteReadError as error:
        raise damaged() from error
    except (BotoCoreError, OSError) as error:
        raise _unreachable(type(error).__name__) from error


def _refusal(error: ClientError) -> ComityError:
    code = _code(error)
    if absent(error):
        return exhibit_unknown()
    if code == "InvalidRange":
        return Invalid(
            "exhibit.range", "The range lies outside the exhibit; ask for its size first."
        )
    if code in _NO_ROOM:
        return Full(
            "store.full",
            "The exhibit store has no room left; the administrator has to free or add space.",
        )
    return _unreachable(code)


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _unreachable(reason: str) -> Unavailable:
    shown = reason if _CODE.fullmatch(reason) else "unknown"
    return Unavailable(
        "store.unavailable",
        f"The exhibit store did not answer as it should ({shown}); try again later.",
    )


def damaged() -> Unavailable:
    """Return the refusal of an object that ended before its size."""
    return Unavailable(
        "store.damaged",
        "The stored exhibit ended early; it has to be verified and fetched again.",
    )


def exhibit_unknown() -> NotFound:
    """Return the refusal for an object that is not held."""
    return NotFound("exhibit.unknown", "This node holds no exhibit under that digest.")


def absent(error: ClientError) -> bool:
    """Say whether the service answered that there is no such key."""
    return _code(error) in _ABSENT


@dataclass(slots=True)
class Condition:
    """Whether a conditional write met an object that was there before."""

    happened: bool = False


@contextlib.contextmanager
def precondition_failed() -> Iterator[Condition]:
    """Catch the answer to ``If-None-Match: *`` when the key exists; other errors pass."""
    condition = Condition()
    try:
        yield condition
    except ClientError as error:
        if _code(error) not in _CONDITION:
            raise
        condition.happened = True


def total_of(answer: dict[str, Any]) -> int:
    """Return the whole object's size from the answer to a range request.

    Raises:
        Unavailable: ``store.unavailable`` when the service ignored the range.
    """
    match = re.fullmatch(r"bytes \d+-\d+/(\d+)", answer.get("ContentRange", ""), re.ASCII)
    if match is None:
        raise _unreachable("NoContentRange")
    return int(match[1])


class BodyStream:
    """The body of an answer as chunks; implements ``api.ports.store.ByteStream``.

    Args:
        body: the client's streaming body; ``None`` for no bytes.
        length: bytes expected.
    """

    def __init__(self, body: Any, length: int) -> None:
        self._body = body
        self._left = length

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        if self._body is None or self._left == 0:
            self.close()
            raise StopIteration
        with service():
            chunk: bytes = self._body.read(min(CHUNK, self._left))
        if not chunk:
            self.close()
            raise damaged()
        self._left -= len(chunk)
        return chunk

    def close(self) -> None:
        """Release the connection; safe to call more than once."""
        if self._body is not None:
            self._body.close()
            self._body = None

    def __del__(self) -> None:
        self.close()
