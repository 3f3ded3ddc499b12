"""The provider's grants: Authlib's, tied to this provider's memory and to one resource each.

Owns codes with PKCE (RFC 7636), devices (RFC 8628), refresh with rotation, client credentials,
revocation (RFC 7009), and the ``resource`` parameter (RFC 8707), which Authlib does not know.
Everything a grant redeems it takes away first, so that of two redeemers one wins.
"""

import secrets
from typing import Any

from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidRequestError, OAuth2Error, grants
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc8628 import DEVICE_CODE_GRANT_TYPE, DeviceAuthorizationEndpoint
from authlib.oauth2.rfc8628 import DeviceCodeGrant as BaseDeviceCodeGrant
from typing_extensions import override

from api.demo.sign_in.clients import PRIVATE_KEY_JWT, RegisteredClient
from api.demo.sign_in.requests import ProviderRequest
from api.demo.sign_in.state import CODE_SECONDS, Code, Device, Refresh, SignIn

_METHODS = ["none", PRIVATE_KEY_JWT]
_DEVICE_SECONDS = 600
_SLOW_DOWN = 5
_TOO_EAGER = 0.8
_NONCE_SECONDS = 3600


class InvalidTargetError(OAuth2Error):  # type: ignore[misc]  # Authlib ships no types
    """The resource is unknown, missing, or not the one that was granted (RFC 8707 section 2)."""

    error = "invalid_target"


def requested_audience(request: ProviderRequest, audiences: list[str]) -> str:
    """Return the one node URL ``request`` asks a token for.

    Raises:
        InvalidTargetError: none or several are named, or an unknown one.
    """
    asked = request.payload.datalist.get("resource", [])
    if not asked and len(audiences) == 1:
        return audiences[0]
    if len(asked) != 1 or asked[0] not in audiences:
        raise InvalidTargetError("Name one known node URL as resource.")
    audience: str = asked[0]
    return audience


def check_audience(request: ProviderRequest, granted: SignIn) -> None:
    """Refuse a token request that names another resource than was granted.

    Raises:
        InvalidTargetError: it does.
    """
    asked = request.payload.datalist.get("resource", [])
    if asked and asked != [granted.audience]:
        raise InvalidTargetError("Another resource was granted; sign in for this one.")


class S256Only(CodeChallenge):  # type: ignore[misc]  # Authlib ships no types
    """PKCE for every client, with S256 alone; judged when the code is asked for."""

    DEFAULT_CODE_CHALLENGE_METHOD = "S256"
    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    @override
    def validate_code_challenge(self, grant: Any, redirect_uri: str | None) -> None:
        data = grant.request.payload.data
        if not data.get("code_challenge") or data.get("code_challenge_method") != "S256":
            raise InvalidRequestError("PKCE with S256 is required.")
        super().validate_code_challenge(grant, redirect_uri)


class ResourceIndicator:
    """Reads ``resource`` when a code is asked for (an Authlib grant extension)."""

    def __init__(self, audiences: list[str]) -> None:
        self._audiences = audiences

    def __call__(self, grant: Any) -> None:
        """Register with one grant."""
        grant.register_hook("after_validate_authorization_request_payload", self._read)

    def _read(self, grant: Any, _redirect_uri: str | None) -> None:
        grant.request.audience = requested_audience(grant.request, self._audiences)


class AuthorizationCodeGrant(grants.AuthorizationCodeGrant):  # type: ignore[misc]
    """Codes, one minute and one use each."""

    TOKEN_ENDPOINT_AUTH_METHODS = _METHODS

    @override
    def save_authorization_code(self, code: str, request: ProviderRequest) -> None:
        data = request.payload.data
        client: RegisteredClient = request.client
        if request.user is None:
            raise InvalidGrantError("Nobody signed in.")
        record = Code(
            client_id=client.client_id,
            redirect_uri=data.get("redirect_uri"),
            scope=request.scope,
            nonce=data.get("nonce"),
            code_challenge=data["code_challenge"],
            code_challenge_method=data["code_challenge_method"],
            family=secrets.token_urlsafe(),
            sign_in=request.user,
        )
        self.server.state.codes.put(code, record, CODE_SECONDS)
        if record.nonce:
            self.server.state.nonces.put(
                f"{client.client_id} {record.nonce}", record.nonce, _NONCE_SECONDS
            )

    @override
    def query_authorization_code(self, code: str, client: RegisteredClient) -> Code | None:
        held: Code | None = self.server.state.redeem_code(code)
        if held is None or held.client_id != client.client_id:
            return None
        check_audience(self.request, held.sign_in)
        return held

    @override
    def delete_authorization_code(self, authorization_code: Code) -> None:
        """Do nothing: it was taken when it was looked up."""

    @override
    def authenticate_user(self, authorization_code: Code) -> SignIn:
        return authorization_code.sign_in


