"""What the fictional officers say to each other, read from ``script.json`` beside this module.

Owns the reading. The words are the demonstration's own; no government said them.
"""

import json
from functools import cache
from importlib.resources import files
from typing import Any


def asks(thread: str) -> dict[str, Any]:
    """Return title, reasons and suggested regimes of a request."""
    found: dict[str, Any] = _script()["asks"][thread]
    return found


def question(thread: str) -> dict[str, Any]:
    """Return the question asked in a thread, what it is about, and its answer."""
    found: dict[str, Any] = _script()["questions"][thread]
    return found


def findings(thread: str) -> dict[str, dict[str, Any]]:
    """Return the findings of a thread by subject, in the order in which they are made."""
    found: dict[str, dict[str, Any]] = _script()["findings"][thread]
    return found


def again(subject: str) -> dict[str, Any]:
    """Return the finding made again after a review."""
    found: dict[str, Any] = _script()["again"][subject]
    return found


def proposal(thread: str) -> dict[str, Any]:
    """Return title, regime, grounds and reasons of the addressee's own proposal."""
    found: dict[str, Any] = _script()["proposals"][thread]
    return found


def authority() -> str:
    """Return the sender's authority to disclose."""
    return str(_script()["authority"])


def permitted_use() -> list[str]:
    """Return what the addressee may use a request for."""
    return list(_script()["permitted_use"])


@cache
def _script() -> dict[str, Any]:
    text = (files(__package__) / "script.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document
