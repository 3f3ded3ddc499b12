"""The demo's OpenID Provider, on loopback only, built from Authlib's server classes.

Owns sign-in for ``comity demo``: code with PKCE, device flow, refresh, ``private_key_jwt``
machines, RFC 9068 access tokens. It is no product: real ministries bring their own provider, and
nothing outside ``api.demo`` may import it.

    config.ProviderConfig    the file the launcher writes
    passwords.hash_password  for that file
    app.create_app           the ASGI application
    __main__                 python -m api.demo.sign_in --config FILE --port N
"""
