"""The case diary over REST: record what happened in law to a designation, or withdraw it."""

from datetime import date
from typing import Annotated

from fastapi import Path, Request
from pydantic import BaseModel, ConfigDict, Field

from api.ports.policy import Action
from api.records.diary import DiaryEntry
from api.services.desk import diary
from api.services.desk.diary import NewEntry
from api.web import bodies
from api.web.answers import Answer, Created
from api.web.deps import NodeOf
from api.web.principals import OfficerOf
from api.web.routing import ActionRouter
from api.web.use_case_threads import run

router = ActionRouter(prefix="/api/v1/designations", tags=["designations"])
DesignationId = Annotated[str, Path(pattern="^sha256:[0-9a-f]{64}$")]
EntryId = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]


class NewDiaryEntry(BaseModel):
    """An event in law, with the day on which it happened in the regime's zone."""

    model_config = ConfigDict(extra="forbid")

    event: Annotated[str, Field(min_length=1, max_length=60)]
    day: date
    note: Annotated[str, Field(max_length=4000)] = ""


class Withdrawal(BaseModel):
    """Why an entry was wrong."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=4000)]


@router.route_for(
    "POST",
    "/{designation_id}/diary",
    Action.DIARY_RECORD,
    status_code=201,
    body=NewDiaryEntry,
    operation_id="record_diary_entry",
    response_description="The entry.",
)
async def record_event(
    designation_id: DesignationId, request: Request, node: NodeOf, caller: OfficerOf
) -> Created[DiaryEntry]:
    """Record that something happened: it starts or ends periods of law."""
    content = await bodies.model_body(request, NewDiaryEntry)
    new = NewEntry(content.event, content.day, content.note)
    entry = await run(diary.record_event, node, caller, designation_id, new)
    place = f"/api/v1/designations/{designation_id}"
    return Created(entry, place)


@router.route_for(
    "POST",
    "/diary/{entry_id}/withdraw",
    Action.DIARY_RECORD,
    body=Withdrawal,
    operation_id="withdraw_diary_entry",
    response_description="The entry, now withdrawn.",
)
async def withdraw_entry(
    entry_id: EntryId, request: Request, node: NodeOf, caller: OfficerOf
) -> Answer[DiaryEntry]:
    """Withdraw an entry that was wrong."""
    content = await bodies.model_body(request, Withdrawal)
    entry = await run(diary.withdraw_entry, node, caller, entry_id, content.reason)
    return Answer(entry)
