"""The policy port: who may do what to which object, asked in one shape and answered with reasons.

Owns the vocabulary of authorisation (principals, actions, resources, decisions) and the contract of
the engine behind it. Must not know which engine decides, read a file, or look at a clock: the
instant of the request travels in the context.

Contract of a `Decider`:

* It never raises on a question it cannot answer. Whatever cannot be evaluated is denied with code
  `policy.evaluation-error` and the engine's complaint in `errors`.
* It is safe to call from several threads at once.
* The same question under the same `policy_set` has the same answer.
* `decide_many` answers exactly as `decide` would for each resource, so that a list and a read can
  never disagree.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Literal, Protocol, TypeAlias

AttributeValue: TypeAlias = bool | int | str | frozenset[str]
ContextValue: TypeAlias = bool | int | str

PERMITTED: Final = "policy.permitted"
NO_PERMIT: Final = "policy.no-permit"
EVALUATION_ERROR: Final = "policy.evaluation-error"


class Action(StrEnum):
    """Every act that needs a decision, named object.verb, in alphabetical order.

    A member added here needs its line in the schema and its row in `policies/cases/matrix.toml`;
    the tests fail until it has both.
    """

    AUDIT_ERASE_APPROVE = "audit.erase-approve"
    AUDIT_ERASE_PROPOSE = "audit.erase-propose"
    AUDIT_EXPORT = "audit.export"
    AUDIT_LIST = "audit.list"
    AUDIT_NOTE = "audit.note"
    AUDIT_SAMPLE = "audit.sample"
    CHANGE_PREVIEW = "change.preview"
    COVERAGE_FOLLOW = "coverage.follow"
    COVERAGE_READ = "coverage.read"
    DEADLINE_EXPIRE = "deadline.expire"
    DELEGATION_APPROVE = "delegation.approve"
    DELEGATION_END = "delegation.end"
    DELEGATION_LIST = "delegation.list"
    DELEGATION_PROPOSE = "delegation.propose"
    DESIGNATION_LIST = "designation.list"
    DESIGNATION_READ = "designation.read"
    DIARY_RECORD = "diary.record"
    DRAFT_APPROVE = "draft.approve"
    DRAFT_CONFIRM = "draft.confirm"
    DRAFT_CREATE = "draft.create"
    DRAFT_DISCARD = "draft.discard"
    DRAFT_EDIT = "draft.edit"
    DRAFT_LIST = "draft.list"
    DRAFT_PREVIEW = "draft.preview"
    DRAFT_READ = "draft.read"
    DRAFT_RETURN = "draft.return"
    DRAFT_SEND = "draft.send"
    EXHIBIT_FETCH = "exhibit.fetch"
    EXHIBIT_READ = "exhibit.read"
    EXHIBIT_WRITE = "exhibit.write"
    GRANT_APPROVE = "grant.approve"
    GRANT_LIST = "grant.list"
    GRANT_PROPOSE = "grant.propose"
    GRANT_REVOKE = "grant.revoke"
    HEAD_ANCHOR = "head.anchor"
    KEY_APPROVE = "key.approve"
    KEY_LIST = "key.list"
    KEY_PROPOSE = "key.propose"
    KEY_REQUEST = "key.request"
    KEY_REVOKE = "key.revoke"
    LIST_IMPORT = "list.import"
    LIST_READ = "list.read"
    LOG_COSIGN = "log.cosign"
    LOG_READ = "log.read"
    ME_READ = "me.read"
    MEMBERSHIP_APPROVE = "membership.approve"
    MEMBERSHIP_PROPOSE = "membership.propose"
    MESSAGE_DELIVER = "message.deliver"
    MESSAGE_FETCH = "message.fetch"
    MIRROR_LIST = "mirror.list"
    MIRROR_READ = "mirror.read"
    NODE_STATUS = "node.status"
    NODE_STOP = "node.stop"
    OFFICER_APPROVE = "officer.approve"
    OFFICER_LIST = "officer.list"
    OFFICER_PROPOSE = "officer.propose"
    OFFICER_READ = "officer.read"
    OFFICER_REINSTATE_APPROVE = "officer.reinstate-approve"
    OFFICER_REINSTATE_PROPOSE = "officer.reinstate-propose"
    OFFICER_SUSPEND = "officer.suspend"
    OFFICER_SUSPEND_CONFIRM = "officer.suspend-confirm"
    PACKAGE_FETCH = "package.fetch"
    PACKAGE_HOLDERS = "package.holders"
    PACKAGE_LIST = "package.list"
    PACKAGE_READ = "package.read"
    PACKAGE_RETURN = "package.return"
    PACKAGE_SUBMIT = "package.submit"
    PEER_LIST = "peer.list"
    PEER_READ = "peer.read"
    PROPOSAL_ENDORSE = "proposal.endorse"
    PROPOSAL_LAPSE = "proposal.lapse"
    PROPOSAL_LIST = "proposal.list"
    PROPOSAL_READ = "proposal.read"
    PROPOSAL_RETURN = "proposal.return"
    RECUSAL_LIFT = "recusal.lift"
    RECUSAL_LIST = "recusal.list"
    RECUSAL_RECORD = "recusal.record"
    REGIME_APPROVE = "regime.approve"
    REGIME_LIST = "regime.list"
    REGIME_PROPOSE = "regime.propose"
    RELYING_PARTY_APPROVE = "relying-party.approve"
    RELYING_PARTY_PROPOSE = "relying-party.propose"
    RESTORE_WAIVE_APPROVE = "restore.waive-approve"
    RESTORE_WAIVE_PROPOSE = "restore.waive-propose"
    STATEMENT_APPLY = "statement.apply"
    STREAM_EPOCH_APPROVE = "stream.epoch-approve"
    STREAM_EPOCH_PROPOSE = "stream.epoch-propose"
    STREAM_RULE = "stream.rule"
    SUBJECT_SEARCH = "subject.search"
    SUBJECT_WATCH = "subject.watch"
    TASK_ASSIGN = "task.assign"
    TASK_CLOSE = "task.close"
    TASK_LIST = "task.list"
    VERDICT_RECORD = "verdict.record"


class ResourceKind(StrEnum):
    """Kinds of resource, each with the attributes that a question about it must carry.

    Every attribute is required and no other is accepted; a question that breaks this is denied.
    Sets hold person ids unless said otherwise. `policies/schema.cedarschema` is the typed form.

    * `collection`: none. Lists and singletons, by name as the id: `drafts`, `packages`, `me`,
      `tasks`, `log`, `node`, `coverage`, `subjects`, ...
    * `draft`: statement_type (`release`), authors, preparer (person id), prepared_by, approved_by,
      confirmed_by, own_key (from the four-eyes table: role names; own_key holds `prepared` and
      `approved`), recused, ministry (owner), state.
    * `package`: ministry (originator), recused, released_to (ministry ids with an active release),
      own_key (as in a draft).
    * `exhibit`: recused, released_to.
    * `proposal`: ministry, authors, recused.
    * `designation`: ministry (the ministry that stated it), recused.
    * `thread`: requester, addressee (ministry ids), recused.
    * `subject`: none.
    * `task`: holder (person who works on it, or empty).
    * `change`: what two administrators decide (grant, key, officer record, suspension, relying
      party, membership, epoch, erasure, waiver): subject (person concerned, or empty), proposer
      (person, or empty while proposing), role (granted role, or empty), holds_roles (role names
      the subject holds or has been offered), outside (bool: an account from outside the
      ministry), time_limited (bool: the account or grant has an end).
    * `delegation`: delegator, delegate, proposer (persons), role (lent role), holds_roles (role
      names of the delegate).
    * `recusal`: person (whom it concerns).
    * `officer`: person.
    * `peer`: ministry.
    * `stream`: peer (ministry id of the sender).
    * `statement`: statement_type, issuer, to (ministry ids), ministry (this node's).
    """

    CHANGE = "change"
    COLLECTION = "collection"
    DELEGATION = "delegation"
    DESIGNATION = "designation"
    DRAFT = "draft"
    EXHIBIT = "exhibit"
    OFFICER = "officer"
    PACKAGE = "package"
    PEER = "peer"
    PROPOSAL = "proposal"
    RECUSAL = "recusal"
    STATEMENT = "statement"
    STREAM = "stream"
    SUBJECT = "subject"
    TASK = "task"
    THREAD = "thread"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks.

    Attributes:
        kind: `officer` (a person of this ministry), `peer` (another ministry's node) or `node`
            (this installation itself, for dispositions, deadlines and anchors).
        id: Officer record id, or ministry id for a peer or the node.
        ministry: Ministry id.
        roles: Role names in force for this call, lent ones included.
        person: Officer record id of the human; one record holds every (iss, sub) of that human.
            Empty for peers and nodes.
        key_kids: Thumbprints of the officer's enrolled keys.
        active: False for a suspended officer or a member that was cut off.
        outside: True for an account of someone who is not of the ministry (outside auditor).
        expires: Epoch second at which the account ends, or None.
        acting_for: Persons on whose delegation this call relies.
    """

    kind: Literal["officer", "peer", "node"]
    id: str
    ministry: str
    roles: frozenset[str] = frozenset()
    person: str = ""
    key_kids: frozenset[str] = frozenset()
    active: bool = True
    outside: bool = False
    expires: int | None = None
    acting_for: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Resource:
    """On what. The attributes each kind must carry are listed at `ResourceKind`."""

    kind: str
    id: str
    attributes: Mapping[str, AttributeValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PolicyDecision:
    """The answer, with everything an event or a problem document says about it.

    Attributes:
        allowed: True only if a permit matched, no forbid matched and nothing failed.
        policies: `@id` of the deciding policies: the matching forbids of a refusal, else the
            matching permits. In the order of the policy files, guardrails first.
        reasons: One sentence per deciding policy, or one that says that none permits.
        code: `policy.permitted`, `policy.no-permit`, `policy.evaluation-error`, or the `@code` of
            the first deciding forbid, such as `policy.own-work`.
        policy_set: Digest of the policy set that decided.
        errors: What the engine complained of; empty unless code is `policy.evaluation-error`.
    """

    allowed: bool
    policies: tuple[str, ...]
    reasons: tuple[str, ...]
    code: str
    policy_set: str
    errors: tuple[str, ...] = ()


class Decider(Protocol):
    """The contract in the module docstring.

    `context` members: `now` (int, epoch seconds; required), `form` (str: `jws`, `webauthn` or
    `recorded`; required where an officer signs or approves, else absent).
    """

    @property
    def policy_set(self) -> str:
        """Digest of the loaded policies, schema and four-eyes table, `sha256:<hex>`."""
        ...

    def decide(
        self,
        principal: Principal,
        action: str,
        resource: Resource,
        context: Mapping[str, ContextValue],
    ) -> PolicyDecision:
        """Decide one question."""
        ...

    def decide_many(
        self,
        principal: Principal,
        action: str,
        resources: Sequence[Resource],
        context: Mapping[str, ContextValue],
    ) -> list[PolicyDecision]:
        """Decide the same question for each resource, in order."""
        ...
