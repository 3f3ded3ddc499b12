"""An OpenAPI document as one page of plain HTML.

Owns the page's markup; pure functions from a document to text. Everything that comes out of the
document is escaped. Sections by tag, one article per operation: who may call it, parameters, body,
answers; schemas in full where they stand, named ones once at the end.
"""

import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, Final

Json = Mapping[str, Any]

_METHODS: Final = ("get", "head", "put", "post", "patch", "delete", "options")
_DEEPEST: Final = 8
_BOUNDS: Final = (
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("minItems", "at least {} entries"),
    ("maxItems", "at most {} entries"),
    ("minimum", "at least {}"),
    ("maximum", "at most {}"),
    ("pattern", "form {}"),
    ("const", "always {}"),
    ("default", "default {}"),
)


def page(document: Json) -> str:
    """Return the whole page."""
    info = document["info"]
    sections = list(_by_tag(document))
    title = f"{_text(info['title'])} {_text(info['version'])}"
    return "\n".join(
        (
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{title}: HTTP interface</title>",
            '<link rel="stylesheet" href="/docs/reference.css"></head><body>',
            '<a class="skip" href="#main">Skip to the operations</a>',
            f"<header><h1>{title}: HTTP interface</h1>{_paragraphs(info.get('description', ''))}",
            '<p>As a document: <a href="/docs/openapi.json">OpenAPI 3.1</a>.</p></header>',
            f'<nav aria-label="Contents"><h2>Contents</h2>{_contents(sections)}</nav>',
            f'<main id="main">{"".join(_section(document, *each) for each in sections)}',
            f"{_security(document)}{_refusals(document)}{_schemas(document)}</main>",
            "</body></html>",
            "",
        )
    )


Operation = tuple[str, str, Json]


def _by_tag(document: Json) -> Iterable[tuple[str, str, list[Operation]]]:
    """Yield each tag with its description and its operations in the order of their paths."""
    found: dict[str, list[Operation]] = {}
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                for tag in item[method].get("tags") or ["other"]:
                    found.setdefault(tag, []).append((method, path, item[method]))
    told = {each["name"]: each.get("description", "") for each in document.get("tags", [])}
    for tag, operations in sorted(found.items()):
        yield tag, told.get(tag, ""), operations


def _contents(sections: Iterable[tuple[str, str, list[Operation]]]) -> str:
    lines = []
    for tag, _, operations in sections:
        entries = "".join(
            f'<li><a href="#{_id(each["operationId"])}"><b>{method.upper()}</b> '
            f"<code>{_breakable(path)}</code></a></li>"
            for method, path, each in operations
        )
        lines.append(
            f'<details><summary><a href="#tag-{_id(tag)}">{_text(tag)}</a> '
            f"({len(operations)})</summary><ul>{entries}</ul></details>"
        )
    lines += [
        f'<p><a href="#{_id(part)}">{part}</a></p>'
        for part in ("Signing in", "Refusals", "Schemas")
    ]
    return "".join(lines)


def _section(document: Json, tag: str, told: str, operations: list[Operation]) -> str:
    body = "".join(_operation(document, *each) for each in operations)
    return f'<section id="tag-{_id(tag)}"><h2>{_text(tag)}</h2>{_paragraphs(told)}{body}</section>'


def _operation(document: Json, method: str, path: str, each: Json) -> str:
    name = each["operationId"]
    told = each.get("description", "")
    return "".join(
        (
            f'<article id="{_id(name)}"><h3><b class="{method}">{method.upper()}</b> ',
            f'<code>{_breakable(path)}</code> <a class="self" href="#{_id(name)}">',
            f"{_text(name)}</a></h3>{_paragraphs(told)}",
            _guard(each),
            _parameters(each.get("parameters", [])),
            _body(each.get("requestBody")),
            _answers(document, each["responses"]),
            "</article>",
        )
    )


def _guard(each: Json) -> str:
    """Say who may call an operation, and which action the policy is asked about."""
    schemes = [name for way in each.get("security", []) for name in way]
    how = " or ".join(f"<code>{_text(name)}</code>" for name in schemes) or "without a token"
    roles = ", ".join(_text(role) for role in each.get("x-comity-roles", ()))
    return (
        f'<p class="guard">Action <code>{_text(each.get("x-comity-action", ""))}</code>: '
        f"{roles or 'nobody'}; {how}.</p>"
    )


def _parameters(parameters: list[Json]) -> str:
    if not parameters:
        return ""
    rows = "".join(
        f"<tr><th scope=row><code>{_text(each['name'])}</code></th><td>{_text(each['in'])}"
        f"{'' if each.get('required') else ', optional'}</td>"
        f"<td>{_inline(each.get('schema', {}))}<br>{_phrase(each.get('description', ''))}</td></tr>"
        for each in parameters
    )
    head = "<tr><th scope=col>Parameter</th><th scope=col>In</th><th scope=col>Value</th></tr>"
    return f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>".replace(
        "<br></td>", "</td>"
    )


