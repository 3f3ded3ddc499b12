"""Reads the policy directory: Cedar texts, schema and four-eyes table, checked as one set.

Owns how files become a policy set and its digest, and every reason to refuse to start. Decides
nothing (cedar.py does).
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cedarpy

from api.domain.errors import Invalid
from api.domain.four_eyes import FourEyes, FourEyesError

SCHEMA_FILE: Final = "schema.cedarschema"
FOUR_EYES_FILE: Final = "four-eyes.toml"
GUARDRAILS_FILE: Final = "guardrails.cedar"


class PolicyError(Invalid):
    """The policy directory cannot be used; the node must not start with it.

    Args:
        sentence: which file, policy or example, and what is wrong with it.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__("policy.unusable", sentence)


@dataclass(frozen=True, slots=True)
class PolicyText:
    """One policy: its annotations and its form in Cedar's JSON."""

    id: str
    code: str
    reason: str
    effect: str
    rank: int
    actions: frozenset[str] | None
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PolicyBundle:
    """A loaded and validated directory.

    Attributes:
        policies: By id, in the order of the files, guardrails first.
        schema: The schema in the engine's own normal form: one declaration a block.
        four_eyes: The checked table.
        digest: `sha256:<hex>` over name and bytes of every file that decides.
    """

    policies: Mapping[str, PolicyText]
    schema: str
    four_eyes: FourEyes
    digest: str


def load(directory: Path) -> PolicyBundle:
    """Load `*.cedar`, the schema and the four-eyes table of a directory.

    Raises:
        PolicyError: A file is missing or unreadable, a policy does not parse or fits the schema
            badly, lacks an annotation, or shares its id with another.
    """
    files = _read_policies(directory)
    schema_text = files[SCHEMA_FILE].decode()
    try:
        schema = cedarpy.Schema.from_str(schema_text)
    except ValueError as error:
        raise PolicyError(f"{SCHEMA_FILE} is not a Cedar schema: {error}") from error
    policies: dict[str, PolicyText] = {}
    for name in sorted(_cedar_files(files), key=lambda name: (name != GUARDRAILS_FILE, name)):
        for policy in _parse(name, files[name].decode(), schema, rank=len(policies)):
            if policy.id in policies:
                raise PolicyError(f"{name}: two policies have the id {policy.id}.")
            policies[policy.id] = policy
    return PolicyBundle(policies, str(schema), _four_eyes(files[FOUR_EYES_FILE]), _digest(files))


@dataclass(frozen=True, slots=True)
class ActionSlice:
    """What a question about one action needs: the policies and declarations that can matter.

    Attributes:
        policies: those whose head can match.
        schema: every entity type, this action and its groups.
        by_facts: no policy names an entity, so that two objects with the same facts are one case.
    """

    policies: cedarpy.PolicySet
    schema: cedarpy.Schema
    by_facts: bool


def slice_for(bundle: PolicyBundle, action: str) -> ActionSlice:
    """Cut the bundle down to one action, changing no answer about it.

    Policies stay in unless their head names actions or groups of which this action is none. The
    schema keeps every entity type, this action and its groups.

    Raises:
        PolicyError: The schema does not declare the action.
    """
    own = declaration_of(bundle, action)
    groups = frozenset(re.findall(r'Action::"([^"]+)"', own))
    kept = [text for text in _declarations(bundle) if not text.startswith("action ")]
    kept += [own, *(f'action "{group}";' for group in sorted(groups))]
    covering = groups | {action}
    matching = [
        policy
        for policy in bundle.policies.values()
        if policy.actions is None or policy.actions & covering
    ]
    return ActionSlice(
        policies=policy_set(matching),
        schema=cedarpy.Schema.from_str("\n\n".join(kept)),
        by_facts=not any(_names_entity(policy.body) for policy in matching),
    )


def _names_entity(part: Any) -> bool:
    """Whether a part of a policy, in Cedar's JSON, names an entity that is no action."""
    if isinstance(part, Mapping):
        if set(part) == {"type", "id"}:
            return bool(part["type"] != "Action")
        return any(map(_names_entity, part.values()))
    return isinstance(part, list) and any(map(_names_entity, part))


