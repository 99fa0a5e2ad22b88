"""A manifest becomes the very rows that the engine knows: requests, pages, cursors, what makes repeating safe."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from actions.action import Bulk, Guarded, Natural, Unsafe
from config.problems import ConfigError
from config.project import Project, load
from connections.connection import ApiKey, Basic, ClientCredentials, Quota
from connections.operation import hints_of
from connections.paging import Keyset, Linked, Numbered, Offset, OnePage
from connections.request import InvalidInputs, build, check
from connections.webhooks import Scheme, Signature
from connections.wire import Request
from triggers.trigger import Availability, Object, Snapshot, Watermark, Within

SHOP = """
title: Shop
note: Only for tests.
base_url: https://api.shop.example/v1
auth: {api_key: {header: X-Key}, basic: {}}
quota: {per_10s: 50, per_day: 10000}
version: {header: X-Version, value: "2022-11-28"}
not_found: no such
pagination: {style: pages, page: page, limit: per_page, size: 50}
triggers:
  orders.list:
    summary: An order is new, or has changed
    request: GET /orders
    query: {state: "one of [open, closed]", labels: {list_of: text, comma: true}}
    fixed: {archived: false}
    records: [data, orders]
    watermark:
      added: created_at
      updated: updated_at
      since: {since: "{{ since }}", sort: updated, direction: "{{ 'desc' if newest_first else 'asc' }}"}
      lookback: 5m
    wakes: [order.created]
    scopes: [orders.read]
    every: 2m
actions:
  orders.create:
    summary: Make an order
    request: POST /orders
    body:
      title: required text
      client: {fields: {name: required text, email: {type: email, as: mail.address}}, required: true}
      lines: {list_of: {fields: {sku: {type: text, as: code}}}}
      secret: {type: text, secret: true}
    fixed: {origin: {app: hightide}}
    repeat: guarded
    probe:
      request: GET /shops/{shop}/orders
      asks: {shop: title, q: client.email}
      records: data
      same: {title: title, client.mail: client.email}
      since: created_at
      settles: 30s
    refusals: {already there: error.id}
    returns: order.id
"""
SINCE = 1_772_355_600_000


@pytest.fixture
def shop(tmp_path: Path) -> Callable[..., Project]:
    """Loads a project with this manifest and a connection to it."""

    def loading(manifest: str = SHOP, auth: str = "{type: api_key, key: abcdef}", **files: str) -> Project:
        (tmp_path / "connectors").mkdir(exist_ok=True)
        (tmp_path / "connectors" / "shop.yaml").write_text(textwrap.dedent(manifest))
        for name, text in files.items():
            (tmp_path / "connectors" / f"{name}.yaml").write_text(textwrap.dedent(text))
        (tmp_path / "connections.yaml").write_text(
            f"connections:\n  main:\n    kind: shop\n    base_url: https://shop.example\n    auth: {auth}\n"
        )
        return load(tmp_path, {})

    return loading


def trigger(fields: str) -> str:
    """A manifest of one trigger with these fields."""
    return f"triggers:\n  a.list: {{summary: An a, request: GET /a, {fields}}}\n"


def action(fields: str, request: str = "POST /a") -> str:
    """A manifest of one action with these fields."""
    return f"actions:\n  a.do: {{summary: Do a, request: '{request}', {fields}}}\n"


def asked(project: Project, name: str, inputs: dict[str, Any], **extra: Any) -> Request:
    """The request for a trigger's first page, or for an action."""
    connection = project.connections["main"]
    if name in project.actions:
        operation = project.actions[name].send
        return build(operation, check(operation, inputs), connection)
    row = project.triggers[name]
    more = {**row.fixed, **row.paging.ask(None), **extra}
    return build(row.fetch, check(row.fetch, inputs), connection, more)


def test_the_vendor_is_as_the_manifest_says(shop) -> None:
    vendor = shop().vendors["shop"]
    assert (vendor.title, vendor.note, vendor.base_url) == ("Shop", "Only for tests.", "https://api.shop.example/v1")
    assert (vendor.not_found, vendor.version_header) == ("no such", "X-Version")
    assert vendor.quota == Quota(per_10s=50, per_day=10_000)


