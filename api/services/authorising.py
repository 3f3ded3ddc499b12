"""Asks the policy and hands out permits; the only module that makes a :class:`Permit`.

Owns: who a caller is to the policies, the question asked for an object, and how a refusal is
recorded and told apart from "not found". Must not change any object.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from api.domain.errors import NotFound, NotSignedIn, Refused
from api.domain.events import Act, Actor, Subject
from api.domain.four_eyes import Role
from api.ports.policy import NO_PERMIT, Action, PolicyDecision, Principal, Resource
from api.services import lending, recording
from api.services.lending import Lent
from api.services.node import Node
from api.wire.encoding import parse_instant


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes this call and through which door.

    Attributes:
        principal: what the policies see.
        iss: issuer of the officer's account; empty for peers and the node.
        sub: account at that issuer, or the peer's ministry id.
        origin: ``rest``, ``console``, ``peer``, ``job`` or ``operator``.
        request: request id.
        name: the officer's display name; never recorded in events.
        lent: what the officer may do in another's place; ``None`` when acting in own right.
        lent_roles: the roles so lent now.
        idempotency_key: of the call, if it carries one.
        read: digest of what the officer says to have read, where the call depends on it.
    """

    principal: Principal
    iss: str = ""
    sub: str = ""
    origin: str = "rest"
    request: str = ""
    name: str = ""
    lent: Lent | None = None
    lent_roles: frozenset[str] = frozenset()
    idempotency_key: str = ""
    read: str = ""

    @property
    def person(self) -> str:
        """The officer record behind the call."""
        return self.principal.person

    @property
    def authors(self) -> frozenset[str]:
        """Whose work it is that this caller writes: their own, and of whom they stand in for."""
        return frozenset({self.person} | ({self.lent.lender} if self.lent is not None else set()))

    @property
    def roles(self) -> frozenset[str]:
        """The roles that a statement may name this officer by."""
        return self.principal.roles | self.lent_roles

    @property
    def actor(self) -> Actor:
        """The form in which events name this caller."""
        lent = (f"{role}@{self.lent.lender}" for role in self.lent_roles) if self.lent else ()
        roles = "+".join([*sorted(self.principal.roles), *sorted(lent)])
        return Actor(self.principal.kind, self.iss, self.sub, roles)


@dataclass(frozen=True, slots=True)
class Permit:
    """Proof that the policy allowed one act; made by :func:`authorise` alone."""

    action: Action
    resource: Resource
    policies: tuple[str, ...]
    policy_set: str
    _made_by: object = field(repr=False, default=None)

    def __post_init__(self) -> None:
        if self._made_by is not _SEAL:
            raise TypeError("only services.authorising makes permits")


_SEAL = object()


def entry_of(caller: Caller, permit: Permit, act: Act, subject: Subject) -> recording.Entry:
    """Return the event of an act that the policy allowed this caller."""
    return recording.Entry(
        act=act,
        subject=subject,
        actor=caller.actor,
        origin=caller.origin,
        policies=permit.policies,
        policy_set=permit.policy_set,
        request=caller.request,
    )


def change_of(  # noqa: PLR0913 - the attributes of one kind of resource
    change_id: str,
    *,
    subject: str = "",
    proposer: str = "",
    role: str = "",
    holds_roles: frozenset[str] = frozenset(),
    outside: bool = False,
    time_limited: bool = False,
) -> Resource:
    """Return the resource of what takes two administrators.

    Args:
        change_id: names the change; ``new`` before there is one.
        subject: person id of whom it is about.
        proposer: person id of the first administrator, once there is one.
        role: the role that is given.
        holds_roles: the roles that the subject has.
        outside: whether the subject is not of this ministry.
        time_limited: whether the subject's account ends by itself.
    """
    return Resource(
        "change",
        change_id,
        {
            "subject": subject,
            "proposer": proposer,
            "role": role,
            "holds_roles": holds_roles,
            "outside": outside,
            "time_limited": time_limited,
        },
    )


def collection(name: str) -> Resource:
    """Return the resource of a list or singleton, such as ``packages`` or ``me``."""
    return Resource("collection", name)


def officer_caller(
    node: Node,
    iss: str,
    sub: str,
    *,
    origin: Literal["rest", "console", "operator"],
    request: str,
    in_place_of: str = "",
) -> Caller:
    """Return the caller behind a verified identity.

    Args:
        node: this node.
        iss: issuer of the account.
        sub: account at that issuer.
        origin: the door.
        request: request id.
        in_place_of: officer record of the person in whose place the caller acts; what that
            person did not lend is judged in the caller's own right.

    Raises:
        NotSignedIn: ``officer.unknown``: the account is nobody's here.
    """
    found = node.standings.of(node.db, iss, sub, node.now())
    if found is None:
        raise NotSignedIn(
            "officer.unknown",
            "Your account is not known at this node: ask its administrators to add you.",
        )
    person = found.officer
    lent = None
    if in_place_of:
        lent = node.db.read(
            lambda connection: lending.load(connection, in_place_of, person, node.now())
        )
    expires = None
    if found.expires_at is not None:
        expires = int(parse_instant(found.expires_at).timestamp())
    principal = Principal(
        kind="officer",
        id=found.officer,
        ministry=node.ministry,
        roles=found.roles,
        person=found.officer,
        key_kids=found.kids,
        active=found.active,
        outside=found.outside,
        expires=expires,
    )
    lent_roles = lent.roles(node.clock.now()) if lent is not None else frozenset()
    return Caller(principal, iss, sub, origin, request, found.name, lent, lent_roles)


