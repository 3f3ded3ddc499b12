"""The last signed head as one object of an S3-compatible store, for nodes on several machines.

Implements ``ports/head_memory.py`` with conditional writes: ``If-None-Match: *`` for the first,
``If-Match`` with the entity tag that was read for every other. A service that does not know them
would let two writers pass; :meth:`ObjectMemory.prove` finds that out at start.
"""

import contextlib
from collections.abc import Iterator
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from api.adapters.store.s3_requests import absent, precondition_failed
from api.domain.errors import Unavailable
from api.ports.head_memory import Remembered

_NAME: Final = "head-memory/last-signed"
_PROBE: Final = "head-memory/probe"


class ObjectMemory:
    """Keeps the head in one object; see the port.

    Args:
        client: a boto3 S3 client (``adapters.store.s3_requests.connect``).
        bucket: an existing bucket.
        prefix: put before every key; empty, or ending in ``/``.
    """

    def __init__(self, client: Any, bucket: str, prefix: str = "") -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix

    def read(self) -> Remembered | None:
        """See the port."""
        found = self._get(_NAME)
        return None if found is None else Remembered.from_bytes(found[0])

    def replace(self, expected: Remembered | None, new: Remembered) -> bool:
        """See the port."""
        found = self._get(_NAME)
        held = None if found is None else Remembered.from_bytes(found[0])
        if held != expected:
            return False
        if self._put(_NAME, new.to_bytes(), None if found is None else found[1]):
            return True
        # The client repeats a request whose answer was lost: the refusal may be of its own write.
        again = self._get(_NAME)
        return again is not None and Remembered.from_bytes(again[0]) == new

    def prove(self) -> None:
        """See the port: a second first write and a write over a stale tag must both be refused."""
        found = self._get(_PROBE)
        if found is None and self._put(_PROBE, b"1", None):
            found = self._get(_PROBE)
        if found is None or self._put(_PROBE, b"2", None):
            raise _unfit()
        fresh = b"1" if found[0] == b"2" else b"2"
        if not self._put(_PROBE, fresh, found[1]) or self._put(_PROBE, found[0], found[1]):
            raise _unfit()

    def _get(self, name: str) -> tuple[bytes, str] | None:
        with _service():
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)
            except ClientError as error:
                if absent(error):
                    return None
                raise
            return answer["Body"].read(), str(answer["ETag"])

    def _put(self, name: str, body: bytes, tag: str | None) -> bool:
        condition = {"IfNoneMatch": "*"} if tag is None else {"IfMatch": tag}
        key = {"Bucket": self._bucket, "Key": self._prefix + name}
        with _service(), precondition_failed() as refused:
            self._client.put_object(**key, Body=body, **condition)
        return not refused.happened


def _unfit() -> Unavailable:
    return Unavailable(
        "memory.unfit",
        "The object store does not refuse a second writer (conditional writes with If-Match); "
        "use one that does.",
    )


@contextlib.contextmanager
def _service() -> Iterator[None]:
    try:
        yield
    except (ClientError, BotoCoreError, OSError) as error:
        raise Unavailable(
            "memory.unreachable",
            "The last signed head cannot be read or written outside the database; "
            "nothing is signed until it can.",
        ) from error