def _body(body: Json | None) -> str:
    if body is None:
        return ""
    return f"<h4>Body</h4>{_content(body.get('content', {}))}"


def _answers(document: Json, responses: Json) -> str:
    """Spell out what succeeds; refusals have one form and are explained once, at the end."""
    told: list[str] = []
    refusals: list[str] = []
    for status, response in sorted(responses.items()):
        if "$ref" in response:
            refusals.append(response["$ref"].rsplit("/", 1)[1])
            continue
        headers = "".join(
            f"<li>header <code>{_text(name)}</code>: {_text(each.get('description', ''))}</li>"
            for name, each in response.get("headers", {}).items()
        )
        told.append(
            f"<h4>{_text(status)}</h4>{_paragraphs(response['description'])}"
            f"{f'<ul>{headers}</ul>' if headers else ''}{_content(response.get('content', {}))}"
        )
    every = set(document.get("components", {}).get("responses", {}))
    if every - set(refusals) and refusals:
        told.append(f"<p>Refusals: {', '.join(_text(name[-3:]) for name in refusals)}.</p>")
    return "".join(told)


def _content(content: Json) -> str:
    return "".join(
        f'<p class="media"><code>{_text(media)}</code></p>{_schema(each.get("schema", {}))}'
        for media, each in content.items()
    )


def _schema(schema: Json, depth: int = 0) -> str:
    """Return a schema's members as nested lists."""
    if depth > _DEEPEST:
        return "<p>…</p>"
    required = set(schema.get("required", ()))
    entries = "".join(
        f"<li><code>{_text(name)}</code>{'' if name in required else ' (optional)'}: "
        f"{_inline(each)}{_schema(_inner(each), depth + 1)}</li>"
        for name, each in schema.get("properties", {}).items()
    )
    if entries:
        return f"<ul>{entries}</ul>"
    return f"<p>{_inline(schema)}</p>" if depth == 0 and schema else ""


def _inner(schema: Json) -> Json:
    """Return the object inside a list, a map or an alternative, whose members are worth listing."""
    for part in (schema.get("items"), schema.get("additionalProperties"), *schema.get("anyOf", ())):
        if isinstance(part, Mapping) and (part.get("properties") or part.get("items")):
            return part if part.get("properties") else _inner(part)
    return schema


def _inline(schema: Json) -> str:
    """Return a schema in a few words."""
    bounds = [
        template.format(f"<code>{_text(schema[name])}</code>")
        for name, template in _BOUNDS
        if schema.get(name) is not None and not isinstance(schema[name], bool)
    ]
    told = _phrase(schema.get("description", "").split("\n\n", 1)[0])
    words = [_kind(schema), *bounds]
    return ", ".join(words) + (f". {told}" if told else "")


def _kind(schema: Json) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return f'<a href="#schema-{_id(name)}">{_text(name)}</a>'
    if "enum" in schema:
        return " or ".join(f"<code>{_text(each)}</code>" for each in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(_inline(each) for each in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_inline(schema.get('items', {}))}"
    if isinstance(schema.get("additionalProperties"), Mapping):
        return f"map to {_inline(schema['additionalProperties'])}"
    form = f" ({_text(schema['format'])})" if "format" in schema else ""
    return f"{_text(schema.get('type', 'anything'))}{form}"


def _security(document: Json) -> str:
    schemes = document.get("components", {}).get("securitySchemes", {})
    entries = "".join(
        f"<dt><code>{_text(name)}</code></dt><dd>{_text(each.get('description', ''))}</dd>"
        for name, each in schemes.items()
    )
    return f'<section id="Signing-in"><h2>Signing in</h2><dl>{entries}</dl></section>'


def _schemas(document: Json) -> str:
    components = document.get("components", {}).get("schemas", {})
    entries = "".join(
        f'<article id="schema-{_id(name)}"><h3>{_text(name)}</h3>'
        f"{_paragraphs(each.get('description', ''))}{_schema(each)}</article>"
        for name, each in components.items()
    )
    return f'<section id="Schemas"><h2>Schemas</h2>{entries}</section>'


def _refusals(document: Json) -> str:
    responses = document.get("components", {}).get("responses", {})
    rows = "".join(
        f"<tr><th scope=row>{_text(name[-3:])}</th><td>{_phrase(each['description'])}</td></tr>"
        for name, each in responses.items()
    )
    return (
        '<section id="Refusals"><h2>Refusals</h2><p>Any operation may answer with one of these, '
        'as a <a href="#schema-Problem">Problem</a>, unless it says otherwise.</p>'
        f"<table><thead><tr><th scope=col>Status</th><th scope=col>Means</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></section>"
    )


def _paragraphs(text: str) -> str:
    """Return text as paragraphs, with what stands between backquotes as code."""
    return "".join(f"<p>{_phrase(part)}</p>" for part in text.split("\n\n") if part)


def _phrase(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", _text(text))


def _breakable(path: str) -> str:
    """Return a path that may be broken behind its slashes."""
    return _text(path).replace("/", "/<wbr>")


def _id(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "-", name)


def _text(value: object) -> str:
    return escape(str(value))
