"""Washington asks London and Ottawa; both take it up, ask back, and are answered."""

from api.demo import cast
from api.demo.cast import Ministry
from api.demo.story import asking, july_2020, script, speaking, supplement
from api.demo.story.book import Asked
from api.demo.story.stage import Stage

TITLE = "August 2020: Washington asks London and Ottawa to mirror the eight"
TO_LONDON, TO_OTTAWA = "uk-2020", "ca-2020"
_BARS = "bar"


def play(stage: Stage) -> None:
    """One request to each partner; a question each, and its answer."""
    evidence = (july_2020.PACKAGE, supplement.PACKAGE)
    speaking.everyone_settled(stage)
    for name, partner in ((TO_LONDON, cast.UK), (TO_OTTAWA, cast.CA)):
        asking.ask_question(stage, name, (cast.US, partner), evidence)
    speaking.settled(stage, cast.US, cast.UK, cast.CA)
    stage.together(
        lambda: _ask_back(stage, TO_LONDON, cast.UK), lambda: _ask_back(stage, TO_OTTAWA, cast.CA)
    )
    for name in (TO_LONDON, TO_OTTAWA):
        asking.answer_question(stage, stage.book.threads[name])
    speaking.settled(stage, cast.US, cast.UK, cast.CA)


def _ask_back(stage: Stage, name: str, partner: Ministry) -> None:
    thread = stage.book.threads[name]
    asking.acknowledge(stage, thread)
    _look_at_the_law(stage, thread, partner)
    asking.question(stage, thread)
    speaking.settled(stage, partner, cast.US)


def _look_at_the_law(stage: Stage, thread: Asked, partner: Ministry) -> None:
    """Tell what the addressee's regimes bar, as the request suggested them; officers decide."""
    analyst = stage.officer(partner, "analyst")
    found = analyst.get("ask what the law suggests", f"/mirror-requests/{thread.id}/suggestions")
    suggested = script.asks(thread.name)["regimes"]
    wanted = {(thread.keys[subject], regime) for subject, regime in suggested.items()}
    for item in found["items"]:
        for one in item["suggestions"]:
            if (item["key"], item["regime"]) in wanted and one["weight"] == _BARS:
                stage.tell(
                    analyst, f"is told on {item['key']} under {item['regime']}: {one['sentence']}"
                )
