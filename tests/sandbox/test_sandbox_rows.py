"""The sandbox's rows against the vendor's documents: they are a second reading, and must come to the same."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest

from sandbox.route import Route
from sandbox.shape import KINDS, Field, Shape

READ_OTHERWISE = [
    # (route, place, why the sandbox does not follow the document there)
    ("POST /contacts/search", "*", "the document's schema is empty; the vendor's own page names the fields"),
    ("* /contacts/*", "dateOfBirth", "typed object; a date is sent as text"),
    (
        "* /contacts/*",
        "customFields.*",
        "one of nine shapes: id, key, field_value in all; value is taken too",
    ),
    ("* /calendars/events/block-slots*", "calendarId", "required; live, exactly one of it and assignedUserId is taken"),
    ("* /users/*", "scopes*", "some 190 names; the sandbox checks their form"),
    ("* /opportunities/*", "customFields.*", "one of three shapes; id, key, field_value in all; value is taken too"),
    ("POST /opportunities/upsert", "contactId", "not in the document; every client sends it"),
    ("POST /opportunities/upsert", "*ollowers*", "required by the document; clients do without"),
    ("POST /opportunities/upsert", "monetaryValue", "typed object; a number is sent"),
    ("POST /opportunities/search", "filters", "the vendor calls them too complex for the document"),
    ("POST /opportunities/search", "sort", "not in the document; in the vendor's own page"),
    ("POST /opportunities/search", "searchAfter", "an array of texts in the document; a number and a text in use"),
    ("POST /opportunities/search", "query", "required by the document; optional in use"),
    ("POST /opportunities/search", "limit", "required by the document; optional in use"),
    ("POST /opportunities/search", "page", "required by the document; never together with searchAfter"),
    ("POST /opportunities/search", "additionalDetails*", "required by the document; optional in use"),
    ("POST /conversations/messages", "subType", "required by the document; clients send type, contactId and the text"),
    ("POST /conversations/messages", "status", "required by the document; clients send type, contactId and the text"),
    (
        "POST /conversations/providers/live-chat/typing",
        "isTyping",
        "typed string, its example true; both are taken",
    ),
    ("* /associations/*", "*Object*", "typed object, with a text as example"),
    ("GET /proposals/document", "status", "one of five in the document, several apart by commas in its description"),
]
SCOPES = {
    # filled in where a document names none
    "GET /conversations/messages/email/{id}": "conversations/message.readonly",
    "GET /snapshots/": "snapshots.readonly",
    "POST /contacts/bulk/business": "contacts.write",
    "POST /contacts/bulk/tags/update/{type}": "contacts.write",
}


def otherwise(operation: Any, place: str) -> bool:
    return any(fnmatchcase(operation.name, route) and fnmatchcase(place, where) for route, where, _ in READ_OTHERWISE)


def route_of(client: Any, operation: Any) -> Route:
    found = client.route(operation.method, operation.path.replace("{", "").replace("}", ""))
    assert found is not None, f"no route for {operation.name}"
    return found


def parts(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema with what its allOf adds."""
    for each in schema.get("allOf", ()):
        schema = {**each, **schema, "properties": {**each.get("properties", {}), **schema.get("properties", {})}}
    return schema


def differences(operation: Any, shape: Shape, schema: dict[str, Any], at: str = "") -> Iterator[str]:
    schema = parts(schema)
    told, required = schema.get("properties", {}), set(schema.get("required", ()))
    for name in sorted(set(told) | set(shape.fields)):
        place = at + name
        if otherwise(operation, place):
            continue
        if name not in shape.fields or name not in told:
            yield f"{place} is only in the {'document' if name in told else 'rows'}"
            continue
        field = shape.fields[name]
        if field.required != (name in required):
            yield f"{place} is required {'by the document' if name in required else 'by the rows'} only"
        yield from field_differences(operation, field, parts(told[name]), place)


def field_differences(operation: Any, field: Field, schema: dict[str, Any], place: str) -> Iterator[str]:
    if field.many != (schema.get("type") == "array"):
        yield f"{place} is an array in one of both"
        return
    if field.nullable != bool(schema.get("nullable")):
        yield f"{place} may be null in one of both"
    item = parts(schema["items"]) if field.many else schema
    choices = tuple(item.get("enum", ()))
    if choices != field.choices:
        yield f"{place} is one of {choices} in the document, of {field.choices} in the rows"
    if field.inner is not None:
        yield from differences(operation, field.inner, item, f"{place}.")


PLAIN = {"number": 1, "integer": 1, "boolean": True, "string": "2026-12-01T10:00:00Z"}


def example(schema: dict[str, Any], *, whole: bool) -> Any:
    """A value that the schema allows, with its required fields or with all of them."""
    schema = parts(schema)
    choice = [*schema.get("oneOf", ()), *schema.get("anyOf", ())]
    if choice:
        return example(choice[0], whole=whole)
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if kind == "array":
        return [example(schema["items"], whole=whole)]
    if kind == "object":
        names = schema.get("properties", {}) if whole else schema.get("required", ())
        return {name: example(schema["properties"][name], whole=whole) for name in names}
    return PLAIN[kind]


