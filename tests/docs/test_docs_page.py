"""``GET /docs``: complete, without scripts, without anything from elsewhere."""

import asyncio
import json
import re
from html.parser import HTMLParser

import httpx2
import pytest
from fastapi import FastAPI

from api.web import docs_page
from tools import openapi, reference

VOID = {"meta", "link", "wbr", "br"}


class Page(HTMLParser):
    """Collects ids and links, and checks that elements are closed in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.links, self.tags = [], [], [], set()
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        attributes = dict(attrs)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        for name in ("href", "src"):
            if name in attributes:
                self.links.append(attributes[name])
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def served():
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(docs_page.router)

    async def read():
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://node") as client:
            places = ("/docs", "/docs/openapi.json", "/docs/reference.css")
            found = {place: await client.get(place) for place in places}
            tag = found["/docs"].headers["etag"]
            found["again"] = await client.get("/docs", headers={"if-none-match": tag})
            return found

    return asyncio.run(read())


def test_the_page_holds_every_operation(served):
    page = Page(served["/docs"].text)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))
    contract = json.loads(openapi.CONTRACT.read_text(encoding="utf-8"))
    wanted = {each["operationId"] for each in openapi.operations(contract)}
    wanted |= {f"schema-{name}" for name in contract["components"]["schemas"]}
    assert wanted <= set(page.ids)


def test_nothing_is_loaded_from_elsewhere(served):
    page = Page(served["/docs"].text)
    assert not page.tags & {"script", "img", "iframe", "object", "form", "style"}
    for link in page.links:
        assert link.startswith(("#", "/docs/")), link
        assert not link.startswith("#") or link[1:] in page.ids, link
    assert not re.search(r"url\(|@import|https?:", served["/docs/reference.css"].text)


def test_headers_forbid_what_the_page_does_not_need(served):
    for place in ("/docs", "/docs/openapi.json", "/docs/reference.css"):
        policy = served[place].headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'self';")
        assert "unsafe" not in policy
    assert served["/docs"].headers["content-type"] == "text/html; charset=utf-8"
    assert served["/docs/reference.css"].headers["content-type"] == "text/css; charset=utf-8"
    assert served["again"].status_code == 304
    assert served["again"].content == b""


def test_the_served_document_is_the_committed_one(served):
    contract = json.loads(openapi.CONTRACT.read_text(encoding="utf-8"))
    assert served["/docs/openapi.json"].json() == contract


def test_the_documents_text_cannot_become_markup():
    evil = "<script>alert(1)</script>\"'&"
    operation = {
        "operationId": evil,
        "tags": [evil],
        "description": evil,
        "x-comity-action": evil,
        "x-comity-roles": [evil],
        "parameters": [{"name": evil, "in": evil, "schema": {"enum": [evil]}}],
        "requestBody": {"content": {evil: {"schema": {"properties": {evil: {"type": evil}}}}}},
        "responses": {"200": {"description": evil, "headers": {evil: {"description": evil}}}},
    }
    document = {"info": {"title": evil, "version": evil}, "paths": {f"/{evil}": {"get": operation}}}
    page = Page(reference.page(document))
    assert page.open == []
    assert "script" not in page.tags
