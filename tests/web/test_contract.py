"""The judge that doors of tests hang onto their clients notices what the contract does not say."""

import httpx2
import pytest

from tests.support import contract
from tests.support.contract import ContractError


def answer(path: str, content: object, status: int = 200, method: str = "GET") -> httpx2.Response:
    request = httpx2.Request(method, f"https://us-treasury.example{path}")
    return httpx2.Response(status, json=content, request=request)


GRANT = {
    "id": "0" * 32,
    "officer": "1" * 32,
    "role": "analyst",
    "state": "active",
    "proposed_by": "bootstrap",
    "proposed_at": "2026-01-01T00:00:00.000Z",
}


def test_a_right_answer_passes() -> None:
    contract.judge(answer("/api/v1/role-grants", {"items": [GRANT]}))
    contract.judge(answer("/healthz", {"status": "ok"}))
    contract.judge(answer("/console/elsewhere", {"any": "thing"}))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({**GRANT, "more": 1}, "more"),
        ({name: value for name, value in GRANT.items() if name != "role"}, "role"),
        ({**GRANT, "state": "perhaps"}, "perhaps"),
        ({**GRANT, "id": "short"}, "short"),
        ({**GRANT, "sub": None}, "sub"),
    ],
    ids=["a member more", "a member less", "another state", "another form", "a null"],
)
def test_a_wrong_answer_is_noticed(wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ContractError, match=said):
        contract.judge(answer("/api/v1/role-grants", {"items": [wrong]}))


def test_a_status_that_nobody_documented_is_noticed() -> None:
    with pytest.raises(ContractError, match="not documented"):
        contract.judge(answer("/api/v1/role-grants", {"items": []}, status=202))
