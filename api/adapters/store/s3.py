"""The exhibit store in an S3-compatible service, for nodes with several processes or machines.

Owns the layout of one bucket prefix and the order of requests; the promises are those of
``api.ports.store``. Must not hand out links to the service: every read goes through the node, which
authorises and records it. Credentials, encryption at rest, versioning and object lock are the
bucket's own settings.

Layout below the prefix::

    objects/<hex>                     whole objects
    partial/<hex>/<offset, 20 digits> ranges of unfinished transfers
    quarantine/<hex>.<etag>           damaged objects kept for those who investigate

A crash at any point leaves nothing visible that is not whole: a small object arrives in one
request, a large one as a multipart upload that is completed only after the digest of everything
sent has matched. Uploads that nobody finished are aborted at a later start, once the service's own
clock says that they are a day old.

The service is not believed: every write is followed by a read of the checksum it stored or, where
it keeps none, of the bytes themselves. An ETag is never taken for a hash.
"""

import contextlib
import hashlib
from collections.abc import Iterator
from typing import Any

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from api.adapters.store.intake import (
    DEFAULT_LIMIT,
    Intake,
    check_bounds,
    check_limit,
    hex_name,
)
from api.adapters.store.s3_requests import (
    BodyStream,
    absent,
    exhibit_unknown,
    precondition_failed,
    service,
    total_of,
)
from api.adapters.store.s3_uploads import Sent, Uploads
from api.domain.errors import ComityError, Conflict, Invalid, NotFound, Unavailable
from api.ports.store import ByteStream, Progress, Stored
from api.wire.digests import is_digest