def declaration_of(bundle: PolicyBundle, action: str) -> str:
    """Return the schema's own text about one action.

    Raises:
        PolicyError: The schema does not declare it.
    """
    for text in _declarations(bundle):
        if text.startswith(f'action "{action}"'):
            return text
    raise PolicyError(f"The schema does not declare the action {action}.")


def _declarations(bundle: PolicyBundle) -> list[str]:
    return bundle.schema.strip().split("\n\n")


def policy_set(policies: Iterable[PolicyText]) -> cedarpy.PolicySet:
    """Build a handle whose policy ids are the `@id` names."""
    document = {
        "templates": {},
        "staticPolicies": {policy.id: policy.body for policy in policies},
        "templateLinks": [],
    }
    return cedarpy.PolicySet.from_json_str(json.dumps(document))


def _read_policies(directory: Path) -> dict[str, bytes]:
    try:
        names = sorted(
            path.name
            for path in directory.iterdir()
            if path.suffix == ".cedar" or path.name in {SCHEMA_FILE, FOUR_EYES_FILE}
        )
        files = {name: (directory / name).read_bytes() for name in names}
        for data in files.values():
            data.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"The policy directory cannot be read: {error}") from error
    for required in (SCHEMA_FILE, FOUR_EYES_FILE, GUARDRAILS_FILE):
        if required not in files:
            raise PolicyError(f"The policy directory has no {required}.")
    return files


def _cedar_files(files: Mapping[str, bytes]) -> list[str]:
    return [name for name in files if name.endswith(".cedar")]


def _parse(name: str, text: str, schema: cedarpy.Schema, *, rank: int) -> list[PolicyText]:
    result = cedarpy.validate_policies(text, schema)
    if not result.validation_passed:
        complaints = "; ".join(str(error) for error in result.errors)
        raise PolicyError(f"{name} does not fit the schema: {complaints}")
    document = json.loads(cedarpy.policies_to_json_str(text))
    if document.get("templates"):
        raise PolicyError(f"{name}: templates are not used here; write the policy out.")
    numbered: list[tuple[str, dict[str, Any]]] = sorted(
        document["staticPolicies"].items(), key=lambda item: int(item[0].removeprefix("policy"))
    )
    return [_policy(name, body, rank + index) for index, (_, body) in enumerate(numbered)]


def _policy(name: str, body: dict[str, Any], rank: int) -> PolicyText:
    notes = body.get("annotations", {})
    identity, code, reason = (notes.get(key) or "" for key in ("id", "code", "reason"))
    if not identity or not reason:
        raise PolicyError(f"{name}: every policy needs an @id and a @reason (at {identity!r}).")
    if body["effect"] == "forbid" and not code.startswith("policy."):
        raise PolicyError(f"{name}: the forbid {identity} needs a @code that starts with policy.")
    if name == GUARDRAILS_FILE and body["effect"] != "forbid":
        raise PolicyError(f"{name} holds forbids only; {identity} permits.")
    return PolicyText(
        id=identity,
        code=code,
        reason=reason,
        effect=body["effect"],
        rank=rank,
        actions=_scoped_actions(body["action"]),
        body=body,
    )


def _scoped_actions(scope: Mapping[str, Any]) -> frozenset[str] | None:
    """Actions (or groups) the head of a policy names; None when it names no action."""
    if scope["op"] == "==":
        return frozenset({scope["entity"]["id"]})
    if scope["op"] == "in":
        entities = scope["entities"] if "entities" in scope else [scope["entity"]]
        return frozenset(entity["id"] for entity in entities)
    return None


def _four_eyes(data: bytes) -> FourEyes:
    try:
        return FourEyes.parse(tomllib.loads(data.decode()))
    except (tomllib.TOMLDecodeError, FourEyesError) as error:
        raise PolicyError(f"{FOUR_EYES_FILE} cannot be used: {error}") from error


def _digest(files: Mapping[str, bytes]) -> str:
    listing = {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())}
    document = json.dumps(listing, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(document.encode()).hexdigest()