def peer_caller(node: Node, ministry: str, *, request: str = "", origin: str = "peer") -> Caller:
    """Return the caller for another ministry's node whose signature was verified."""
    active = node.membership.find(ministry) is not None
    principal = Principal(kind="peer", id=ministry, ministry=ministry, active=active)
    return Caller(principal, sub=ministry, origin=origin, request=request)


def node_caller(node: Node, *, origin: str = "job") -> Caller:
    """Return the caller for the node's own acts."""
    return Caller(Principal(kind="node", id=node.ministry, ministry=node.ministry), origin=origin)


def context(node: Node, form: str | None = None) -> dict[str, int | str]:
    """Return the circumstances of a question: the time, and how the officer signs."""
    members: dict[str, int | str] = {"now": int(node.clock.now().timestamp())}
    if form is not None:
        members["form"] = form
    return members


def authorise(
    node: Node,
    caller: Caller,
    action: Action,
    resource: Resource,
    *,
    form: str | None = None,
    visible_by: Action | None = None,
) -> Permit:
    """Return a permit for the act, or record the refusal and raise.

    Args:
        node: this node.
        caller: who asks.
        action: what they want to do.
        resource: to which object.
        form: how the officer signs the act (``jws``, ``webauthn``, ``recorded``).
        visible_by: the action that decides whether the caller may know that the object exists;
            if the policy denies that too, the answer is the same as for an absent object. ``None``
            for collections and for objects that everyone signed in may know of.

    Raises:
        Refused: with the policy's code and the deciding policies.
        NotFound: ``<kind>.unknown``.
    """
    principal = principal_of(node, caller, action)
    decision = node.decider.decide(principal, action, resource, context(node, form))
    if decision.allowed:
        return Permit(action, resource, decision.policies, decision.policy_set, _SEAL)
    hidden = visible_by is not None and (
        visible_by == action or not may(node, caller, visible_by, resource)
    )
    record_refusal(node, caller, resource, decision)
    if hidden:
        raise unknown(resource.kind, decision.policies)
    reason = " ".join(decision.reasons) or "No policy permits this."
    able = []
    if decision.code == NO_PERMIT:
        able = _roles_that_may(node, caller, action, resource, form)
    if able:
        reason = f"{reason} These roles may: {', '.join(able)}."
    raise Refused(decision.code, reason, decision.policies, action=str(action))


def _roles_that_may(
    node: Node, caller: Caller, action: Action, resource: Resource, form: str | None
) -> list[str]:
    """Return the roles in each of which this officer would be permitted just this act.

    The policies are asked, not read: what else they require of the person or the object counts.
    """
    if caller.principal.kind != "officer":
        return []
    circumstances = context(node, form)
    return [
        role.value
        for role in Role
        if node.decider.decide(
            replace(caller.principal, roles=frozenset({role.value})),
            action,
            resource,
            circumstances,
        ).allowed
    ]


def visible(
    node: Node, caller: Caller, action: Action, resources: Sequence[Resource]
) -> list[bool]:
    """Return which of these objects the caller may see, by the same policies as a read."""
    principal = principal_of(node, caller, action)
    decisions = node.decider.decide_many(principal, action, resources, context(node))
    return [decision.allowed for decision in decisions]


def may(
    node: Node, caller: Caller, action: Action, resource: Resource, form: str | None = None
) -> bool:
    """Tell whether the act would be allowed, recording nothing; for views, never for acts."""
    principal = principal_of(node, caller, action)
    return node.decider.decide(principal, action, resource, context(node, form)).allowed


def principal_of(node: Node, caller: Caller, action: Action) -> Principal:
    """Return what the policies see of a caller for one act, lent roles included."""
    if caller.lent is None:
        return caller.principal
    return lending.principal_for(caller.principal, caller.lent, action, node.clock.now())


def record_refusal(
    node: Node, caller: Caller, resource: Resource, decision: PolicyDecision
) -> None:
    """Write the event of a refused act, with the deciding policies."""
    node.db.write(
        lambda unit: recording.record(
            node,
            unit,
            recording.Entry(
                actor=caller.actor,
                act=Act.ACCESS_REFUSED,
                subject=Subject(resource.kind, resource.id),
                origin=caller.origin,
                outcome="refused",
                code=decision.code,
                policies=decision.policies,
                policy_set=decision.policy_set,
                request=caller.request,
            ),
        )
    )


def unknown(kind: str, policies: tuple[str, ...] = ()) -> NotFound:
    """Return the one answer for "absent" and for "not for you"."""
    return NotFound(f"{kind}.unknown", f"There is no such {kind} here.", policies)
