"""The S3 store against a service that is slow to tell the truth."""

import base64
import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from api.adapters.store.opening import open_store
from api.adapters.store.s3 import S3Store
from api.adapters.store.s3_uploads import PART, composite
from api.domain.errors import Full, Invalid, NotFound, Unavailable
from api.ports.store import Stored
from tests.support.exhibit_stores import BUCKET, name_of, pieces, refused, s3_service, slurp

DATA = os.urandom(5000)
NAME = name_of(DATA)
WHOLE = Stored(NAME, len(DATA))
KEY = NAME.removeprefix("sha256:")

LARGE = os.urandom(1 << 20) * 17 + b"end"
LARGE_NAME = name_of(LARGE)


@pytest.fixture(scope="module")
def service() -> Iterator[Any]:
    with s3_service() as client:
        yield client


@pytest.fixture
def prefix() -> str:
    return f"{secrets.token_hex(8)}/"


def keys(client: Any, prefix: str) -> list[str]:
    page = client.list_objects_v2(Bucket=BUCKET, Prefix=prefix)
    return [item["Key"].removeprefix(prefix) for item in page.get("Contents", ())]


def uploads(client: Any, prefix: str) -> list[str]:
    page = client.list_multipart_uploads(Bucket=BUCKET, Prefix=prefix)
    return [item["Key"] for item in page.get("Uploads", ())]


