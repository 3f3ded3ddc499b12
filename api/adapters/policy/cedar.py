"""The policy port on Cedar, through the `cedarpy` binding.

Owns the translation of a question into Cedar's terms and of Cedar's answer into a decision. Must
not hold rules of its own: what is allowed is written in `policies/` only.

Two habits of the engine shape this module. A policy that fails to evaluate is skipped, be it a
forbid, so any complaint of the engine makes the answer a refusal. And evaluation time grows with
the number of policies, so the set is cut once per action to those whose head can match it, which
changes no answer: a policy whose head does not match can neither permit nor forbid.
"""

import json
import re
from collections.abc import Hashable, Mapping, Sequence
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any, Final, Self

import cedarpy

from api.adapters.policy.loading import (
    PolicyBundle,
    PolicyText,
    declaration_of,
    load,
    slice_for,
)
from api.domain.four_eyes import FourEyes
from api.ports.policy import (
    EVALUATION_ERROR,
    NO_PERMIT,
    PERMITTED,
    Action,
    ContextValue,
    PolicyDecision,
    Principal,
    Resource,
    ResourceKind,
)

_PRINCIPAL_TYPES: Final = {"officer": "Officer", "peer": "Partner", "node": "Node"}
_RESOURCE_TYPES: Final[Mapping[str, str]] = {
    ResourceKind.CHANGE: "Change",
    ResourceKind.COLLECTION: "Collection",
    ResourceKind.DELEGATION: "Delegation",
    ResourceKind.DESIGNATION: "Designation",
    ResourceKind.DRAFT: "Draft",
    ResourceKind.EXHIBIT: "Exhibit",
    ResourceKind.OFFICER: "OfficerRecord",
    ResourceKind.PACKAGE: "Package",
    ResourceKind.PEER: "PeerRecord",
    ResourceKind.PROPOSAL: "Proposal",
    ResourceKind.RECUSAL: "Recusal",
    ResourceKind.STATEMENT: "Statement",
    ResourceKind.STREAM: "Stream",
    ResourceKind.SUBJECT: "Subject",
    ResourceKind.TASK: "Task",
    ResourceKind.THREAD: "Thread",
}
_PRINCIPALS_KEPT: Final = 4096
_ANSWERS_KEPT: Final = 1024
_COMPLAINT_LENGTH: Final = 300
_QUOTED_DOCUMENT: Final = re.compile(r"failed to parse entities from:\n.*\]: ", re.DOTALL)
_QUOTED_VALUE: Final = re.compile(r": `[^`]*`$")


