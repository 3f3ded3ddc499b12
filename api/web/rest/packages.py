"""Evidence packages over REST: submit, list, read, release, recall, holders, file."""

from typing import Annotated, Any, Literal

from fastapi import Path, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from api.domain.evidence import PackageState
from api.ports.policy import Action
from api.services.authorising import Caller
from api.services.desk import acquisitions, evidence, package_files, recalls
from api.services.desk.acquisitions import NewAcquisition
from api.services.desk.package_views import (
    AcquisitionView,
    HolderView,
    PackageSummary,
    PackageView,
    SubmittedPackage,
)
from api.services.desk.recalls import RecallView
from api.services.node import Node
from api.services.statements.draft_form import DraftView
from api.web import answers, bodies, cursors
from api.web.answers import Answer, Created, Page
from api.web.deps import Doors, NodeOf
from api.web.principals import OfficerOf, calling
from api.web.rest.drafted import drafted
from api.web.rest.reasons import Reason
from api.web.routing import ActionRouter
from api.web.use_case_threads import run
from api.wire.payloads.scalars import PartialDate

router = ActionRouter(prefix="/api/v1", tags=["packages"])
PackageId = Annotated[str, Path(pattern="^sha256:[0-9a-f]{64}$")]
Limit = Annotated[int, Query(ge=1, le=200)]


class Submission(BaseModel):
    """A package draft as ``draft.json`` holds it."""

    model_config = ConfigDict(extra="forbid")

    issuer: Annotated[str | None, Field(max_length=64)] = None
    nonce: Annotated[str | None, Field(pattern="^[A-Za-z0-9_-]{22}$")] = None
    type: Literal["evidence-package/1"]
    body: dict[str, Any]
    prepared: dict[str, Any] | None = None
    endorsement: dict[str, Any] | None = None


class Release(BaseModel):
    """A release to one recipient; the package is the one in the path."""

    model_config = ConfigDict(extra="allow")

    recipient: str
    marking: dict[str, Any]
    legal_basis: str
    endorsement: dict[str, Any] | None = None


class Recall(BaseModel):
    """A recall from all holders."""

    model_config = ConfigDict(extra="allow")

    reason: str
    instruction: Literal["stop-use", "return", "destroy"]


class Acquired(BaseModel):
    """Where, by whom and when the same bytes were acquired by this ministry's own work."""

    model_config = ConfigDict(extra="forbid")

    exhibit: Annotated[str, Field(pattern="^sha256:[0-9a-f]{64}$")]
    source: Annotated[str, Field(min_length=1, max_length=1000)]
    collector: Annotated[str, Field(min_length=1, max_length=300)]
    collected: PartialDate


@router.route_for(
    "POST",
    "/packages",
    Action.PACKAGE_SUBMIT,
    status_code=201,
    body=Submission,
    operation_id="submit_package",
    response_description="Its id is born here.",
)
async def submit(request: Request) -> Created[SubmittedPackage]:
    """Submit a signed package; it stays home until it is released."""
    doors: Doors = request.app.state.doors
    caller = await calling(request)
    data = await bodies.json_bytes(request)
    package = await run(_submit, caller, doors.node, data)
    return Created(package, f"/api/v1/packages/{package.id}")


def _submit(caller: Caller, node: Node, data: bytes) -> SubmittedPackage:
    """Read and submit, in the worker thread and once the caller is known."""
    value = bodies.json_object(data)
    bodies.checked(Submission, value)
    return evidence.submit(node, caller, value)


@router.route_for(
    "GET",
    "/packages",
    Action.PACKAGE_LIST,
    operation_id="list_packages",
    response_description="One page of packages.",
)
async def list_packages(
    node: NodeOf,
    caller: OfficerOf,
    limit: Limit = 50,
    cursor: Annotated[str | None, Query(max_length=512)] = None,
    state: PackageState | None = None,
) -> Answer[Page[PackageSummary]]:
    """List the packages held here, newest first."""
    place = cursors.read(node, caller, f"packages:{state}", cursor)
    before = (str(place[0]), str(place[1])) if place else None
    rows = await run(
        evidence.packages_page, node, caller, limit=limit + 1, before=before, state=state
    )
    page, following = rows[:limit], None
    if len(rows) > limit:
        last = page[-1]
        following = cursors.make(node, caller, f"packages:{state}", [last.submitted_at, last.id])
    return answers.page(page, following)


