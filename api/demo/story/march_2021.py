"""March 2021: Ottawa registers a day before all announce; both ask Washington for two names."""

from api.demo import cast
from api.demo.cast import Ministry
from api.demo.story import asking, listing, requests_2020, script, speaking
from api.demo.story.book import Asked
from api.demo.story.stage import Stage

TITLE = "21 and 22 March 2021: the joint action"
MIRRORED = ("zhu-hailun", "wang-mingshan")
NEW = ("wang-junzheng", "chen-mingguo")
BUREAU = ("xpcc-psb",)
FROM_LONDON, FROM_OTTAWA, CROSSING = "us-from-uk", "us-from-ca", "uk-2021"


def play(stage: Stage) -> None:
    """Designations on both sides of the Atlantic, effects, and requests the other way."""
    listing.designate(stage, cast.CA, (*MIRRORED, *NEW, *BUREAU), mirroring=(cast.US,))
    stage.narrator.say("Canada's regulations bite on 21 March, a day before anybody announces")
    speaking.settled(stage, cast.CA, cast.US, cast.UK)
    stage.together(
        lambda: _london(stage),
        lambda: listing.designate(stage, cast.US, NEW, mirroring=(cast.CA,)),
    )
    stage.together(
        lambda: _effects(stage, stage.book.threads[requests_2020.TO_LONDON], MIRRORED),
        lambda: _effects(stage, stage.book.threads[requests_2020.TO_OTTAWA], MIRRORED),
    )
    speaking.everyone_settled(stage)
    _other_way(stage)


def _london(stage: Stage) -> None:
    """London names what it mirrors as far as it knows: Washington lists the new two this minute."""
    listing.designate(stage, cast.UK, MIRRORED, mirroring=(cast.US, cast.CA))
    listing.designate(stage, cast.UK, (*NEW, *BUREAU), mirroring=(cast.CA,))


def _other_way(stage: Stage) -> None:
    """London, Ottawa and Washington ask at once; Washington's request crosses London's."""
    stage.together(
        lambda: asking.ask_question(stage, FROM_LONDON, (cast.UK, cast.US)),
        lambda: asking.ask_question(stage, FROM_OTTAWA, (cast.CA, cast.US)),
        lambda: asking.ask_question(stage, CROSSING, (cast.US, cast.UK)),
    )
    speaking.everyone_settled(stage)
    stage.together(
        lambda: _agree(stage, cast.US, FROM_LONDON, FROM_OTTAWA),
        lambda: _agree(stage, cast.UK, CROSSING),
    )
    speaking.everyone_settled(stage)


def _agree(stage: Stage, ministry: Ministry, *names: str) -> None:
    """Find on every subject, state the effects, close."""
    for name in names:
        thread = stage.book.threads[name]
        for subject, words in script.findings(name).items():
            asking.find(stage, thread, subject, words, ())
            asking.effect(stage, thread, subject)
        asking.close(stage, thread, f"Both are listed by {ministry.id}.")


def _effects(stage: Stage, thread: Asked, subjects: tuple[str, ...]) -> None:
    for subject in subjects:
        asking.effect(stage, thread, subject)
