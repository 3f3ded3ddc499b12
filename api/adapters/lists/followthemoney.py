"""FollowTheMoney entities, one JSON object a line: a layout in which lists are read and given away.

Owns the way from its schemata to an entry and back. An entity that is no subject (a sanction, an
identity paper, an address, a link) belongs to the subject that it names. What an entry keeps
beyond the schema (the text of a date that is a range, say) stays in the note or is left out.
"""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from babel import Locale

from api.adapters.lists.files import ListFile
from api.domain import nul
from api.domain.identity import countries
from api.domain.lists.births import Precision, birth
from api.domain.lists.entries import (
    EntryKind,
    ListedIdentifier,
    ListedLink,
    ListedName,
    ListEntry,
    Published,
    Series,
    Strength,
    day_or_none,
    each_once,
    refuse,
    told_apart,
)
from api.domain.lists.tree import Node

MIME: Final = "application/json+ftm"
Entity = dict[str, Any]

_ESCAPED: Final = b"\\u"
_LONGEST: Final = 1 << 24
_PLAIN: Final = re.compile(r"[^0-9A-Za-z.-]+")
_KINDS: Final = {
    "Person": EntryKind.PERSON,
    "Organization": EntryKind.ENTITY,
    "Company": EntryKind.ENTITY,
    "PublicBody": EntryKind.ENTITY,
    "LegalEntity": EntryKind.OTHER,
    "Vessel": EntryKind.VESSEL,
    "Airplane": EntryKind.AIRCRAFT,
}
_SCHEMATA: Final = {
    EntryKind.PERSON: "Person",
    EntryKind.ENTITY: "Organization",
    EntryKind.VESSEL: "Vessel",
    EntryKind.AIRCRAFT: "Airplane",
    EntryKind.OTHER: "LegalEntity",
}
_NAMES: Final = (
    ("name", Strength.PRIMARY, ""),
    ("alias", Strength.STRONG, "alias"),
    ("previousName", Strength.STRONG, "f.k.a."),
    ("weakAlias", Strength.WEAK, "alias"),
)
_NUMBERS: Final = (
    ("passportNumber", "Passport"),
    ("taxNumber", "Tax ID"),
    ("innCode", "INN"),
    ("ogrnCode", "OGRN"),
    ("registrationNumber", "Registration Number"),
    ("leiCode", "Legal Entity Number"),
    ("imoNumber", "IMO number"),
    ("mmsi", "MMSI"),
    ("callSign", "Call sign"),
    ("serialNumber", "Serial number"),
    ("idNumber", "Identification Number"),
)
# The property of a link that says whose it is, and the one that says to whom it leads.
_HOLDERS: Final = (
    ("entity", ""),
    ("holder", ""),
    ("owner", "asset"),
    ("director", "organization"),
    ("member", "organization"),
    ("agent", "client"),
    ("employee", "employer"),
    ("person", "relative"),
    ("person", "associate"),
    ("subject", "object"),
)
_COUNTRY: Final = {"US": "us", "EU": "eu", "UK": "gb", "CA": "ca"}


# ---- in --------------------------------------------------------------------------------------


def is_entity(line: bytes) -> bool:
    """Tell whether the first line of a file is an entity."""
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(told, dict) and {"id", "schema", "properties"} <= told.keys()


def read(files: list[ListFile]) -> Published:
    """Read a file of entities; its data set names the series.

    Raises:
        Invalid: ``list.*``.
    """
    file = files[0]
    held: dict[str, list[Node]] = defaultdict(list)
    addresses: dict[str, Node] = {}
    rest = []
    dataset = ""
    for entity in _entities(file):
        dataset = dataset or _dataset(entity)
        if entity["schema"] == "Address":
            addresses[entity["id"]] = _node(entity)
        elif entity["schema"] not in _KINDS:
            holder = next((one for name, _ in _HOLDERS for one in _values(entity, name)), "")
            held[holder].append(_node(entity)) if holder else rest.append(_node(entity))
    entries = told_apart(
        _entry(entity, held, addresses) for entity in _entities(file) if entity["schema"] in _KINDS
    )
    name = _PLAIN.sub("-", dataset.replace("_", "-")).strip("-.").lower() or "entities"
    series = Series(f"ftm-{name}"[:100], f"FollowTheMoney data set {dataset or name}", "")
    head = Node("entities", "", (("dataset", dataset),) if dataset else (), tuple(rest))
    return Published(series, "ftm", "", head, entries)


