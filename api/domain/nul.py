"""U+0000 in text: PostgreSQL holds none, so no node takes it, whatever its database.

Owns the refusal and what finds the character in decoded input. Signed statements refuse it by the
forms of their own texts (``wire/payloads/scalars.py``).
"""

from api.domain.errors import Invalid


def refusal() -> Invalid:
    """Return the refusal of a text with U+0000."""
    return Invalid("text.nul", "A text holds the character U+0000; send it without.")


def stands_in(value: object) -> bool:
    """Tell whether any text of a decoded JSON value, names of members included, has U+0000."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            if "\0" in one:
                return True
        elif isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple):
            waiting += one
    return False