class CedarDecider:
    """A `Decider` over one policy directory. What it keeps follows from the questions alone."""

    def __init__(self, bundle: PolicyBundle) -> None:
        """Build the handles.

        Args:
            bundle: A loaded and validated policy directory.

        Raises:
            PolicyError: An action of the port is unknown to the schema.
        """
        self._bundle = bundle
        self._actions = frozenset(str(action) for action in Action)
        for action in self._actions:
            declaration_of(bundle, action)
        # Cut when first asked about: parsing them all takes a third of a second.
        self._slice = cache(partial(slice_for, bundle))
        self._answers: dict[Hashable, PolicyDecision] = {}
        self._principal_entities = lru_cache(maxsize=_PRINCIPALS_KEPT)(self._load_principal)

    @classmethod
    def from_directory(cls, directory: Path) -> Self:
        """Load a policy directory.

        Raises:
            PolicyError: The directory cannot be used (see `loading.load`).
        """
        return cls(load(directory))

    def afresh(self) -> Self:
        """Return a decider of the same policies that keeps nothing yet."""
        return type(self)(self._bundle)

    @property
    def policy_set(self) -> str:
        """Digest of every file that decides."""
        return self._bundle.digest

    @property
    def four_eyes(self) -> FourEyes:
        """The four-eyes table that was loaded with the policies."""
        return self._bundle.four_eyes

    @property
    def policies(self) -> Mapping[str, PolicyText]:
        """Every policy by id, for display."""
        return self._bundle.policies

    def decide(
        self,
        principal: Principal,
        action: str,
        resource: Resource,
        context: Mapping[str, ContextValue],
    ) -> PolicyDecision:
        """Decide one question; see `api.ports.policy.Decider`.

        An answer follows from the question alone, so the same one within the same second is not
        asked again.
        """
        question = self._question(principal, action, resource, context)
        found = self._answers.get(question) if question is not None else None
        if found is None:
            found = self._answer(principal, action, (resource,), context)[0]
            if question is not None and not found.errors:
                if len(self._answers) >= _ANSWERS_KEPT:
                    self._answers.clear()
                self._answers[question] = found
        return found

    def _question(
        self,
        principal: Principal,
        action: str,
        resource: Resource,
        context: Mapping[str, ContextValue],
    ) -> Hashable | None:
        """Return all that an answer follows from; ``None`` where a policy names some object."""
        if action not in self._actions or not self._slice(action).by_facts:
            return None
        question = (principal, action, _told_apart_by(resource), _typed(context))
        try:
            hash(question)
        except TypeError:  # a fact of a kind that no schema knows
            return None
        return question

    def decide_many(
        self,
        principal: Principal,
        action: str,
        resources: Sequence[Resource],
        context: Mapping[str, ContextValue],
    ) -> list[PolicyDecision]:
        """Decide one question per resource with a single call of the engine.

        Resources with the same facts are one question, unless a policy names some of them.

        If the page as a whole cannot be taken in (one resource breaks the schema, or two carry the
        same id with other attributes), each is decided alone, so that only the bad ones are denied.
        """
        if not resources:
            return []
        try:
            asked, places = self._alike(action, resources)
            found = self._ask(principal, action, asked, context)
            if any(one.errors for one in found):
                return self._ask(principal, action, resources, context)
            return [found[place] for place in places]
        except _Unanswerable:
            return [self.decide(principal, action, resource, context) for resource in resources]

    def _alike(
        self, action: str, resources: Sequence[Resource]
    ) -> tuple[Sequence[Resource], Sequence[int]]:
        """Return the resources to ask about, and for each that was given the place of its like."""
        if action not in self._actions or not self._slice(action).by_facts:
            return resources, range(len(resources))
        asked: dict[tuple[Any, ...], tuple[int, Resource]] = {}
        try:
            places = [
                asked.setdefault(_told_apart_by(one), (len(asked), one))[0] for one in resources
            ]
        except TypeError:  # a fact of a kind that no schema knows: the engine says so
            return resources, range(len(resources))
        return [one for _, one in asked.values()], places

    def _answer(
        self,
        principal: Principal,
        action: str,
        resources: Sequence[Resource],
        context: Mapping[str, ContextValue],
    ) -> list[PolicyDecision]:
        try:
            return self._ask(principal, action, resources, context)
        except _Unanswerable as error:
            return [self._failed((str(error),)) for _ in resources]

    def _ask(
        self,
        principal: Principal,
        action: str,
        resources: Sequence[Resource],
        context: Mapping[str, ContextValue],
    ) -> list[PolicyDecision]:
        if action not in self._actions:
            raise _Unanswerable("This action is not known to the policies.")
        try:
            part = self._slice(action)
            uids = [_resource_uid(resource) for resource in resources]
            delta = json.dumps(_resource_entities(resources, uids))
            circumstances = json.dumps(dict(context))
        except (ValueError, TypeError, KeyError) as error:
            raise _Unanswerable("The question cannot be put into the engine's terms.") from error
        try:
            entities = self._principal_entities(principal, action).with_added_json_str(
                delta, part.schema
            )
            requests = [
                {
                    "principal": _principal_uid(principal),
                    "action": f'Action::"{action}"',
                    "resource": uid,
                    "context": circumstances,
                }
                for uid in uids
            ]
            results = cedarpy.is_authorized_batch(requests, part.policies, entities, part.schema)
        except (ValueError, TypeError, KeyError) as error:
            raise _Unanswerable(_diagnosis(delta, part.schema) or _complaint(error)) from error
        return [self._decision(action, result) for result in results]

    def _decision(self, action: str, result: cedarpy.AuthzResult) -> PolicyDecision:
        diagnostics = result.diagnostics
        if diagnostics.errors or result.decision is cedarpy.Decision.NoDecision:
            return self._failed(tuple(_complaint(error) for error in diagnostics.errors))
        deciding = sorted(
            (self._bundle.policies[identity] for identity in diagnostics.reasons),
            key=lambda policy: policy.rank,
        )
        if not deciding:
            return PolicyDecision(
                allowed=False,
                policies=(),
                reasons=(f"No policy permits {action} here.",),
                code=NO_PERMIT,
                policy_set=self._bundle.digest,
            )
        return PolicyDecision(
            allowed=result.allowed,
            policies=tuple(policy.id for policy in deciding),
            reasons=tuple(policy.reason for policy in deciding),
            code=PERMITTED if result.allowed else deciding[0].code,
            policy_set=self._bundle.digest,
        )

    def _failed(self, errors: tuple[str, ...]) -> PolicyDecision:
        return PolicyDecision(
            allowed=False,
            policies=(),
            reasons=("The policies could not be evaluated, so nothing is allowed.",),
            code=EVALUATION_ERROR,
            policy_set=self._bundle.digest,
            errors=errors or ("The engine gave no decision.",),
        )

    def _load_principal(self, principal: Principal, action: str) -> cedarpy.Entities:
        entity = {
            "uid": _principal_uid(principal),
            "attrs": _principal_attributes(principal),
            "parents": [],
        }
        return cedarpy.Entities.from_json_str(json.dumps([entity]), self._slice(action).schema)