def _entities(file: ListFile) -> Iterator[Entity]:
    with file.open() as source:
        while line := source.readline(_LONGEST):
            if line.isspace():
                continue
            try:
                told = json.loads(line)
            except (ValueError, RecursionError):
                told = None
            if not _is_whole(told) or (_ESCAPED in line and not _is_text(told)):
                raise refuse("malformed", "A line of the file is no entity, or is cut off.")
            yield told


def _is_whole(told: Any) -> bool:
    if not isinstance(told, dict) or not isinstance(told.get("properties"), dict):
        return False
    scalar = all(isinstance(told.get(name), str) and told[name] for name in ("id", "schema"))
    return scalar and all(
        isinstance(values, list) and all(isinstance(one, str | int | float) for one in values)
        for values in told["properties"].values()
    )


def _is_text(told: Entity) -> bool:
    """Tell whether an entity is without what only an escape of JSON can bring into a text."""
    try:
        json.dumps(told, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        return False
    return not nul.stands_in(told)


def _dataset(entity: Entity) -> str:
    known = entity.get("datasets") or entity.get("dataset") or ""
    first = known[0] if isinstance(known, list) else known
    return first if isinstance(first, str) else ""


def _values(entity: Entity, name: str) -> tuple[str, ...]:
    return tuple(str(one) for one in entity["properties"].get(name, ()))


def _node(entity: Entity) -> Node:
    """Return an entity with every value: members as attributes, properties as children."""
    members = tuple(
        (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in entity.items()
        if name != "properties"
    )
    children = tuple(
        Node(name, str(value)) for name, values in entity["properties"].items() for value in values
    )
    return Node("entity", "", members, children)


def _entry(
    entity: Entity, held: Mapping[str, list[Node]], addresses: Mapping[str, Node]
) -> ListEntry:
    own = _node(entity)
    parts = [*held.get(entity["id"], ())]
    at = [addresses[one] for one in _values(entity, "addressEntity") if one in addresses]
    sanctions = [one for one in parts if one.get("schema") == "Sanction"]
    days = each_once(
        day_or_none(day.text)
        for one in sanctions
        for name in ("listingDate", "startDate")
        for day in one.at(name)
    )
    return ListEntry(
        id=entity["id"],
        kind=_KINDS[entity["schema"]],
        names=tuple(
            ListedName(text, strength, kind=kind)
            for name, strength, kind in _NAMES
            for text in _values(entity, name)
        ),
        source=own._replace(children=(*own.children, *parts, *at)),
        programs=each_once(_texts([own, *sanctions], "program", "programId")),
        listed_on=min(days, default=""),
        births=tuple(
            found for text in _values(entity, "birthDate") if (found := birth(text)) is not None
        ),
        birth_places=each_once(_values(entity, "birthPlace")),
        countries=each_once(_texts([own], "nationality", "citizenship", "country", "flag")),
        identifiers=tuple(_identifiers(entity, parts)),
        addresses=each_once((*_values(entity, "address"), *_texts(at, "full"))),
        posts=each_once(_values(entity, "position")),
        measures=each_once(_texts(sanctions, "provisions")),
        links=tuple(_links(parts)),
        note="\n".join(_texts([own], "notes", "summary")),
    )


def _identifiers(entity: Entity, parts: Iterable[Node]) -> Iterator[ListedIdentifier]:
    for name, kind in _NUMBERS:
        for number in _values(entity, name):
            yield ListedIdentifier(kind, number)
    for one in parts:
        if one.get("schema") in {"Passport", "Identification"} and one.value("number"):
            kind = one.value("type") or one.get("schema")
            yield ListedIdentifier(kind, one.value("number"), one.value("country"))


def _texts(nodes: Iterable[Node], *names: str) -> Iterator[str]:
    return (one.text for node in nodes for name in names for one in node.at(name))


def _links(parts: Iterable[Node]) -> Iterator[ListedLink]:
    for one in parts:
        for holder, other in _HOLDERS:
            if other and one.value(holder) and one.value(other):
                kind = one.value("role") or one.value("relationship") or one.get("schema")
                yield ListedLink(kind, one.value(other), one.value(other))


# ---- out -------------------------------------------------------------------------------------


def dataset_name(series: Series) -> str:
    """Return what a list is called as a data set: small letters, digits and underscores."""
    return re.sub("[^a-z0-9]+", "_", series.id.lower()).strip("_")


def entity_id(series: str, entry: str) -> str:
    """Return the id of an entry's entity: letters, digits, points and hyphens, as its tools need.

    What had to be changed for that is told apart by a digest.
    """
    plain = _PLAIN.sub("-", entry).strip("-.")
    if plain != entry:
        plain = f"{plain}-{hashlib.sha256(entry.encode()).hexdigest()[:8]}".lstrip("-")
    return f"{series}-{plain}"


def entities_of(series: Series, entry: ListEntry, known: frozenset[str]) -> Iterator[Entity]:
    """Yield the entity of an entry, its sanction, and its links to entries that are there.

    Args:
        series: whose entry.
        entry: the entry.
        known: ids of the entries of its edition.
    """
    own = entity_id(series.id, entry.id)
    said = _properties(entry)
    yield _entity(series, own, _SCHEMATA[entry.kind], {**said, "topics": ["sanction"]})
    sanction = {
        "entity": [own],
        "authority": [series.publisher],
        "authorityId": [entry.id],
        "country": [_COUNTRY[series.jurisdiction]] if series.jurisdiction in _COUNTRY else [],
        "program": list(entry.programs),
        "provisions": list(entry.measures),
        "listingDate": [entry.listed_on] if entry.listed_on else [],
    }
    yield _entity(series, f"{own}-sanction", "Sanction", sanction)
    for number, link in enumerate(one for one in entry.links if one.entry in known):
        other = {"subject": [own], "object": [entity_id(series.id, link.entry)]}
        yield _entity(series, f"{own}-link-{number}", "UnknownLink", {**other, "role": [link.kind]})


def described_entities(
    dataset: str, schema: str, entry: ListEntry, notes: Iterable[str], listed: Mapping[str, str]
) -> Iterator[Entity]:
    """Yield the entity of a subject that a statement describes, and its sanction if it is listed.

    Args:
        dataset: what the statements are called as a data set.
        schema: the description's own.
        entry: what is said; its id is the description's reference.
        notes: where it was said, and what that names as sources.
        listed: values of the sanction by property; empty if the statement lists nobody.
    """
    own = entity_id("comity", entry.id)
    topics = ["sanction"] if listed else []
    said = _properties(entry) | {"topics": topics, "notes": list(notes)}
    yield _entity_in(dataset, own, schema, said)
    if listed:
        sanction = {name: [value] for name, value in listed.items()} | {"entity": [own]}
        yield _entity_in(dataset, f"{own}-sanction", "Sanction", sanction)


def _entity(series: Series, id_: str, schema: str, said: Mapping[str, list[str]]) -> Entity:
    return _entity_in(dataset_name(series), id_, schema, said)


def _entity_in(dataset: str, id_: str, schema: str, said: Mapping[str, list[str]]) -> Entity:
    properties = {
        name: list(dict.fromkeys(one for one in values if one.strip()))
        for name, values in said.items()
    }
    return {
        "id": id_,
        "schema": schema,
        "properties": {name: values for name, values in properties.items() if values},
        "datasets": [dataset],
    }


def _properties(entry: ListEntry) -> dict[str, list[str]]:
    person, craft = (
        entry.kind is EntryKind.PERSON,
        entry.kind
        in {
            EntryKind.VESSEL,
            EntryKind.AIRCRAFT,
        },
    )
    found: dict[str, list[str]] = defaultdict(list)
    for place, one in enumerate(entry.names):
        found[_name_property(one, first=place == 0)].append(" ".join(one.text.split()))
    for number in entry.identifiers:
        if name := _number_property(number.kind.lower(), entry.kind):
            plain = number.number.strip()
            if name == "imoNumber":
                digits = plain.upper().removeprefix("IMO").strip()
                name, plain = _imo(digits) or ("registrationNumber", plain)
            found[name].append(plain)
    lands = "nationality" if person else "flag" if entry.kind is EntryKind.VESSEL else "country"
    found[lands] += [code for one in entry.countries if (code := country_code(one))]
    found["address"] += [" ".join(one.split()) for one in entry.addresses]
    found["program"] += entry.programs
    found["notes"] += [entry.note] if entry.note else []
    if person:
        found["birthDate"] += [
            one.earliest[:length]
            for one in entry.births
            if (length := _DATED.get(one.precision)) is not None
        ]
        found["birthPlace"] += entry.birth_places
        found["position"] += entry.posts
    elif not craft:
        found["sector"] += entry.posts
    return found


def _imo(digits: str) -> tuple[str, str] | None:
    return ("imoNumber", f"IMO{digits}") if re.fullmatch("[0-9]{7}", digits) else None


_DATED: Final = {Precision.DAY: 10, Precision.MONTH: 7, Precision.YEAR: 4}


def _name_property(one: ListedName, *, first: bool) -> str:
    if first or one.strength is Strength.PRIMARY:
        return "name"
    if one.strength is Strength.WEAK:
        return "weakAlias"
    return "previousName" if one.kind.lower().startswith(("f.k.a", "fka")) else "alias"


def _number_property(kind: str, of: EntryKind) -> str:
    """Return the property that a number goes to, or an empty text where the schema has none."""
    if "imo" in kind.split() or "vessel registration" in kind:
        return "imoNumber" if of is not EntryKind.PERSON else ""
    if of in {EntryKind.VESSEL, EntryKind.AIRCRAFT}:
        craft = {"mmsi": "mmsi", "call sign": "callSign"} if of is EntryKind.VESSEL else {}
        return craft.get(kind, "registrationNumber" if "registration" in kind else "")
    if "passport" in kind:
        return "passportNumber" if of is EntryKind.PERSON else ""
    if "tax" in kind or "fiscal" in kind:
        return "taxNumber"
    if "registration" in kind or "company number" in kind:
        return "registrationNumber"
    numbered = any(word in kind for word in ("number", "no.", "#", "id", "card", "code"))
    return "idNumber" if numbered and not any(word in kind for word in _NO_NUMBER) else ""


_NO_NUMBER: Final = ("phone", "gazette", "serial", "model", "bic")


@lru_cache(maxsize=4096)
def country_code(text: str) -> str:
    """Return the ISO 3166 code of a country as a list writes it, or an empty text."""
    if re.fullmatch("[A-Za-z]{2}", text):
        return text.lower()
    named = {
        code: name
        for code, name in Locale("en").territories.items()
        if re.fullmatch("[A-Z]{2}", code) and code not in {"ZZ", "EU", "UN", "EZ", "QO", "XA", "XB"}
    }
    same = [code for code, name in named.items() if countries.same(text, name)]
    alike = [code for code, name in named.items() if countries.shared([text], [name])]
    chosen = same or alike
    return chosen[0].lower() if len(chosen) == 1 else ""