class S3Store:
    """Implements ``api.ports.store.ExhibitStore`` on an S3-compatible service.

    Args:
        client: a boto3 S3 client (``s3_requests.connect``).
        bucket: an existing bucket.
        prefix: put before every key; empty, or ending in ``/``.
        limit: largest exhibit in bytes.

    Raises:
        Unavailable: ``store.unavailable``.
    """

    def __init__(
        self, client: Any, bucket: str, prefix: str = "", *, limit: int = DEFAULT_LIMIT
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = prefix
        self._limit = limit
        self._uploads = Uploads(client, limit)
        self._uploads.abort_abandoned(bucket, prefix)

    def _object(self, name: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": f"{self._prefix}objects/{name}"}

    def put(self, digest: str, size: int | None, chunks: Iterator[bytes]) -> Stored:
        """See ``ExhibitStore.put``.

        The condition on the closing request means that an object, once there, is never written
        again; a held copy that proves damaged is moved aside and ``store.damaged`` asks the caller
        to send once more.
        """
        name = hex_name(digest)
        intake = Intake(digest, size, self._limit)
        sent = self._uploads.send(self._object(name), intake, chunks)
        self._confirm(sent)
        return sent.stored

    def _confirm(self, sent: Sent) -> None:
        """Read back what the service says it has; reported success alone proves nothing."""
        digest = sent.stored.digest
        with service():
            try:
                held = self._client.head_object(
                    **self._object(hex_name(digest)), ChecksumMode="ENABLED"
                )
            except ClientError as error:
                if not absent(error):
                    raise
                raise Unavailable(
                    "store.unavailable",
                    "The exhibit store does not hold what it was sent; try again later.",
                ) from error
        known = held.get("ChecksumSHA256") in sent.checksums
        if held["ContentLength"] == sent.stored.size and (known or self.verify(digest)):
            return
        self.quarantine(digest)
        raise Unavailable(
            "store.damaged",
            "The exhibit store held other bytes under this digest; they were set aside, send again."
            if sent.existed
            else "The exhibit store did not keep the bytes it was sent; try again later.",
        )

    def head(self, digest: str) -> Stored | None:
        """See ``ExhibitStore.head``."""
        with service():
            try:
                held = self._client.head_object(**self._object(hex_name(digest)))
            except ClientError as error:
                if absent(error):
                    return None
                raise
        return Stored(digest, int(held["ContentLength"]))

    def read(self, digest: str, start: int, end: int) -> ByteStream:
        """See ``ExhibitStore.read``."""
        name = hex_name(digest)
        if not 0 <= start < end:
            held = self.head(digest)
            if held is None:
                raise exhibit_unknown()
            check_bounds(start, end, held.size)
            return BodyStream(None, 0)
        with service():
            answer = self._client.get_object(**self._object(name), Range=f"bytes={start}-{end - 1}")
        body = BodyStream(answer["Body"], end - start)
        try:
            check_bounds(start, end, total_of(answer))
        except BaseException:
            body.close()
            raise
        return body

    def verify(self, digest: str) -> bool:
        """See ``ExhibitStore.verify``."""
        name = hex_name(digest)
        with service():
            answer = self._client.get_object(**self._object(name))
        total = hashlib.sha256()
        with contextlib.closing(BodyStream(answer["Body"], answer["ContentLength"])) as body:
            for chunk in body:
                total.update(chunk)
        return total.hexdigest() == name

    def partial(self, digest: str) -> int:
        """See ``ExhibitStore.partial``."""
        return sum(size for _, size in self._ranges(hex_name(digest)))

    def _ranges(self, name: str) -> list[tuple[str, int]]:
        """List (key, length) of the ranges held from offset 0 without a gap."""
        prefix = f"{self._prefix}partial/{name}/"
        held = 0
        ranges: list[tuple[str, int]] = []
        for item in self._walk(prefix):
            if item["Key"] == f"{prefix}{held:020d}":
                ranges.append((item["Key"], item["Size"]))
                held += item["Size"]
        return ranges

    def append_range(self, digest: str, size: int, offset: int, data: bytes) -> Progress:
        """See ``ExhibitStore.append_range``; each range is an object of its own until the end."""
        name = hex_name(digest)
        check_limit(size, self._limit)
        check_bounds(offset, offset + len(data), size)
        whole = self.head(digest)
        if whole is not None and whole.size == size:
            return Progress(size, whole)
        held = self.partial(digest)
        if offset > held:
            raise Conflict(
                "exhibit.range-gap",
                "Bytes before this range are missing; go on from the offset that is held.",
                held=held,
            )
        fresh = data[held - offset :]
        if fresh:
            # The first writer of an offset stands; what a second one brought is dropped unseen.
            with service(), precondition_failed():
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=f"{self._prefix}partial/{name}/{held:020d}",
                    Body=fresh,
                    ContentLength=len(fresh),
                    IfNoneMatch="*",
                )
        return self._finish(digest, size)

    def _finish(self, digest: str, size: int) -> Progress:
        name = hex_name(digest)
        ranges = self._ranges(name)
        held = sum(length for _, length in ranges)
        if held < size:
            return Progress(held, None)
        try:
            stored = self.put(digest, size, self._bytes_of(ranges))
        except Invalid:
            self._discard(f"{self._prefix}partial/{name}/")
            raise
        except NotFound:
            # Another process finished first and removed the ranges; then the object is there.
            other = self.head(digest)
            if other is None:
                raise
            return Progress(size, other)
        # The object is stored; ranges that cannot be removed now only cost room, and the bucket's
        # lifecycle rule ends them.
        with contextlib.suppress(ComityError):
            self._discard(f"{self._prefix}partial/{name}/")
        return Progress(size, stored)

    def _bytes_of(self, ranges: list[tuple[str, int]]) -> Iterator[bytes]:
        for key, length in ranges:
            with service():
                answer = self._client.get_object(Bucket=self._bucket, Key=key)
            with contextlib.closing(BodyStream(answer["Body"], length)) as body:
                yield from body

    def quarantine(self, digest: str) -> None:
        """See ``ExhibitStore.quarantine``."""
        source = self._object(hex_name(digest))
        with service():
            try:
                label = self._client.head_object(**source)["ETag"].strip('"')
            except ClientError as error:
                if absent(error):
                    return
                raise
            self._client.copy(
                source,
                self._bucket,
                f"{self._prefix}quarantine/{hex_name(digest)}.{label}",
                Config=TransferConfig(use_threads=False),
            )
            self._client.delete_object(**source)

    def delete(self, digest: str) -> None:
        """See ``ExhibitStore.delete``; in a versioned bucket every version goes."""
        name = hex_name(digest)
        for place in (f"objects/{name}", f"partial/{name}/", f"quarantine/{name}."):
            self._discard(f"{self._prefix}{place}")

    def _discard(self, prefix: str) -> None:
        pages = self._client.get_paginator("list_object_versions")
        with service():
            for page in pages.paginate(Bucket=self._bucket, Prefix=prefix):
                for item in [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]:
                    self._client.delete_object(
                        Bucket=self._bucket, Key=item["Key"], VersionId=item["VersionId"]
                    )

    def list(self) -> Iterator[Stored]:
        """See ``ExhibitStore.list``; one page of at most 1,000 names is in memory at a time."""
        prefix = f"{self._prefix}objects/"
        for item in self._walk(prefix):
            digest = "sha256:" + item["Key"].removeprefix(prefix)
            if is_digest(digest):
                yield Stored(digest, item["Size"])

    def _walk(self, prefix: str) -> Iterator[dict[str, Any]]:
        pages = self._client.get_paginator("list_objects_v2")
        with service():
            for page in pages.paginate(Bucket=self._bucket, Prefix=prefix):
                yield from page.get("Contents", ())

    def probe(self) -> None:
        """See ``ExhibitStore.probe``; begins an upload and abandons it, so no object is left."""
        self._uploads.probe({"Bucket": self._bucket, "Key": f"{self._prefix}probe"})
