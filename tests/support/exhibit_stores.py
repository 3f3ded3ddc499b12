"""Exhibit stores for tests: a folder, and S3 through moto's server on loopback."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.config import Config
from moto.server import ThreadedMotoServer

from api.domain.errors import ComityError

BUCKET = "exhibits"


def name_of(data: bytes) -> str:
    """Return the digest under which a store keeps ``data``."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def pieces(data: bytes, length: int = 1000) -> Iterator[bytes]:
    """Cut ``data`` into chunks of ``length`` bytes."""
    for start in range(0, len(data), length):
        yield data[start : start + length]


def slurp(stream: Iterator[bytes]) -> bytes:
    """Read a stream to its end."""
    return b"".join(stream)


@contextmanager
def refused(kind: type[ComityError], code: str) -> Iterator[pytest.ExceptionInfo[ComityError]]:
    """Want exactly this refusal, with a sentence."""
    with pytest.raises(kind) as caught:
        yield caught
    assert caught.value.code == code
    assert caught.value.message.endswith(".")


@contextmanager
def s3_service() -> Iterator[Any]:
    """Run a service with one empty bucket; yields a client."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    client = boto3.session.Session().client(
        "s3",
        endpoint_url=f"http://{host}:{port}",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        region_name="us-east-1",
        config=Config(
            s3={"addressing_style": "path"},
            # The server's own threads now and then trip over each other and answer 500.
            retries={"mode": "standard", "total_max_attempts": 4},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
    client.create_bucket(Bucket=BUCKET)
    try:
        yield client
    finally:
        client.close()
        server.stop()
