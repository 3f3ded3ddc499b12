"""A search suggests that the Corps' police bureau is the Corps; an officer says it is not."""

from api.demo import cast, facts
from api.demo.story import march_2021
from api.demo.story.stage import Stage

TITLE = "Likeness suggests, an officer decides"
_CORPS = "xpcc"


def play(stage: Stage) -> None:
    """London's analyst searches the bureau, is shown the Corps too, and parts the two."""
    analyst = stage.officer(cast.UK, "analyst")
    (bureau,) = march_2021.BUREAU
    name = facts.subject(bureau)["names"][0]["text"]
    found = analyst.get(f"search for {name}", "/subjects", q=name)["items"]
    ours = f"designation:{stage.book.designations[bureau, cast.UK.id]}"
    theirs = f"designation:{stage.book.designations[_CORPS, cast.US.id]}"
    near = next(one for one in found if one["ref"] == theirs)
    stage.tell(
        analyst, f"searches '{name}' and is also shown {near['name']}, score {near['score']}"
    )
    reason = next(
        pair["why"] for pair in facts.not_same_as() if {pair["a"], pair["b"]} == {bureau, _CORPS}
    )
    verdict = {"one": ours, "other": theirs, "outcome": "not-same", "reason": reason}
    analyst.post(f"record that {name} is another", "/verdicts", verdict)
    stage.tell(analyst, f"records a verdict, not the same: {reason}")
