"""schemathesis judges the application against its committed OpenAPI, as every role and as nobody.

Each documented operation gets generated requests, right and wrong ones, with identifiers made up and with
identifiers of objects that exist. No answer may be a server error, undocumented in its status or
media type, or another problem document than described. `COMITY_EXAMPLES` sets how many are made.
"""

import functools
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support import foreign
from tests.support.campaigns import long, short
from tests.support.check_log import check_everything
from tests.support.door import MINISTRY, Door
from tests.support.filled import fill

schemathesis = pytest.importorskip("schemathesis", reason="oracle absent: schemathesis")

from schemathesis.checks import not_a_server_error  # noqa: E402
from schemathesis.generation import GenerationMode  # noqa: E402
from schemathesis.specs.openapi.checks import (  # noqa: E402
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

# The bytes of a resumed upload (tus 1.0) are plain bytes under a name of their own.
schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")

pytestmark = foreign.needs("schemathesis")

OPENAPI = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = max(3, int(os.environ.get("COMITY_EXAMPLES", "60")) // 15)
EVERY = 6 if short(__file__) else 1
"""A short run asks every sixth operation."""

# Readiness answers 503 when it means it.
LEFT_OUT = {"readyz"}


@pytest.fixture(scope="module")
def existing(door: Door) -> dict[str, str]:
    return fill(door)


@functools.cache
def operations() -> list[Any]:
    """Every documented operation but those left out; read once, strategies are costly."""
    schema = schemathesis.openapi.from_dict(json.loads(OPENAPI.read_text()))
    found = [result.ok() for result in schema.get_all_operations()]
    return [one for one in found if one.definition.raw["operationId"] not in LEFT_OUT]


@pytest.mark.parametrize("role", ["analyst", None, *long("reviewer", "auditor", "admin")], ids=str)
def test_every_operation_answers_as_documented(
    door: Door, existing: dict[str, str], role: str | None
) -> None:
    asked = 0
    for operation in operations()[::EVERY]:
        asked += _exercise(door, existing, role, operation)
    assert asked > 80 // EVERY


def _exercise(door: Door, existing: dict[str, str], role: str | None, operation: Any) -> int:
    names = [one.name for one in operation.path_parameters]
    real = {name: existing[name] for name in names if name in existing}
    given_ids = {"path_parameters": real} if real and len(real) == len(names) else {}
    strategies = [
        operation.as_strategy(generation_mode=GenerationMode.POSITIVE, **given_ids),
        operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
    ]
    if operation.body or operation.query:
        strategies.append(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    asked = 0

    @settings(
        max_examples=EXAMPLES,
        phases=[Phase.generate],
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=st.one_of(strategies))
    def exercise(case: Any) -> None:
        nonlocal asked
        asked += 1
        answer = _send(door, role, case)
        case.validate_response(answer, checks=CHECKS)

    exercise()
    return asked


def _send(door: Door, role: str | None, case: Any) -> Any:
    sent = case.as_transport_kwargs(base_url="https://us-treasury.example")
    headers = {name: str(value).encode() for name, value in sent.pop("headers").items()}
    method, url = sent.pop("method"), sent.pop("url")
    sent.pop("cookies", None)
    data = sent.pop("data", None)
    if data is not None:
        sent["content"] = data if isinstance(data, bytes | str) else str(data)
    return door.ask(role, method, url, headers=headers, **sent)


def test_the_node_is_whole_afterwards(door: Door) -> None:
    """Whatever was asked, events, change sets and log still agree."""
    door.federation.step(MINISTRY)
    check_everything([door.node], at_rest=False)
