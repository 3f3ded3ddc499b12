"""The four-eyes table: which roles prepare, approve and confirm each type of statement.

Owns the roles of officers, which of them exclude each other, and the table as a checked value.
Reads no file (adapters do) and decides no request (policies do); services copy a row's members
into the attributes of a draft.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, Self

from api.wire.types import STATEMENT_TYPES, Maker


class Role(StrEnum):
    """Roles an officer can be granted, in alphabetical order."""

    ADMINISTRATOR = "administrator"
    ANALYST = "analyst"
    AUDITOR = "auditor"
    REVIEWER = "reviewer"


DESK: Final = frozenset({Role.ANALYST.value, Role.REVIEWER.value})
"""Roles that work on statements, and the only ones that can be lent."""

_TYPES: Final = {row.kind: row for row in STATEMENT_TYPES.values()}
_PARTS: Final = frozenset({"prepared", "approved"})
_ROW_MEMBERS: Final = frozenset(
    {
        "prepared_by",
        "approved_by",
        "confirmed_by",
        "confirm_within_hours",
        "own_key",
        "reads_exhibits",
        "sealed_by_node",
    }
)


class FourEyesError(ValueError):
    """The table cannot be used: unreadable, incomplete, or weaker than the floor."""


def conflicting(roles: frozenset[str]) -> bool:
    """Say whether one person may not hold these roles together.

    Administrator stays apart from analyst and reviewer; auditor stays apart from every other role.
    """
    if Role.AUDITOR in roles and len(roles) > 1:
        return True
    return Role.ADMINISTRATOR in roles and bool(roles & DESK)


@dataclass(frozen=True, slots=True)
class Row:
    """One type of statement.

    Attributes:
        statement_type: Without version, such as `release`.
        prepared_by: Roles that may write drafts of it.
        approved_by: Roles that may approve it; empty when it needs no approval before it leaves.
        confirmed_by: Roles that confirm it after it left; empty when nobody has to.
        confirm_within_hours: Hours after which a missing confirmation is an alarm, or None.
        own_key: Parts (`prepared`, `approved`) that need the officer's own key or passkey.
        reads_exhibits: Parts (`prepared`, `approved`) whose officer must have opened every exhibit
            behind the draft before it is approved.
        sealed_by_node: The node composes it; no officer prepares it.
    """

    statement_type: str
    prepared_by: frozenset[str] = frozenset()
    approved_by: frozenset[str] = frozenset()
    confirmed_by: frozenset[str] = frozenset()
    confirm_within_hours: int | None = None
    own_key: frozenset[str] = frozenset()
    reads_exhibits: frozenset[str] = frozenset()
    sealed_by_node: bool = False

    @property
    def needs_approval(self) -> bool:
        """Whether a second person must approve before the statement exists."""
        return bool(self.approved_by)

    @property
    def needs_confirmation(self) -> bool:
        """Whether a second person must confirm after the statement left."""
        return bool(self.confirmed_by)


@dataclass(frozen=True, slots=True)
class FourEyes:
    """The whole table, one row per type of statement."""

    rows: Mapping[str, Row]

    @classmethod
    def parse(cls, table: Mapping[str, Any]) -> Self:
        """Check a decoded table (type → row members) and make it a value.

        Raises:
            FourEyesError: A type is missing or unknown, a row has an unknown member or role, or a
                row is weaker than the floor that every statement which leaves has a second person.
        """
        unknown = sorted(set(table) - set(_TYPES))
        missing = sorted(set(_TYPES) - set(table))
        if unknown or missing:
            raise FourEyesError(
                f"The four-eyes table must have exactly one row per type of statement: "
                f"unknown {unknown}, missing {missing}."
            )
        rows = {name: _row(name, members) for name, members in table.items()}
        for row in rows.values():
            _check_floor(row)
        return cls(MappingProxyType(rows))

    def row(self, statement_type: str) -> Row:
        """Return the row of a type, given with its version (`release/1`) or without.

        Raises:
            FourEyesError: No such type.
        """
        found = self.rows.get(statement_type.partition("/")[0])
        if found is None:
            raise FourEyesError("There is no such type of statement in the four-eyes table.")
        return found


def _row(name: str, members: Any) -> Row:
    if not isinstance(members, Mapping) or set(members) - _ROW_MEMBERS:
        raise FourEyesError(f"Row {name} may only have the members {sorted(_ROW_MEMBERS)}.")
    hours = members.get("confirm_within_hours")
    if hours is not None and (isinstance(hours, bool) or not isinstance(hours, int) or hours < 1):
        raise FourEyesError(f"Row {name}: confirm_within_hours must be a whole number of hours.")
    by_node = members.get("sealed_by_node", False)
    if not isinstance(by_node, bool):
        raise FourEyesError(f"Row {name}: sealed_by_node must be true or false.")
    return Row(
        statement_type=name,
        prepared_by=_role_names(name, members, "prepared_by", DESK),
        approved_by=_role_names(name, members, "approved_by", DESK),
        confirmed_by=_role_names(name, members, "confirmed_by", DESK),
        confirm_within_hours=hours,
        own_key=_role_names(name, members, "own_key", _PARTS),
        reads_exhibits=_role_names(name, members, "reads_exhibits", _PARTS),
        sealed_by_node=by_node,
    )


def _role_names(
    row: str, members: Mapping[str, Any], member: str, known: frozenset[str]
) -> frozenset[str]:
    value = members.get(member, [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise FourEyesError(f"Row {row}: {member} must be a list of words.")
    names = frozenset(value)
    if names - known:
        raise FourEyesError(f"Row {row}: {member} may only name {sorted(known)}.")
    return names


def _check_floor(row: Row) -> None:
    name = row.statement_type
    known = _TYPES[name]
    if known.by_node is not row.sealed_by_node:
        raise FourEyesError(f"Row {name}: the node seals what it says of itself, nothing else.")
    if row.sealed_by_node:
        if row.prepared_by | row.approved_by | row.confirmed_by:
            raise FourEyesError(f"Row {name}: the node seals it, so no role may be named.")
        return
    if not row.prepared_by:
        raise FourEyesError(f"Row {name}: some role must prepare it.")
    if known.maker is Maker.TWO_OFFICERS and not row.approved_by | row.confirmed_by:
        raise FourEyesError(f"Row {name}: it leaves the ministry, so a second person is needed.")
    if row.reads_exhibits and not row.approved_by:
        raise FourEyesError(f"Row {name}: reads_exhibits is asked when somebody approves.")
    if row.confirmed_by and name != "recall":
        raise FourEyesError(f"Row {name}: only a recall may leave first and be confirmed later.")
    if bool(row.confirmed_by) != (row.confirm_within_hours is not None):
        raise FourEyesError(f"Row {name}: confirmed_by and confirm_within_hours go together.")
    if known.own_key and "prepared" not in row.own_key:
        raise FourEyesError(f"Row {name}: it needs a key of its author's own.")