def test_a_trigger_is_as_the_manifest_says(shop) -> None:
    row = shop().triggers["shop.orders.list"]
    assert (row.fetch.method, row.fetch.path, row.fetch.version) == ("GET", "/orders", "2022-11-28")
    assert (row.records, row.key, row.category, row.token) == (("data", "orders"), ("id",), "Shop", "either")
    assert (row.every, row.events, row.default_event) == (timedelta(minutes=2), ("new", "updated"), "new")
    assert (row.wakes, row.scopes, row.volatile, row.sets) == (("order.created",), ("orders.read",), (), ())
    assert isinstance(row.strategy, Watermark)
    assert (row.strategy.added, row.strategy.updated) == ("created_at", "updated_at")
    assert row.strategy.lookback == timedelta(minutes=5)
    assert row.paging == Numbered(page="page", limit="per_page", size=50)


def test_a_trigger_asks_for_what_lies_after_a_time(shop) -> None:
    project = shop()
    strategy = project.triggers["shop.orders.list"].strategy
    assert isinstance(strategy, Watermark)
    extra = strategy.since[0]("updated", SINCE, False)
    found = asked(project, "shop.orders.list", {"state": "open", "labels": ["a", "b"]}, **extra)
    assert found == Request(
        method="GET",
        path="/orders",
        query=(
            ("state", "open"),
            ("labels", "a,b"),
            ("archived", "false"),
            ("per_page", "50"),
            ("page", "1"),
            ("since", "2026-03-01T09:00:00.000Z"),
            ("sort", "updated"),
            ("direction", "asc"),
        ),
        version="2022-11-28",
    )


def test_what_a_since_template_makes_nothing_of_is_left_out(shop) -> None:
    strategy = shop().triggers["shop.orders.list"].strategy
    assert isinstance(strategy, Watermark)
    assert strategy.since[0]("new", None, True) == {"sort": "updated", "direction": "desc"}