def broken(schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Values that the schema does not allow, each with what is wrong with it."""
    schema = parts(schema)
    whole = example(schema, whole=True)
    for name in schema.get("required", ()):
        yield f"no {name}", {key: value for key, value in whole.items() if key != name}
    for name, told in {name: parts(each) for name, each in schema.get("properties", {}).items()}.items():
        match told.get("type"):
            case "string":
                yield f"{name} a number", {**whole, name: 7}
            case "array":
                yield f"{name} no array", {**whole, name: "x"}
            case "number" | "boolean" | "object" | "integer":
                yield f"{name} a text", {**whole, name: "x y"}
        if told.get("enum"):
            yield f"{name} out of its values", {**whole, name: "nonsense" if told["type"] == "string" else 99}


def queries(operation: Any) -> dict[str, str]:
    """The query parameters that the document requires, as in its examples."""
    wanted = {each["name"]: each for each in operation.query if each.get("required")}
    sent = {name: each.get("example", each["schema"].get("example", 1)) for name, each in wanted.items()}
    return {name: str(value) for name, value in sent.items()}


def path_of(operation: Any, route: Route) -> str:
    path = operation.path
    for name, values in route.enums.items():
        path = path.replace(f"{{{name}}}", values[0])
    return path.replace("{", "").replace("}", "")


def sent_body(operation: Any, route: Route, *, whole: bool) -> Any:
    """A body as the document shows it; where the rows read it otherwise, as the rows want it."""
    if operation.name == "POST /contacts/search":
        return {"locationId": "L", "pageLimit": 1}
    if operation.body is None or route.body is None:
        return None
    body = example(operation.body, whole=whole)
    for name, field in route.body.fields.items():
        if isinstance(body, dict) and name in body and otherwise(operation, name) and not (field.many or field.choices):
            body[name] = VALUES.get(field.kind.words, body[name])
    return body


VALUES = {KINDS["text"].words: "text", KINDS["truth"].words: True}


def test_a_route_agrees_on_version_status_and_scope(client: Any, operation: Any) -> None:
    route = route_of(client, operation)
    assert route.path == operation.path
    assert route.version == (operation.version or "2021-04-15")
    assert str(route.ok) in operation.told["responses"]
    assert route.scope in (operation.scopes or {SCOPES.get(operation.name)})


def test_a_route_takes_the_fields_of_the_document(client: Any, operation: Any) -> None:
    route = route_of(client, operation)
    wrong: list[str] = []
    if operation.body is not None:
        assert route.body is not None, "the document declares a body"
        schema = operation.body
        wrong += differences(operation, route.body, schema["items"] if route.array else schema)
    elif route.body is not None:
        wrong.append("the document declares no body")
    told = {"properties": {each["name"]: each["schema"] for each in operation.query}}
    told["required"] = [each["name"] for each in operation.query if each.get("required")]  # type: ignore[assignment]
    wrong += differences(operation, route.query or Shape({}), told)
    assert wrong == []


@pytest.mark.parametrize("whole", [False, True], ids=["required", "all"])
def test_what_the_document_allows_is_not_refused_for_its_form(client: Any, operation: Any, whole: bool) -> None:
    route = route_of(client, operation)
    path, body = path_of(operation, route), sent_body(operation, route, whole=whole)
    got = client.call(operation.method, path, body, queries(operation))
    assert got.status in {200, 201, 400, 404}, got.said


def test_what_the_document_forbids_is_refused_with_a_list_of_reasons(client: Any, operation: Any) -> None:
    route = route_of(client, operation)
    path, query, body = path_of(operation, route), queries(operation), sent_body(operation, route, whole=True)
    calls = [(f"no {name}", body, {k: v for k, v in query.items() if k != name}) for name in query]
    calls += [
        (f"{each['name']} no number", body, {**query, each["name"]: "x"})
        for each in operation.query
        if each["schema"].get("type") == "number" and not otherwise(operation, each["name"])
    ]
    calls += [
        (f"{each['name']} out of its values", body, {**query, each["name"]: "nonsense"})
        for each in operation.query
        if each["schema"].get("enum")
    ]
    if operation.body is not None:
        schema = operation.body["items"] if route.array else operation.body
        calls += [
            (what, [value] if route.array else value, query)
            for what, value in broken(schema)
            if not otherwise(operation, what.split()[1 if what.startswith("no ") else 0])
        ]
        calls.append(("no body", None, query))
    for what, given, asked in calls:
        got = client.call(operation.method, path, given, asked)
        assert (what, got.status) == (what, 422)
        assert got["message"]
        assert all(isinstance(each, str) for each in got["message"])


def test_who_may_not_call_is_refused_before_anything_else(client: Any, operation: Any) -> None:
    route = route_of(client, operation)
    path, body, query = path_of(operation, route), sent_body(operation, route, whole=True), queries(operation)
    for headers, message in (
        ({"authorization": ""}, "Invalid token: access token is invalid"),
        ({"authorization": "Basic eDp5"}, "Invalid token: access token is invalid"),
        ({"version": ""}, "version header was not found."),
        ({"version": "1999-01-01"}, "version header is invalid"),
    ):
        got = client.call(operation.method, path, body, query, headers=headers)
        assert (got.status, got["message"]) == (401, message)
    for wrong in (path.upper(), f"{path}/surplus/more", path[:-1] if path.endswith("/") else f"{path}/"):
        got = client.call(operation.method, wrong, body, query)
        assert got.status == 401
        assert "IAM Service" in got["message"]
    assert client.told("effects")["total"] == 0