@router.route_for(
    "GET",
    "/packages/{package_id}",
    Action.PACKAGE_READ,
    operation_id="read_package",
    response_description="The package.",
)
async def read(package_id: PackageId, node: NodeOf, caller: OfficerOf) -> Answer[PackageView]:
    """Read one package with its content, exhibits and releases."""
    return Answer(await run(evidence.read, node, caller, package_id))


@router.route_for(
    "GET",
    "/packages/{package_id}/holders",
    Action.PACKAGE_HOLDERS,
    operation_id="list_holders",
    response_description="Who holds it.",
)
async def holders(
    package_id: PackageId, node: NodeOf, caller: OfficerOf
) -> Answer[Page[HolderView]]:
    """Say who holds a package and what each did with it."""
    return answers.page(await run(evidence.holders, node, caller, package_id))


@router.route_for(
    "POST",
    "/packages/{package_id}/release",
    Action.DRAFT_CREATE,
    status_code=201,
    body=Release,
    operation_id="draft_release",
    response_description="The draft that was made.",
)
async def release(
    package_id: PackageId, request: Request, node: NodeOf, caller: OfficerOf
) -> Created[DraftView]:
    """Draft a release to one recipient; another officer approves it."""
    _, value = await bodies.json_body(request)
    bodies.checked(Release, value)
    endorsement = value.pop("endorsement", None)
    draft = await run(evidence.release, node, caller, package_id, value, endorsement)
    return drafted(draft)


@router.route_for(
    "POST",
    "/packages/{package_id}/recall",
    Action.DRAFT_CREATE,
    status_code=201,
    body=Recall,
    operation_id="recall_package",
    response_description="The draft that was made.",
)
async def recall(
    package_id: PackageId, request: Request, node: NodeOf, caller: OfficerOf
) -> Created[DraftView]:
    """Recall a package from all holders at once; a second reviewer confirms within 24 hours."""
    _, value = await bodies.json_body(request)
    bodies.checked(Recall, value)
    draft = await run(evidence.recall, node, caller, package_id, value)
    return drafted(draft)


@router.route_for(
    "POST",
    "/packages/{package_id}/acknowledge-recall",
    Action.PACKAGE_READ,
    operation_id="acknowledge_recall",
    response_description="The recall, now acknowledged by this officer.",
)
async def acknowledge(package_id: PackageId, node: NodeOf, caller: OfficerOf) -> Answer[RecallView]:
    """Say that the recall was read; reading on needs it until the recall is answered."""
    return Answer(await run(recalls.acknowledge, node, caller, package_id))


@router.route_for(
    "POST",
    "/packages/{package_id}/acquisitions",
    Action.PACKAGE_RETURN,
    status_code=201,
    body=Acquired,
    operation_id="record_acquisition",
    response_description="The record.",
)
async def record_acquisition(
    package_id: PackageId, request: Request, node: NodeOf, caller: OfficerOf
) -> Answer[AcquisitionView]:
    """Record that an exhibit was acquired independently, though a partner sent the same bytes."""
    content = await bodies.model_body(request, Acquired)
    new = NewAcquisition(content.exhibit, content.source, content.collector, content.collected)
    made = await run(acquisitions.record_acquisition, node, caller, package_id, new)
    return Answer(made, 201)


@router.route_for(
    "POST",
    "/packages/{package_id}/return",
    Action.PACKAGE_RETURN,
    body=Reason,
    status_code=204,
    operation_id="return_package",
)
async def give_back(
    package_id: PackageId, request: Request, node: NodeOf, caller: OfficerOf
) -> None:
    """Return a submitted package to its author."""
    content = await bodies.model_body(request, Reason)
    await run(evidence.give_back, node, caller, package_id, content.reason)


@router.route_for(
    "GET",
    "/packages/{package_id}/file",
    Action.PACKAGE_FETCH,
    operation_id="fetch_package",
    responses={200: {"description": "The package file.", "content": {"application/zip": {}}}},
)
async def file(package_id: PackageId, node: NodeOf, caller: OfficerOf) -> StreamingResponse:
    """Fetch the package file with exhibits, receipts and proof, checkable offline."""
    stream = await run(package_files.open_file, node, caller, package_id)
    name = f"{package_id[7:23]}.comity"
    return StreamingResponse(
        stream,
        media_type="application/zip",
        headers={
            "content-disposition": f'attachment; filename="{name}"',
            "cache-control": "no-store",
        },
    )