def test_numbers_in_a_since_template_stay_numbers(shop) -> None:
    text = trigger("watermark: {added: at, since: {ms: '{{ since_ms }}', s: '{{ since_s }}', of: '{{ watch }}'}}")
    strategy = shop(text).triggers["shop.a.list"].strategy
    assert isinstance(strategy, Watermark)
    assert strategy.since[0]("new", SINCE, False) == {"ms": SINCE, "s": SINCE // 1000, "of": "new"}
    assert strategy.events == ("new",)


def test_an_action_is_written_as_the_vendor_wants_it(shop) -> None:
    inputs = {
        "title": "Chairs",
        "client": {"name": "Ada", "email": "ada@example.com"},
        "lines": [{"sku": "x"}, {"sku": "y"}],
    }
    found = asked(shop(), "shop.orders.create", inputs)
    assert found.body == {
        "origin": {"app": "hightide"},
        "title": "Chairs",
        "client": {"name": "Ada", "mail": {"address": "ada@example.com"}},
        "lines": [{"code": "x"}, {"code": "y"}],
    }


def test_constants_of_one_request_are_not_shared_with_the_next(shop) -> None:
    project = shop()
    first = asked(project, "shop.orders.create", {"title": "a", "client": {"name": "Ada"}})
    first.body["origin"]["app"] = "changed"
    assert asked(project, "shop.orders.create", {"title": "b", "client": {"name": "Ada"}}).body["origin"] == {
        "app": "hightide"
    }


def test_an_action_says_what_makes_repeating_it_safe(shop) -> None:
    row = shop().actions["shop.orders.create"]
    assert isinstance(row.repeat, Guarded)
    assert row.repeat.refusals == {"already there": "error.id"}
    probe = row.repeat.probe
    assert (probe.find.method, probe.find.path, list(hints_of(probe.find.query))) == (
        "GET",
        "/shops/{shop}/orders",
        ["q"],
    )
    assert probe.same == {"title": "title", "client.mail": "client.email"}
    assert (probe.since, probe.settles, probe.paging) == ("created_at", timedelta(seconds=30), Numbered(size=50))
    assert row.returns == "order.id"


@pytest.mark.parametrize(("path", "paging"), [("/a/{id}", OnePage()), ("/a", Numbered()), ("/a/{id}/b", Numbered())])
def test_looking_at_one_object_asks_for_no_page(shop, path: str, paging: object) -> None:
    probe = f"{{request: 'GET {path}', asks: {{id: id}}, unless: {{state: draft}}}}"
    fields = f"body: {{id: text}}, repeat: guarded, probe: {probe}"
    row = shop(f"pagination: {{style: pages}}\n{action(fields)}").actions["shop.a.do"]
    assert isinstance(row.repeat, Guarded)
    assert row.repeat.probe.paging == paging


@pytest.mark.parametrize(
    ("request_", "repeat"),
    [("GET /a", Natural), ("PUT /a", Natural), ("DELETE /a", Natural), ("POST /a", Unsafe), ("PATCH /a", Unsafe)],
)
def test_without_a_word_what_http_says_of_a_method_holds(shop, request_: str, repeat: type[Any]) -> None:
    assert isinstance(shop(action("category: Things", request_)).actions["shop.a.do"].repeat, repeat)


@pytest.mark.parametrize(
    ("fields", "strategy"),
    [
        ("snapshot: {version: v, added: at, missing: 2}", Snapshot(version="v", added="at", missing=2)),
        ("snapshot: {}, events: [new, removed]", Snapshot(events=("new", "removed"))),
        ("object: {}", Object(named=False)),
        ("object: {}, key: code", Object()),
        ("availability: {once: true, waiting: [404]}", Availability(once=True, waiting=(404,))),
        ("availability: {}, events: [new, changed]", Availability(events=("new", "changed"))),
        ("watermark: {added: at}", Watermark(added="at", events=("new",))),
        ("watermark: {added: at, also: state}", Watermark(added="at", also="state")),
        (
            "query: {near: required duration}, snapshot: {within: {at: ends, parameter: near}}",
            Snapshot(within=Within(at="ends", parameter="near")),
        ),
    ],
)
def test_strategies_are_those_of_the_built_in_rows(shop, fields: str, strategy: object) -> None:
    assert shop(trigger(fields)).triggers["shop.a.list"].strategy == strategy


def test_how_near_a_record_must_be_is_not_sent(shop) -> None:
    project = shop(
        trigger("query: {near: required duration, q: text}, snapshot: {within: {at: ends, parameter: near}}")
    )
    assert asked(project, "shop.a.list", {"near": "30d", "q": "x"}).query == (("q", "x"),)
    with pytest.raises(InvalidInputs, match="should be a length of time"):
        check(project.triggers["shop.a.list"].fetch, {"near": "soon"})


@pytest.mark.parametrize(
    ("fields", "paging"),
    [
        ("style: none", OnePage()),
        (
            "style: offset, skip: from, limit: most, size: 20, as_text: true",
            Offset(skip="from", limit="most", size=20, as_text=True),
        ),
        ("style: pages, first: 0", Numbered(first=0)),
        ("style: link", Linked()),
        ("style: link, limit: per_page, size: 30", Linked(limit="per_page", size=30)),
        (
            "style: keyset, values: {cursor: next, id: [last.id, last._id]}, more: has_more",
            Keyset(values={"cursor": ("next",), "id": ("last.id", "last._id")}, more=("has_more",)),
        ),
    ],
)
def test_pages_are_those_of_the_built_in_rows(shop, fields: str, paging: object) -> None:
    assert shop(trigger(f"snapshot: {{}}, pagination: {{{fields}}}")).triggers["shop.a.list"].paging == paging


def test_numbered_pages_are_asked_for_one_after_the_other() -> None:
    paging = Numbered(page="page", limit="per_page", size=2)
    assert paging.ask(None) == {"per_page": 2, "page": 1}
    second = paging.after(None, [], [{}, {}])
    assert paging.ask(second) == {"per_page": 2, "page": 2}
    assert paging.after(second, [], [{}]) is None


TYPES = [
    ("text", "a", 1),
    ("number", 1.5, "a"),
    ("integer", 3, 1.5),
    ("true/false", True, "perhaps"),
    ("time", "2026-03-01T09:00:00+01:00", "2026-03-01"),
    ("date", "2026-03-01", "soon"),
    ("duration", "30d", "30"),
    ("email", "a@b.cd", "a"),
    ("phone", "+14155550100", 5),
    ("url", "https://example.com", "example"),
    ("list of integer", [1, 2], [1, "a"]),
    ("mapping", {"a": 1}, [1]),
    ("mapping of text", {"a": "b"}, {"a": 1}),
    ("one of [a, b]", "b", "c"),
    ("{one_of: [1, 2]}", 2, 3),
    ("{list_of: {fields: {a: required text}}}", [{"a": "b"}], [{}]),
    ("{fields: {a: {list_of: email}}}", {"a": ["a@b.cd"]}, {"b": 1}),
]


@pytest.mark.parametrize(("type_", "right", "wrong"), TYPES, ids=[each[0] for each in TYPES])
def test_types_take_what_they_say(shop, type_: str, right: Any, wrong: Any) -> None:
    written = type_ if type_.startswith("{") else f"'{type_}'"
    send = shop(action(f"body: {{x: {written}}}")).actions["shop.a.do"].send
    assert check(send, {"x": right}) == {"x": right}
    with pytest.raises(InvalidInputs):
        check(send, {"x": wrong})


def test_any_takes_anything(shop) -> None:
    send = shop(action("body: {x: any}")).actions["shop.a.do"].send
    assert [check(send, {"x": each})["x"] for each in (1, "a", None, [{}])] == [1, "a", None, [{}]]


def test_what_is_required_is_missed(shop) -> None:
    send = shop(action("body: {x: required text, y: {type: text, required: true}, z: text}")).actions["shop.a.do"].send
    with pytest.raises(InvalidInputs) as caught:
        check(send, {})
    assert [path for path, _ in caught.value.problems] == ["x", "y"]


def test_the_connection_fills_in_what_the_manifest_says(tmp_path, shop) -> None:
    project = shop(action("body: {place: {type: text, from: location_id, required: true}}"))
    connection = project.connections["main"]
    assert connection.location_id is None
    with pytest.raises(InvalidInputs, match="location_id"):
        build(project.actions["shop.a.do"].send, {}, connection)


def test_a_post_without_a_body_sends_its_constants(shop) -> None:
    project = shop(action("fixed: {a: 1}"))
    assert asked(project, "shop.a.do", {}).body == {"a": 1}
    assert asked(shop(action("category: Things")), "shop.a.do", {}).body is None


def test_a_list_goes_in_parts(shop) -> None:
    row = shop(action("body: {ids: list of text}, bulk: {field: ids, limit: 50}")).actions["shop.a.do"]
    assert row.bulk == Bulk(field="ids", limit=50)


def test_a_connection_authenticates_as_the_manifest_allows(shop) -> None:
    auth = shop().connections["main"].auth
    assert isinstance(auth, ApiKey)
    assert (auth.header, auth.query) == ("X-Key", None)
    auth = shop(auth="{type: basic, username: ada, password: secret99}").connections["main"].auth
    assert isinstance(auth, Basic)
    assert "secret99" not in repr(auth)
    by_query = SHOP.replace("{api_key: {header: X-Key}, basic: {}}", "{api_key: {query: key}}")
    auth = shop(by_query).connections["main"].auth
    assert isinstance(auth, ApiKey)
    assert (auth.header, auth.query) == (None, "key")


def test_what_a_connection_says_goes_before_what_the_manifest_says(shop) -> None:
    manifest = SHOP.replace(
        "{api_key: {header: X-Key}, basic: {}}", "{client_credentials: {token_path: /token, scope: a b}}"
    )
    given = "{type: client_credentials, client_id: me, client_secret: abcdef, scope: c}"
    auth = shop(manifest, given).connections["main"].auth
    assert isinstance(auth, ClientCredentials)
    assert (auth.token_path, auth.scope) == ("/token", "c")


def test_a_connection_cannot_authenticate_otherwise(shop) -> None:
    with pytest.raises(ConfigError, match="5:18: shop does not take `none` \\(it takes `api_key`, `basic`\\)"):
        shop(auth="{type: none}")


def test_webhooks_are_read_as_the_manifest_says(shop) -> None:
    given = "webhooks: {header: X-Sign, algorithm: hmac_sha256, type: header.X-Event, id: event.id, account: [a, b]}"
    vendor = shop(f"{given}\ntoo_many: slow down\n{trigger('snapshot: {}')}").vendors["shop"]
    assert vendor.webhooks == Scheme(
        signatures=(Signature(header="X-Sign", algorithm="hmac_sha256"),),
        type="header.X-Event",
        id="event.id",
        time=None,
        account=("a", "b"),
    )
    assert vendor.patterns == {400: None, 401: None, 403: "slow down"}
    assert shop(trigger("snapshot: {}")).vendors["shop"].webhooks is None


def test_a_secret_in_the_file_is_warned_of(shop) -> None:
    given = "webhooks: {header: X-Sign, algorithm: hmac_sha256, key: s3cret}\n" + trigger("snapshot: {}")
    [warning] = [each for each in shop(given).warnings if each.file == "connectors/shop.yaml"]
    assert str(warning) == (
        "connectors/shop.yaml:1:57: `key` is written in the file (write `${NAME}`, and NAME=... in .env)"
    )


def test_an_id_in_a_path_may_be_a_number(shop) -> None:
    assert asked(shop(action("category: Things", "PUT /a/{id}")), "shop.a.do", {"id": 12}).path == "/a/12"


def test_an_oauth_vendor_has_its_pages(shop) -> None:
    oauth = "{oauth: {consent_page: 'https://shop.example/ok', token_path: /t, pkce: true}}"
    manifest = SHOP.replace("{api_key: {header: X-Key}, basic: {}}", oauth)
    vendor = shop(manifest, "{type: oauth, client_id: a, client_secret: abcdef}").vendors["shop"]
    assert (vendor.consent_page, vendor.token_path, vendor.pkce) == ("https://shop.example/ok", "/t", True)


AUTOMATION = """
automations:
  a:
    trigger: {use: shop.orders.list, connection: main, on: updated, with: {state: open}}
    steps:
      - use: shop.orders.create
        with: {title: "{{ record.id }}", client: {name: Ada}}
"""
WRONG = """
automations:
  a:
    trigger: {use: shop.orders.list, connection: main, with: {stat: open, archived: true}}
    steps: [{use: shop.orders.create, with: {client: {nme: Ada}}}]
"""


@pytest.fixture
def automation(tmp_path: Path) -> Path:
    """The project's only file of automations."""
    (tmp_path / "automations").mkdir()
    return tmp_path / "automations" / "a.yaml"


def test_a_manifest_takes_part_in_automations(shop, automation: Path) -> None:
    automation.write_text(AUTOMATION)
    found = shop().automations["a"]
    assert (found.trigger.on, found.steps[0].connection) == (("updated",), "main")


def test_its_parameters_are_checked_like_any_others(shop, automation: Path) -> None:
    automation.write_text(WRONG.lstrip())
    with pytest.raises(ConfigError) as caught:
        shop()
    assert [str(problem) for problem in caught.value.problems] == [
        "automations/a.yaml:3:63: unknown parameter `stat` (did you mean `state`?)",
        "automations/a.yaml:3:75: `archived` is set by Hightide (leave it out)",
        "automations/a.yaml:4:39: `title` is missing",
        "automations/a.yaml:4:55: unknown parameter `client.nme` (did you mean `name`?)",
    ]
