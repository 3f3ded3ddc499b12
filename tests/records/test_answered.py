"""What was answered is remembered by the requests' own times; on both databases."""

from datetime import timedelta

import pytest

from api.records import answered
from api.records.database import Database
from api.records.unit_of_work import Taken

KEPT = timedelta(minutes=10)


def test_what_was_forgotten_is_answered_no_more(database: Database) -> None:
    def answer(peer: str, request: str, minute: int) -> None:
        at = f"2026-11-23T12:{minute:02}:00.000Z"
        database.write(lambda unit: answered.remember(unit, peer, request, at, kept=KEPT))

    answer("uk", "one", 0)
    answer("uk", "two", 10)
    answer("uk", "three", 11)
    for request, minute in (("one", 0), ("other", 0), ("two", 10)):
        with pytest.raises(Taken):
            answer("uk", request, minute)
    answer("uk", "four", 1)
    answer("ca", "one", 0)