class DeviceCodeGrant(BaseDeviceCodeGrant):  # type: ignore[misc]  # Authlib ships no types
    """Polling for a person's decision elsewhere."""

    TOKEN_ENDPOINT_AUTH_METHODS = _METHODS

    @override
    def query_device_credential(self, device_code: str) -> Device | None:
        device: Device | None = self.server.state.devices.get(device_code)
        return device

    @override
    def validate_device_credential(self, credential: Device) -> SignIn:
        granted: SignIn = super().validate_device_credential(credential)
        check_audience(self.request, granted)
        if self.server.state.devices.take(self.request.form["device_code"]) is None:
            raise InvalidGrantError("The device code was used.")
        return granted

    @override
    def query_user_grant(self, user_code: str) -> tuple[SignIn | None, bool] | None:
        device = self.server.state.devices.get(self.request.form["device_code"])
        if device is None or (device.decision is None and not device.denied):
            return None
        return device.decision, not device.denied

    @override
    def should_slow_down(self, credential: Device) -> bool:
        now = self.server.state.now()
        last, credential.polled_at = credential.polled_at, now
        if last is None or now - last >= credential.interval * _TOO_EAGER:
            return False
        credential.interval += _SLOW_DOWN
        return True


class DeviceEndpoint(DeviceAuthorizationEndpoint):  # type: ignore[misc]  # Authlib ships no types
    """Hands out device and user codes."""

    CLIENT_AUTH_METHODS = _METHODS
    EXPIRES_IN = _DEVICE_SECONDS

    def __init__(self, server: Any) -> None:
        super().__init__(server)
        self.INTERVAL = server.config.device_interval_seconds

    @override
    def get_verification_uri(self) -> str:
        return f"{self.server.config.issuer}/device"

    @override
    def create_endpoint_response(self, request: ProviderRequest) -> Any:
        client: RegisteredClient = self.authenticate_client(request)
        if not client.check_grant_type(DEVICE_CODE_GRANT_TYPE):
            raise InvalidRequestError("This client may not use the device flow.")
        audience = requested_audience(request, self.server.config.audiences)
        status, codes, headers = super().create_endpoint_response(request)
        state = self.server.state
        device = Device(
            now=state.now,
            client_id=client.client_id,
            scope=client.get_allowed_scope(request.payload.scope),
            audience=audience,
            user_code=codes["user_code"],
            expires_at=state.now() + self.EXPIRES_IN,
            interval=self.INTERVAL,
        )
        # Kept a little longer than it is valid, so that the client is told that it ended.
        state.devices.put(codes["device_code"], device, 2 * self.EXPIRES_IN)
        state.device_codes.put(codes["user_code"], codes["device_code"], self.EXPIRES_IN)
        return status, codes, headers

    @override
    def save_device_credential(self, client_id: str, scope: str, data: dict[str, Any]) -> None:
        """Do nothing: ``create_endpoint_response`` saves, it knows the resource too."""


class RefreshTokenGrant(grants.RefreshTokenGrant):  # type: ignore[misc]
    """Refresh tokens of one use each."""

    TOKEN_ENDPOINT_AUTH_METHODS = _METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    @override
    def authenticate_refresh_token(self, refresh_token: str) -> Refresh | None:
        held: Refresh | None = self.server.state.redeem_refresh(refresh_token)
        if held is not None:
            check_audience(self.request, held.sign_in)
        return held

    @override
    def authenticate_user(self, refresh_token: Refresh) -> SignIn:
        return refresh_token.sign_in

    @override
    def revoke_old_credential(self, refresh_token: Refresh) -> None:
        """Do nothing: it was taken when it was looked up."""


class ClientCredentialsGrant(grants.ClientCredentialsGrant):  # type: ignore[misc]
    """Tokens for machines that proved themselves by an assertion."""

    TOKEN_ENDPOINT_AUTH_METHODS = (PRIVATE_KEY_JWT,)

    @override
    def generate_token(self, user: SignIn | None = None, **options: Any) -> dict[str, Any]:
        client: RegisteredClient = self.request.client
        audience = requested_audience(self.request, self.server.config.audiences)
        machine = SignIn(client.client_id, name="", audience=audience, auth_time=None)
        token: dict[str, Any] = super().generate_token(user=machine, **options)
        return token


class Revocation(RevocationEndpoint):  # type: ignore[misc]  # Authlib ships no types
    """Ends refresh tokens; access tokens end by themselves within minutes."""

    CLIENT_AUTH_METHODS = _METHODS
    SUPPORTED_TOKEN_TYPES = ("access_token", "refresh_token")

    @override
    def query_token(self, token_string: str, token_type_hint: str | None) -> Refresh | None:
        held: Refresh | None = self.server.state.find_refresh(token_string)
        return held

    @override
    def revoke_token(self, token: Refresh, request: ProviderRequest) -> None:
        self.server.state.revoke_refresh(token)
