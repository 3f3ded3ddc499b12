"""Short references: the first digits of an id, typed instead of the whole.

Owns what a command does with an id that is not given in full: it asks the node which object, among
those that the officer may know of, has an id that begins so (DESIGN §12). Digests that an approval
binds are never shortened: 32 bits can be met on purpose.
"""

import re
from collections.abc import Callable
from typing import Final, TypeAlias

import typer

from api.cli.profiles import CliContext, ProfileStore, default_home
from api.domain.errors import ComityError, Conflict, NotFound
from api.wire.errors import WireError

DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)
RECORD: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
ANY: Final = re.compile(r"sha256:[0-9a-f]{64}|[0-9a-f]{32}", re.ASCII)
KID: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)

_SHORT: Final = re.compile(r"(?:sha256:)?[0-9a-f]{8,64}", re.ASCII)
_SHORT_KID: Final = re.compile(r"[A-Za-z0-9_-]{8,43}", re.ASCII)
_SHOWN: Final = 10


Given: TypeAlias = str | list[str] | None
"""What was typed for a parameter: once, several times, or not at all."""


def named(form: re.Pattern[str], sentence: str, *kinds: str) -> Callable[..., Given]:
    """Return what checks an id, and completes one that is given by its first digits.

    Args:
        form: of the whole id.
        sentence: what is said of text that is neither an id nor the beginning of one.
        kinds: of objects that the command is about.
    """
    short = _SHORT_KID if form is KID else _SHORT

    def whole(context: CliContext, value: str) -> str:
        if form.fullmatch(value):
            return value
        text = value.rstrip("…")
        if not short.fullmatch(text):
            raise typer.BadParameter(f"{sentence}, or its first 8 or more")
        return resolved(context, text, form, kinds)

    return _checking(whole, kinds)


def standing_in(pattern: str, *kinds: str) -> Callable[..., Given]:
    """Return what completes ids that stand in a longer text, and leaves other text as it is.

    Args:
        pattern: of the whole text; each group with the name of a kind, with ``_`` for ``-``, holds
            an id or its first digits. A text of another form is for the node to judge.
        kinds: those names.
    """
    form = re.compile(pattern, re.ASCII)

    def whole(context: CliContext, value: str) -> str:
        found = form.fullmatch(value)
        if found is None:
            return value
        made, at = "", 0
        for kind in kinds:
            begin, end = found.span(kind.replace("-", "_"))
            if begin >= 0 and not ANY.fullmatch(value[begin:end]):
                text = value[begin:end].rstrip("…")
                made += value[at:begin] + resolved(context, text, ANY, (kind,))
                at = end
        return made + value[at:]

    return _checking(whole, kinds)


def _checking(
    whole: Callable[[CliContext, str], str], kinds: tuple[str, ...]
) -> Callable[..., Given]:
    """Return the callback of a parameter; its ``kinds`` are those that it completes."""

    def check(ctx: typer.Context, value: Given) -> Given:
        if value is None or ctx.resilient_parsing:
            return value
        if isinstance(value, str):
            return whole(ctx.obj, value)
        return [whole(ctx.obj, one) for one in value]

    check.kinds = kinds  # type: ignore[attr-defined]
    return check


def resolved(context: CliContext, text: str, form: re.Pattern[str], kinds: tuple[str, ...]) -> str:
    """Return the one id that begins so.

    Raises:
        NotFound: ``reference.unknown``.
        Conflict: ``reference.ambiguous``: the candidates are named.
    """
    found = [one for one in _asked(context, text, kinds) if form.fullmatch(one["id"])]
    if not found:
        raise NotFound("reference.unknown", "Nothing that you may see has an id that begins so.")
    if len({one["id"] for one in found}) > 1:
        lines = [f"{one['kind']} {one['id']} {one['title']}".rstrip() for one in found[:_SHOWN]]
        raise Conflict(
            "reference.ambiguous", "\n  ".join(["Several ids begin so; type more digits:", *lines])
        )
    return found[0]["id"]


def completions(*kinds: str) -> Callable[[typer.Context, str], list[str]]:
    """Return what a shell completes an id by; silent where nothing can be asked."""

    def complete(ctx: typer.Context, incomplete: str) -> list[str]:
        if not _SHORT.fullmatch(incomplete):
            return []
        profile = ctx.find_root().params.get("profile")
        try:
            return [one["id"] for one in _asked(_context(profile), incomplete, kinds)]
        except (ComityError, WireError, OSError):
            return []

    return complete


def profiles(incomplete: str) -> list[str]:
    """Return the names of profiles that begin so."""
    return [name for name in ProfileStore(default_home()).names() if name.startswith(incomplete)]


def _context(profile: str | None) -> CliContext:
    return CliContext(profile, default_home(), json=True)


def _asked(context: CliContext, text: str, kinds: tuple[str, ...]) -> list[dict[str, str]]:
    from api.cli.client import connected

    with connected(context) as api:
        items: list[dict[str, str]] = api.get(f"/references/{text}")["items"]
    return [one for one in items if not kinds or one["kind"] in kinds]
