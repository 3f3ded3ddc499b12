"""The provider's few pages: plain forms that work without scripts.

Owns their HTML and the headers that protect them; every value put into a page is escaped here.
"""

from collections.abc import Mapping
from html import escape
from urllib.parse import urlsplit

from starlette.responses import HTMLResponse

STYLE = """\
body { font: 1.125rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 3rem auto;
  padding: 0 1rem; color: #111; background: #fff; }
label { display: block; margin-top: 1rem; font-weight: 600; }
input[type="text"], input[type="password"] { font: inherit; width: 100%; padding: .4rem;
  border: 2px solid #111; box-sizing: border-box; }
input:focus, button:focus { outline: 3px solid #fd0; outline-offset: 0; }
button { font: inherit; margin: 1.5rem 1rem 0 0; padding: .5rem 1.25rem; cursor: pointer; }
.error { border-left: 5px solid #b00020; padding-left: 1rem; color: #b00020; font-weight: 600; }
.note { color: #444; font-size: 1rem; }
"""

_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="/sign-in.css">
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""

_CREDENTIALS = """\
<label for="username">User name</label>
<input type="text" id="username" name="username" autocomplete="username" \
autocapitalize="none" spellcheck="false" required>
<label for="password">Password</label>
<input type="password" id="password" name="password" autocomplete="current-password" required>
<button type="submit" name="answer" value="allow">Sign in</button>
<button type="submit" name="answer" value="deny" formnovalidate>Cancel</button>
"""

WRONG_CREDENTIALS = "The user name or the password is wrong."
STALE_FORM = "This form is too old or came from elsewhere. Fill it in again."


def sign_in_page(
    title: str, facts: Mapping[str, str], hidden: Mapping[str, str], error: str | None
) -> str:
    """Return the form that asks who is there.

    Args:
        title: heading.
        facts: what the person is agreeing to, shown as a list.
        hidden: fields sent back with the form.
        error: why the last attempt failed.
    """
    shown = "".join(f"<li>{escape(name)}: {escape(text)}</li>" for name, text in facts.items())
    fields = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in hidden.items()
    )
    body = (
        f'{_error(error)}<ul class="note">{shown}</ul>'
        f'<form method="post" action="">{fields}{_CREDENTIALS}</form>'
    )
    return _PAGE.format(title=escape(title), body=body)


def code_page(error: str | None) -> str:
    """Return the form that asks for the code another device shows."""
    body = (
        f'{_error(error)}<form method="get" action="/device">'
        '<label for="user_code">Code shown by the other device</label>'
        '<input type="text" id="user_code" name="user_code" autocomplete="off" required>'
        '<button type="submit">Continue</button></form>'
    )
    return _PAGE.format(title="Sign in another device", body=body)


def message_page(title: str, text: str) -> str:
    """Return a page that only says something."""
    return _PAGE.format(title=escape(title), body=f"<p>{escape(text)}</p>")


def respond(page: str, status: int = 200, redirect_uri: str | None = None) -> HTMLResponse:
    """Return ``page`` with headers that keep it from being framed, stored or scripted.

    Args:
        page: HTML.
        status: HTTP status.
        redirect_uri: where the form's answer will redirect to; browsers apply ``form-action``
            to that redirect too.
    """
    targets = "'self'"
    if redirect_uri is not None:
        parts = urlsplit(redirect_uri)
        targets += f" {parts.scheme}://{parts.netloc}"
    policy = (
        "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action {targets}"
    )
    headers = {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }
    return HTMLResponse(page, status_code=status, headers=headers)


def _error(text: str | None) -> str:
    return f'<p class="error" role="alert">{escape(text)}</p>' if text else ""
