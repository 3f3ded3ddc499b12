"""London and Ottawa close the requests of 2020: whatever comes later is a new thread."""

from api.demo import cast
from api.demo.story import asking, requests_2020, speaking
from api.demo.story.stage import Stage

TITLE = "The requests of 2020 are closed"
_REASON = "Every subject is decided or withdrawn; what is deferred may be asked again."


def play(stage: Stage) -> None:
    """Each addressee closes its thread."""
    for name in (requests_2020.TO_LONDON, requests_2020.TO_OTTAWA):
        asking.close(stage, stage.book.threads[name], _REASON)
    speaking.settled(stage, cast.UK, cast.US)
    speaking.settled(stage, cast.CA, cast.US)
