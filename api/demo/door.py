"""Officers at their node's REST door: signed in, with a clear error for every act that fails.

Owns requests and their time-outs. It knows no story: an act is named by the caller and appears in
the error if the node refuses it or cannot be reached.
"""

import hashlib
import secrets
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2

from api.adapters.crypto.officer_key import OfficerKey
from api.adapters.identity.tokens import Tokens
from api.adapters.system import SystemClock
from api.demo import loopback
from api.demo.accounts import Account
from api.domain.errors import ComityError
from api.wire.encoding import b64u_encode
from api.wire.statements import NONCE_BYTES, Content

_TIMEOUT = httpx2.Timeout(120.0, connect=30.0)
_RENEW_BEFORE = timedelta(seconds=60)


class ActFailedError(Exception):
    """An act of the story did not happen; the text says which, where and why.

    Attributes:
        status: HTTP status, 0 if there was no answer.
        code: the refusal's code, empty if there was none.
    """

    def __init__(self, act: str, reason: str, status: int = 0, code: str = "") -> None:
        super().__init__(f"{act}: {reason}")
        self.status = status
        self.code = code


class OfficerAtNode:
    """One signed-in account, talking to its ministry's node.

    Args:
        account: who.
    """

    def __init__(self, account: Account) -> None:
        self.account = account
        self._tokens: Tokens | None = None
        self._guard = threading.Lock()
        self._clock = SystemClock()
        self._http = loopback.client(_TIMEOUT, account.node_url)

    @property
    def name(self) -> str:
        """How the narrator calls this officer."""
        return f"{self.account.ministry.place}, {self.account.seat.account}"

    @property
    def ministry(self) -> str:
        """Member id of the officer's ministry."""
        return self.account.ministry.id

    def endorse(self, content: Content) -> dict[str, Any]:
        """Sign a content that this officer prepares, with a nonce drawn here (PROTOCOL §9)."""
        nonce = b64u_encode(secrets.token_bytes(NONCE_BYTES))
        proof = self.key.sign_prepared(content, issuer=self.ministry, nonce=nonce)
        return proof.to_json() | {"nonce": nonce}

    @property
    def key(self) -> OfficerKey:
        """The officer's own signing key.

        Raises:
            ActFailedError: this person has none.
        """
        if self.account.key is None:
            raise ActFailedError("sign", f"{self.account.username} has no signing key")
        return self.account.key

    def sign_in(self) -> Tokens:
        """Sign in through the provider's forms and keep the access token."""
        with self._guard:
            try:
                self._tokens = self.account.sign_in()
            except ComityError as error:
                raise ActFailedError(
                    f"sign in as {self.account.username}", f"{error.code}: {error.message}"
                ) from error
            return self._tokens

    def get(self, act: str, path: str, **parameters: str | int) -> Any:
        """Read one document below ``/api/v1``."""
        return self._call(act, "GET", path, params=parameters).json()

    def post(self, act: str, path: str, content: object | None = None) -> Any:
        """Send one document below ``/api/v1``; returns the answer, ``None`` if it is empty."""
        answer = self._call(act, "POST", path, json=content)
        return answer.json() if answer.content else None

    def move_on(self, act: str, path: str, move: str) -> Any:
        """Move an object on, such as to ``submit``, if it is still as it was just read."""
        tag = self._call(act, "GET", path).headers["etag"]
        return self._call(act, "POST", f"{path}/{move}", headers={"if-match": tag}).json()

    def upload(self, act: str, data: bytes) -> str:
        """Store an exhibit; returns its digest."""
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self._call(act, "PUT", f"/exhibits/{digest}", content=data)
        return digest

    def bring(self, act: str, path: str, data: bytes, **parameters: str | int) -> Any:
        """Send a file's own bytes below ``/api/v1``; returns the answer."""
        return self._call(act, "POST", path, content=data, params=parameters).json()

    def read_bytes(self, act: str, path: str) -> bytes:
        """Read a small binary answer."""
        return self._call(act, "GET", path).content

    def download(self, act: str, path: str, target: Path, **parameters: str) -> None:
        """Stream a binary answer into a file, whole or not at all."""
        fresh = target.with_name(f".{target.name}.new")
        try:
            with self._http.stream(
                "GET", f"/api/v1{path}", params=parameters, headers=self._headers()
            ) as answer:
                if not answer.is_success:
                    answer.read()
                    raise _refusal(act, self.name, answer)
                with fresh.open("wb") as file:
                    for chunk in answer.iter_bytes():
                        file.write(chunk)
        except httpx2.HTTPError as error:
            raise _unreachable(act, self.ministry, error) from error
        fresh.replace(target)

    def close(self) -> None:
        """Close connections."""
        self._http.close()

    def _call(self, act: str, method: str, path: str, **options: Any) -> httpx2.Response:
        headers = self._headers() | options.pop("headers", {})
        try:
            answer = self._http.request(method, f"/api/v1{path}", headers=headers, **options)
        except httpx2.HTTPError as error:
            raise _unreachable(act, self.ministry, error) from error
        if not answer.is_success:
            raise _refusal(act, self.name, answer)
        return answer

    def _headers(self) -> dict[str, str]:
        tokens = self._tokens
        if tokens is None or tokens.expires_at - self._clock.now() < _RENEW_BEFORE:
            tokens = self.sign_in()
        return {"authorization": f"Bearer {tokens.access_token}"}


def _unreachable(act: str, ministry: str, error: httpx2.HTTPError) -> ActFailedError:
    return ActFailedError(act, f"the node of {ministry} did not answer ({type(error).__name__})")


def _refusal(act: str, who: str, answer: httpx2.Response) -> ActFailedError:
    try:
        problem = answer.json()
        code, detail = str(problem["code"]), str(problem["detail"])
    except (ValueError, KeyError, TypeError):
        code, detail = "", "an answer that is no problem document"
    reason = f"refused to {who} with {answer.status_code} {code}: {detail}"
    return ActFailedError(act, reason, answer.status_code, code)
