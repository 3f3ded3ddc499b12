"""The demo's OpenID Provider, on loopback only, built from Authlib's server classes.

Owns sign-in for ``comity demo``: code with PKCE, device flow, refresh, ``private_key_jwt``
machines, RFC 9068 access tokens. It is no product: real ministries bring their own provider, and
nothing outside ``api.demo`` may import it.

    config.ProviderConfig    the file the launcher writes
    passwords.hash_password  for that file
    app.create_app           the ASGI application
    __main__                 python -m api.demo.sign_in --config FILE --port N
    sign_in_by_forms         what a demo user does in a browser, for the launcher
"""

from api.adapters.identity import form_sign_in
from api.adapters.identity.tokens import Tokens
from api.adapters.system import SystemClock


def sign_in_by_forms(
    issuer: str, client: str, username: str, password: str, resource: str
) -> Tokens:
    """Sign a demo user in through the provider's real forms, by the machine's clock.

    Args:
        issuer: the provider's address.
        client: id of a public client with the code flow and a loopback redirect.
        username: as in the configuration.
        password: the one that was hashed into it.
        resource: node URL the tokens are for.

    Raises:
        NotSignedIn: ``sign-in.refused``.
        Unavailable: ``issuer.unavailable``.
    """
    return form_sign_in.sign_in_by_forms(
        issuer, client, username, password, resource, SystemClock()
    )