def client_error(code: str, status: int) -> ClientError:
    return ClientError(
        {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Operation"
    )


class Faulty:
    """A client whose named operations are replaced; everything else reaches the service."""

    def __init__(self, client: Any, **replaced: Callable[..., Any]) -> None:
        self._client = client
        self._replaced = replaced

    def __getattr__(self, name: str) -> Any:
        return self._replaced.get(name, getattr(self._client, name))


def raising(error: Exception) -> Callable[..., Any]:
    def operation(**_: Any) -> Any:
        raise error

    return operation


def after(real: Callable[..., Any], error: Exception) -> Callable[..., Any]:
    """Failed for the caller, yet done."""

    def operation(**arguments: Any) -> Any:
        real(**arguments)
        raise error

    return operation


def pretending(**_: Any) -> dict[str, Any]:
    """Reported as done, yet not done."""
    return {"ETag": '"0"', "UploadId": "none"}


# --- large objects -------------------------------------------------------------------------------


def test_large_object_travels_in_parts(service: Any, prefix: str) -> None:
    parts: list[int] = []
    visible: list[str] = []

    def upload_part(**arguments: Any) -> Any:
        parts.append(len(arguments["Body"]))
        visible.extend(keys(service, prefix))
        return service.upload_part(**arguments)

    store = S3Store(Faulty(service, upload_part=upload_part), BUCKET, prefix)
    assert store.put(LARGE_NAME, None, pieces(LARGE, 300_000)) == Stored(LARGE_NAME, len(LARGE))
    assert parts == [PART, PART, len(LARGE) - 2 * PART]
    assert visible == []
    assert slurp(store.read(LARGE_NAME, PART - 5, PART + 5)) == LARGE[PART - 5 : PART + 5]
    assert store.verify(LARGE_NAME)
    assert store.put(LARGE_NAME, len(LARGE), pieces(LARGE, 1 << 20)).size == len(LARGE)
    assert uploads(service, prefix) == []


def test_large_object_with_wrong_digest_is_never_visible(service: Any, prefix: str) -> None:
    def complete(**_: Any) -> Any:
        pytest.fail("completed before the digest was checked")

    store = S3Store(Faulty(service, complete_multipart_upload=complete), BUCKET, prefix)
    with refused(Invalid, "exhibit.digest-mismatch"):
        store.put(NAME, None, pieces(LARGE, 1 << 20))
    assert keys(service, prefix) == []
    assert uploads(service, prefix) == []


def test_part_that_fails_aborts_the_upload(service: Any, prefix: str) -> None:
    broken = Faulty(service, upload_part=raising(client_error("InternalError", 500)))
    store = S3Store(broken, BUCKET, prefix)
    with pytest.raises(Unavailable, match="InternalError"):
        store.put(LARGE_NAME, None, pieces(LARGE, 1 << 20))
    assert uploads(service, prefix) == []


def test_completion_whose_answer_was_lost_and_was_repeated(service: Any, prefix: str) -> None:
    real = service.complete_multipart_upload
    lost = after(real, client_error("NoSuchUpload", 404))
    store = S3Store(Faulty(service, complete_multipart_upload=lost), BUCKET, prefix)
    assert store.put(LARGE_NAME, None, pieces(LARGE, 1 << 20)).size == len(LARGE)
    assert store.verify(LARGE_NAME)


def test_abandoned_uploads_are_aborted_at_start(service: Any, prefix: str) -> None:
    service.create_multipart_upload(Bucket=BUCKET, Key=f"{prefix}objects/{KEY}")
    assert uploads(service, prefix)
    S3Store(service, BUCKET, prefix)
    assert uploads(service, prefix) == []


def test_composite_checksum_is_the_hash_of_hashes() -> None:
    # The parts are b"a" and b"b".
    parts = [
        "ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs=",
        "PiPoFgA5WUoziU9lZOGxNIu9egCI1CxKy3PurtWcAJ0=",
    ]
    raw = hashlib.sha256(b"a").digest() + hashlib.sha256(b"b").digest()
    whole = base64.b64encode(hashlib.sha256(raw).digest()).decode()
    assert composite(parts) == {whole, f"{whole}-2"}


# --- a service that lies or fails ----------------------------------------------------------------


def test_success_reported_but_object_absent(service: Any, prefix: str) -> None:
    store = S3Store(Faulty(service, put_object=pretending), BUCKET, prefix)
    with refused(Unavailable, "store.unavailable"):
        store.put(NAME, None, pieces(DATA))


def test_success_reported_but_other_bytes_kept(service: Any, prefix: str) -> None:
    def corrupting(**arguments: Any) -> Any:
        arguments["Body"] = arguments["Body"][:-1] + b"?"
        for name in ("ChecksumSHA256", "ChecksumAlgorithm"):
            arguments.pop(name, None)
        return service.put_object(**arguments)

    store = S3Store(Faulty(service, put_object=corrupting), BUCKET, prefix)
    with refused(Unavailable, "store.damaged"):
        store.put(NAME, None, pieces(DATA))
    assert store.head(NAME) is None


def test_failed_but_stored(service: Any, prefix: str) -> None:
    lost = after(service.put_object, ConnectTimeoutError(endpoint_url="x"))
    with pytest.raises(Unavailable):
        S3Store(Faulty(service, put_object=lost), BUCKET, prefix).put(NAME, None, pieces(DATA))
    assert S3Store(service, BUCKET, prefix).put(NAME, None, pieces(DATA)) == WHOLE


def test_failed_and_not_stored(service: Any, prefix: str) -> None:
    store = S3Store(Faulty(service, put_object=raising(client_error("503", 503))), BUCKET, prefix)
    with pytest.raises(Unavailable, match="503"):
        store.put(NAME, None, pieces(DATA))
    assert store.head(NAME) is None


def test_held_copy_that_is_damaged_is_set_aside_and_mended(service: Any, prefix: str) -> None:
    service.put_object(Bucket=BUCKET, Key=f"{prefix}objects/{KEY}", Body=b"rotten")
    store = S3Store(service, BUCKET, prefix)
    assert not store.verify(NAME)
    with refused(Unavailable, "store.damaged"):
        store.put(NAME, None, pieces(DATA))
    assert keys(service, f"{prefix}quarantine/")
    assert store.put(NAME, None, pieces(DATA)) == WHOLE
    assert store.verify(NAME)


def test_objects_are_not_written_twice(service: Any, prefix: str) -> None:
    answers: list[object] = []

    def put_object(**arguments: Any) -> Any:
        try:
            answers.append(service.put_object(**arguments))
        except ClientError as error:
            answers.append(error.response["Error"]["Code"])
            raise

    store = S3Store(Faulty(service, put_object=put_object), BUCKET, prefix)
    for _ in range(2):
        store.put(NAME, None, pieces(DATA))
    assert answers[1:] == ["PreconditionFailed"]


@pytest.mark.parametrize("code", ["QuotaExceeded", "InsufficientStorage", "XMinioStorageFull"])
def test_full_service(service: Any, prefix: str, code: str) -> None:
    full = raising(client_error(code, 507))
    broken = Faulty(service, put_object=full, create_multipart_upload=full)
    store = S3Store(broken, BUCKET, prefix)
    for act in (
        lambda: store.put(NAME, None, pieces(DATA)),
        lambda: store.append_range(NAME, len(DATA), 0, DATA),
        store.probe,
    ):
        with refused(Full, "store.full"):
            act()


def test_service_that_ignores_ranges_is_refused(service: Any, prefix: str) -> None:
    def whole(**arguments: Any) -> Any:
        arguments.pop("Range", None)
        return service.get_object(**arguments)

    store = S3Store(Faulty(service, get_object=whole), BUCKET, prefix)
    store.put(NAME, None, pieces(DATA))
    with pytest.raises(Unavailable, match="NoContentRange"):
        store.read(NAME, 1, 10)


def test_body_that_ends_early(service: Any, prefix: str) -> None:
    class Short:
        def __init__(self, body: Any) -> None:
            self._body = body
            self._given = False

        def read(self, size: int) -> bytes:
            given, self._given = self._given, True
            return b"" if given else self._body.read(min(size, 10))

        def close(self) -> None:
            self._body.close()

    def get_object(**arguments: Any) -> Any:
        answer = service.get_object(**arguments)
        return {**answer, "Body": Short(answer["Body"])}

    store = S3Store(Faulty(service, get_object=get_object), BUCKET, prefix)
    store.put(NAME, None, pieces(DATA))
    with refused(Unavailable, "store.damaged"):
        slurp(store.read(NAME, 0, 100))


def test_unknown_bucket_stops_the_start(service: Any) -> None:
    with pytest.raises(Unavailable, match="NoSuchBucket"):
        S3Store(service, "no-such-bucket")


def test_secrets_of_the_service_do_not_reach_the_message(service: Any, prefix: str) -> None:
    broken = raising(client_error("<b>token=abc</b>", 500))
    with pytest.raises(Unavailable) as caught:
        S3Store(Faulty(service, put_object=broken), BUCKET, prefix).put(NAME, None, pieces(DATA))
    assert "token" not in str(caught.value)


# --- transfers -----------------------------------------------------------------------------------


def test_stale_list_never_completes_a_wrong_object(service: Any, prefix: str) -> None:
    class Stale:
        def paginate(self, **_: Any) -> list[dict[str, Any]]:
            return [{}]

    def get_paginator(name: str) -> Any:
        return Stale() if name == "list_objects_v2" else service.get_paginator(name)

    S3Store(service, BUCKET, prefix).append_range(NAME, len(DATA), 0, DATA[:3000])
    stale = S3Store(Faulty(service, get_paginator=get_paginator), BUCKET, prefix)
    assert stale.append_range(NAME, len(DATA), 0, DATA[:2000]).held == 0
    store = S3Store(service, BUCKET, prefix)
    assert store.partial(NAME) == 3000
    assert store.append_range(NAME, len(DATA), 3000, DATA[3000:]).stored == WHOLE
    assert keys(service, f"{prefix}partial/") == []


def test_ranges_removed_by_another_process_that_finished_first(service: Any, prefix: str) -> None:
    other = S3Store(service, BUCKET, prefix)

    def get_object(**arguments: Any) -> Any:
        if "/partial/" in arguments["Key"]:
            other.append_range(NAME, len(DATA), 0, b"")
        return service.get_object(**arguments)

    other.append_range(NAME, len(DATA), 0, DATA[:3000])
    store = S3Store(Faulty(service, get_object=get_object), BUCKET, prefix)
    assert store.append_range(NAME, len(DATA), 3000, DATA[3000:]).stored == WHOLE
    assert store.verify(NAME)


def test_ranges_that_vanish_without_an_object_are_an_error(service: Any, prefix: str) -> None:
    def get_object(**arguments: Any) -> Any:
        service.delete_object(Bucket=BUCKET, Key=arguments["Key"])
        return service.get_object(**arguments)

    store = S3Store(Faulty(service, get_object=get_object), BUCKET, prefix)
    with pytest.raises(NotFound):
        store.append_range(NAME, len(DATA), 0, DATA)


# --- erasure -------------------------------------------------------------------------------------


def test_delete_takes_every_version(service: Any) -> None:
    bucket = f"versioned-{secrets.token_hex(4)}"
    service.create_bucket(Bucket=bucket)
    service.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    store = S3Store(service, bucket)
    store.put(NAME, None, pieces(DATA))
    store.quarantine(NAME)
    store.put(NAME, None, pieces(DATA))
    store.delete(NAME)
    left = service.list_object_versions(Bucket=bucket)
    assert left.get("Versions", []) == []
    assert left.get("DeleteMarkers", []) == []


def test_retention_lock_that_forbids_erasure_is_reported(service: Any, prefix: str) -> None:
    S3Store(service, BUCKET, prefix).put(NAME, None, pieces(DATA))
    locked = Faulty(service, delete_object=raising(client_error("AccessDenied", 403)))
    with pytest.raises(Unavailable, match="AccessDenied"):
        S3Store(locked, BUCKET, prefix).delete(NAME)


# --- opening -------------------------------------------------------------------------------------


def test_setting_names_a_bucket(service: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    store = open_store(
        f"s3://{BUCKET}/from/setting/",
        s3_endpoint=service.meta.endpoint_url,
        s3_region="us-east-1",
    )
    assert store.put(NAME, None, pieces(DATA)) == WHOLE
    assert keys(service, "from/setting/") == [f"objects/{KEY}"]


def test_service_that_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    with pytest.raises(Unavailable, match="EndpointConnectionError"):
        open_store("s3://bucket", s3_endpoint="http://127.0.0.1:9", s3_region="us-east-1")
