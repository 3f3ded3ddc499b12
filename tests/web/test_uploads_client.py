"""The protocol's own client (tuspy) uploads, breaks off and goes on; tampered bytes are refused to it as to others."""

import hashlib
from collections.abc import Iterator
from io import BytesIO

import pytest
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError

from tests.support.running_node import RunningNode, running_nodes

DATA = bytes(range(256)) * 2000


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    with running_nodes(tmp_path_factory.mktemp("nodes"), "us-treasury") as nodes:
        yield nodes["us-treasury"]


def client_of(node: RunningNode) -> TusClient:
    headers = {"authorization": f"Bearer {node.token('analyst')}"}
    return TusClient(f"{node.url}/api/v1/uploads", headers=headers)


def named(data: bytes) -> dict[str, str]:
    return {"digest": f"sha256:{hashlib.sha256(data).hexdigest()}"}


def test_a_client_goes_on_after_a_break(node: RunningNode) -> None:
    file = BytesIO(DATA)
    first = client_of(node).uploader(file_stream=file, chunk_size=100_000, metadata=named(DATA))
    first.upload_chunk()
    first.upload_chunk()
    again = client_of(node).uploader(file_stream=file, chunk_size=100_000, url=first.url)
    assert again.offset == 200_000
    again.upload()
    with node.client("analyst") as web:
        assert web.get(f"/api/v1/exhibits/{named(DATA)['digest']}").content == DATA


def test_a_client_cannot_store_other_bytes(node: RunningNode) -> None:
    tampered = DATA[:-1] + b"x"
    upload = client_of(node).uploader(
        file_stream=BytesIO(tampered), chunk_size=len(tampered), metadata=named(DATA + b"other")
    )
    with pytest.raises(TusCommunicationError):
        upload.upload()
