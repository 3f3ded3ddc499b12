"""Uploads to an S3-compatible service that become visible whole or not at all.

Owns parts, their checksums and the clean-up of uploads nobody finished. Must not know what a key
means.
"""

import base64
import contextlib
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from api.adapters.store.intake import Intake
from api.adapters.store.s3_requests import precondition_failed, service
from api.domain.errors import ComityError
from api.ports.store import Stored

PART: Final = 8 << 20
"""Bytes sent in one request (8 MiB); the service's minimum for a part is 5 MiB."""

_MOST_PARTS: Final = 10_000
_ABANDONED: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Piece:
    """One part of an upload, counted from 1."""

    number: int
    data: bytes

    @property
    def checksum(self) -> str:
        """SHA-256 of the part as the service writes it (base64)."""
        return base64.b64encode(hashlib.sha256(self.data).digest()).decode("ascii")


@dataclass(frozen=True, slots=True)
class Sent:
    """An upload as the service acknowledged it, not yet confirmed.

    Attributes:
        stored: digest and size of what was sent.
        checksums: the forms in which the service may report the object's checksum.
        existed: the key was there before; nothing was written.
    """

    stored: Stored
    checksums: frozenset[str]
    existed: bool


def composite(checksums: list[str]) -> frozenset[str]:
    """Return the forms in which services report the checksum of a multipart object.

    It is the SHA-256 of the parts' SHA-256 values; some append the number of parts.

    Args:
        checksums: base64 SHA-256 of each part, in order.
    """
    joined = b"".join(base64.b64decode(checksum) for checksum in checksums)
    whole = base64.b64encode(hashlib.sha256(joined).digest()).decode("ascii")
    return frozenset({whole, f"{whole}-{len(checksums)}"})


class Uploads:
    """Sends objects; memory holds two parts at most.

    Args:
        client: a boto3 S3 client.
        limit: largest object in bytes.
    """

    def __init__(self, client: Any, limit: int) -> None:
        self._client = client
        # The same bytes always travel in the same parts, so their composite checksum is comparable.
        self._part = max(PART, -(-limit // _MOST_PARTS))

    def send(self, target: dict[str, str], intake: Intake, chunks: Iterator[bytes]) -> Sent:
        """Send ``chunks`` to ``target``, which stays invisible until ``intake`` has settled.

        Args:
            target: ``Bucket`` and ``Key``.
            intake: counts and hashes what passes.
            chunks: the bytes.

        Raises:
            ComityError: as ``ExhibitStore.put``.
        """
        pieces = self._pieces(intake, chunks)
        first = next(pieces)
        second = next(pieces, None)
        if second is None:
            return self._send_whole(target, intake, first)
        return self._send_parts(target, intake, [first, second], pieces)

    def _pieces(self, intake: Intake, chunks: Iterator[bytes]) -> Iterator[Piece]:
        """Regroup chunks into parts of equal length; yields at least one, perhaps empty."""
        buffer = bytearray()
        number = 1
        for chunk in chunks:
            intake.take(chunk)
            buffer += chunk
            while len(buffer) > self._part:
                yield Piece(number, bytes(buffer[: self._part]))
                del buffer[: self._part]
                number += 1
        yield Piece(number, bytes(buffer))

    def _send_whole(self, target: dict[str, str], intake: Intake, piece: Piece) -> Sent:
        stored = intake.settle()
        with service(), precondition_failed() as refused:
            self._client.put_object(
                **target,
                Body=piece.data,
                ContentLength=len(piece.data),
                ChecksumAlgorithm="SHA256",
                ChecksumSHA256=piece.checksum,
                IfNoneMatch="*",
            )
        return Sent(stored, frozenset({piece.checksum}), refused.happened)

    def _send_parts(
        self, target: dict[str, str], intake: Intake, begun: list[Piece], rest: Iterator[Piece]
    ) -> Sent:
        with service():
            begin = self._client.create_multipart_upload(**target, ChecksumAlgorithm="SHA256")
        upload = begin["UploadId"]
        parts: list[dict[str, Any]] = []
        try:
            while begun:
                parts.append(self._send_part(target, upload, begun.pop(0)))
            parts.extend(self._send_part(target, upload, piece) for piece in rest)
            stored = intake.settle()
            with service(), precondition_failed() as refused:
                self._client.complete_multipart_upload(
                    **target, UploadId=upload, MultipartUpload={"Parts": parts}, IfNoneMatch="*"
                )
        except BaseException:
            self._abort(target, upload)
            raise
        if refused.happened:
            self._abort(target, upload)
        checksums = composite([part["ChecksumSHA256"] for part in parts])
        return Sent(stored, checksums, refused.happened)

    def _send_part(self, target: dict[str, str], upload: str, piece: Piece) -> dict[str, Any]:
        with service():
            answer = self._client.upload_part(
                **target,
                UploadId=upload,
                PartNumber=piece.number,
                Body=piece.data,
                ContentLength=len(piece.data),
                ChecksumAlgorithm="SHA256",
                ChecksumSHA256=piece.checksum,
            )
        return {
            "PartNumber": piece.number,
            "ETag": answer["ETag"],
            "ChecksumSHA256": piece.checksum,
        }

    def _abort(self, target: dict[str, str], upload: str) -> None:
        # Best effort on the way out of a refusal; what stays is aborted at a later start.
        with contextlib.suppress(ComityError), service():
            self._client.abort_multipart_upload(**target, UploadId=upload)

    def abort_abandoned(self, bucket: str, prefix: str) -> None:
        """Abort uploads below ``prefix`` that the service's own clock says are a day old.

        Raises:
            Unavailable: ``store.unavailable``.
        """
        pages = self._client.get_paginator("list_multipart_uploads")
        with service():
            for page in pages.paginate(Bucket=bucket, Prefix=prefix):
                now = parsedate_to_datetime(page["ResponseMetadata"]["HTTPHeaders"]["date"])
                for upload in page.get("Uploads", ()):
                    if now - upload["Initiated"] > _ABANDONED:
                        self._abort({"Bucket": bucket, "Key": upload["Key"]}, upload["UploadId"])

    def probe(self, target: dict[str, str]) -> None:
        """Begin an upload and abort it: proves the right to write and leaves no object.

        Raises:
            Full: ``store.full``.
            Unavailable: ``store.unavailable``.
        """
        with service():
            begin = self._client.create_multipart_upload(**target)
            self._client.abort_multipart_upload(**target, UploadId=begin["UploadId"])