class _Unanswerable(Exception):  # noqa: N818 - not an error of the caller's making
    """The engine could not take the question in."""


def _principal_uid(principal: Principal) -> dict[str, str]:
    return {"type": _PRINCIPAL_TYPES[principal.kind], "id": principal.id}


def _principal_attributes(principal: Principal) -> dict[str, Any]:
    if principal.kind == "node":
        return {"ministry": principal.ministry}
    if principal.kind == "peer":
        return {"ministry": principal.ministry, "active": principal.active}
    attributes: dict[str, Any] = {
        "ministry": principal.ministry,
        "person": principal.person,
        "roles": sorted(principal.roles),
        "acting_for": sorted(principal.acting_for),
        "active": principal.active,
        "outside": principal.outside,
    }
    if principal.expires is not None:
        attributes["expires"] = principal.expires
    return attributes


def _resource_uid(resource: Resource) -> dict[str, str]:
    return {"type": _RESOURCE_TYPES[resource.kind], "id": resource.id}


def _told_apart_by(resource: Resource) -> tuple[Any, ...]:
    """Return what policies can know of a resource that none of them names.

    An id outside ASCII stays its own case: the engine refuses what is no Unicode.
    """
    own = "" if resource.id.isascii() else resource.id
    return (resource.kind, own, _typed(resource.attributes))


def _typed(members: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return members so that they compare as the engine sees them: ``1`` is no ``True``."""
    return tuple(sorted((name, type(value).__name__, value) for name, value in members.items()))


def _resource_entities(
    resources: Sequence[Resource], uids: Sequence[dict[str, str]]
) -> list[dict[str, Any]]:
    unique: dict[tuple[str, str], dict[str, Any]] = {}
    for resource, uid in zip(resources, uids, strict=True):
        attributes = {
            name: sorted(value) if isinstance(value, frozenset) else value
            for name, value in resource.attributes.items()
        }
        entity = {"uid": uid, "attrs": attributes, "parents": []}
        if unique.setdefault((uid["type"], uid["id"]), entity) != entity:
            raise ValueError("Two resources of one page have the same id and differ.")
    return list(unique.values())


def _diagnosis(entities: str, schema: cedarpy.Schema) -> str:
    """Say which attribute does not fit: only the slow form of the call names it."""
    question = {"principal": 'Node::"?"', "action": 'Action::"?"', "resource": 'Subject::"?"'}
    errors = cedarpy.is_authorized(question, "", entities, schema).diagnostics.errors
    return _complaint(errors[0]) if errors and "failed to parse entities" in errors[0] else ""


def _complaint(error: object) -> str:
    """The engine's complaint, without the document and the value it quotes from the question."""
    text = _QUOTED_VALUE.sub("", _QUOTED_DOCUMENT.sub("", str(error)))
    return text[:_COMPLAINT_LENGTH]
