"""Every mistake in a manifest is told with its place, what was expected, and what was probably meant."""

# ruff: noqa: E501  # one mistake a line
from __future__ import annotations

from pathlib import Path

import pytest

from config.problems import ConfigError
from config.project import load

PLAIN = "snapshot: {}"


def trigger(fields: str, request: str = "GET /a") -> str:
    """A manifest of one trigger."""
    return f"triggers:\n  a.list: {{summary: An a, request: {request}, {fields}}}\n"


def action(fields: str, request: str = "POST /a") -> str:
    """A manifest of one action."""
    return f"actions:\n  a.do: {{summary: Do a, request: {request}, {fields}}}\n"


MISTAKES = [
    ("- a\n", "1:1: this should be a mapping of names to values"),
    ("titel: x\n" + trigger(PLAIN), "1:1: unknown field `titel` (did you mean `title`?)"),
    ("kind: ghl\n" + trigger(PLAIN), "1:7: `ghl` is built in (a manifest has a kind of its own)"),
    ("kind: other\n" + trigger(PLAIN), "1:7: the file of `other` should be called other.yaml"),
    ("extends: rnakr\n", "1:10: Hightide ships no connector `rnakr` (did you mean `rankr`?)"),
    ("title: x\n", "1:1: has neither `triggers` nor `actions`"),
    ("base_url: ftp://x\n" + trigger(PLAIN), "1:11: `base_url` is no web address (expected https://HOST)"),
    ("not_found: '('\n" + trigger(PLAIN), "1:12: is no regular expression"),
    ("auth: {bearer: {}}\n" + trigger(PLAIN), "1:8: unknown type `bearer` (did you mean `private_token`?)"),
    (
        "auth: {type: basic}\n" + trigger(PLAIN),
        "1:8: `auth` has no `type` in a connector (a way to authenticate is a name here, as in `basic: {}`; connections say `type`)",
    ),
    (
        "auth: {api_key: {header: X Key}}\n" + trigger(PLAIN),
        "1:26: `X Key` is no name of a header (letters, digits and `-`)",
    ),
    ("auth: {oauth: {pkce: 'yes'}}\n" + trigger(PLAIN), "1:22: `pkce` should be true or false"),
    (
        "auth: {oauth: {consent_page: /authorize}}\n" + trigger(PLAIN),
        "1:30: `consent_page` is no web address (expected https://HOST/PAGE)",
    ),
    (
        "auth: {client_credentials: {token_path: token}}\n" + trigger(PLAIN),
        "1:41: `token_path` should be a path below `base_url`, or a whole address (expected such as `/oauth/token`)",
    ),
    (
        "version: {header: 'X:V', value: a}\n" + trigger(PLAIN),
        "1:19: `X:V` is no name of a header (letters, digits and `-`)",
    ),
    (
        "triggers:\n  shop.a.list: {summary: a, request: GET /a, snapshot: {}}\n",
        "2:3: `shop.a.list` begins with the kind (names stand without it here)",
    ),
    (
        trigger(PLAIN, "GET https://a.example/b"),
        "2:36: `GET https://a.example/b` is no method and path (the host stands in `base_url`)",
    ),
    (
        trigger("snapshot: {}, records: '$.data[*]'"),
        "2:67: `$.data[*]` is no place in an answer (names with dots between them, as in `data.items`)",
    ),
    (action("body: {a: string}"), "2:53: `string` is no type (did you mean `text`?)"),
    (
        action("body: {a: boolean required}"),
        "2:53: `boolean required` is no type (did you mean `required true/false`?)",
    ),
    (action("body: {a: [open, closed]}"), "2:53: should be a type (did you mean `one of [open, closed]`?)"),
    (
        action("body: {a: {street: text}}"),
        "2:50: needs one of `type`, `one_of`, `list_of`, `fields` (those of an object stand under `fields`)",
    ),
    (
        action("body: {a: text}, repeat: guarded, probe: {request: GET /a}"),
        "2:77: needs `same` (by which fields is what it made recognised?)",
    ),
    (
        action("body: {a: text}, repeat: guarded, probe: {request: DELETE /a, same: {a: a}}"),
        "2:94: a DELETE does not look, it changes (a GET, or a POST that searches)",
    ),
    ("too_many: '['\n" + trigger(PLAIN), "1:11: is no regular expression"),
    ("webhooks: X-Sign\n" + trigger(PLAIN), "1:11: `webhooks` should be a mapping of names to values"),
    (
        "webhooks: {header: X-Sign}\n" + trigger(PLAIN),
        "1:1: `webhooks.algorithm` is missing",
    ),
    (
        "webhooks: {header: X-Sign, algorithm: sha256}\n" + trigger(PLAIN),
        "1:39: `webhooks.algorithm` should be `hmac_sha256`, `ed25519` or `rsa_sha256`",
    ),
    (
        "webhooks: {header: X-Sign, algorithm: ed25519, key: abc}\n" + trigger(PLAIN),
        "1:53: `key` is no public key for ed25519, in base64 (SPKI, DER)",
    ),
    (
        "webhooks: {header: X-Sign, algorithm: hmac_sha256, kye: abc}\n" + trigger(PLAIN),
        "1:52: unknown field `webhooks.kye` (did you mean `key`?)",
    ),
    (
        "webhooks: {header: X-Sign, algorithm: hmac_sha256, key: '${NOPE}'}\n" + trigger(PLAIN),
        "1:57: environment variable `NOPE` is not set (set it in the environment or in .env)",
    ),
    (
        "pagination: {style: link, page: x}\n" + trigger(PLAIN),
        "1:27: `page` does not belong to the style `link` (known: `limit`, `size`)",
    ),
    ("auth: {api_ky: {}}\n" + trigger(PLAIN), "1:8: unknown type `api_ky` (did you mean `api_key`?)"),
    ("auth: {api_key: {headr: x}}\n" + trigger(PLAIN), "1:18: unknown field `headr` (did you mean `header`?)"),
    ("auth: {api_key: {key: x}}\n" + trigger(PLAIN), "1:18: unknown field `key` (known: `header`, `query`)"),
    (
        "auth: {api_key: yes}\n" + trigger(PLAIN),
        "1:17: should be a mapping of names to values (`{}` where there is nothing to say)",
    ),
    ("quota: {per_10s: 0}\n" + trigger(PLAIN), "1:18: `quota.per_10s` should be greater than or equal to 1"),
    ("quota: none\n" + trigger(PLAIN), "1:8: `quota` should be a mapping of names to values or `off`"),
    ("version: v1\n" + trigger(PLAIN), "1:10: `version` should be a mapping of names to values"),
    ("assumed: {a: x}\n" + trigger("snapshot: {}, records: <b>"), "3:67: `<b>` is not among `assumed` (known: `a`)"),
    (
        "pagination: {style: page}\n" + trigger(PLAIN),
        "1:21: `pagination.style` should be `none`, `offset`, `pages`, `keyset` or `link`",
    ),
    (
        "pagination: {style: pages, skip: x}\n" + trigger(PLAIN),
        "1:28: `skip` does not belong to the style `pages` (known: `page`, `limit`, `size`, `first`)",
    ),
    (
        "pagination: {style: keyset}\n" + trigger(PLAIN),
        "1:1: `values` is missing (where the next page's parameters lie)",
    ),
    ("pagination: {page: x}\n" + trigger(PLAIN), "1:1: `pagination.style` is missing"),
    (
        "triggers:\n  A.list: {summary: a, request: GET /a, snapshot: {}}\n",
        "2:3: `A.list` cannot be a name (lower-case words with dots between them, such as `leads.list`)",
    ),
    ("triggers:\n  a.list: text\n", "2:11: this should be a mapping of names to values"),
    ("triggers:\n  a.list: {request: GET /a, snapshot: {}}\n", "2:3: `summary` is missing"),
    (trigger(PLAIN, "GTE /a"), "2:36: `GTE /a` is no method and path (did you mean `GET`?)"),
    (trigger(PLAIN, "/a"), "2:36: `/a` is no method and path (expected such as `GET /leads/{id}`)"),
    (trigger(PLAIN, "GET a"), "2:36: `GET a` is no method and path (expected such as `GET /leads/{id}`)"),
    (
        trigger(PLAIN, "GET /a?b=c"),
        "2:36: `/a?b=c` is no path (names in braces, parameters of the query under `query`)",
    ),
    (
        trigger(PLAIN, "'GET /a/{b-c}'"),
        "2:36: `/a/{b-c}` is no path (names in braces, parameters of the query under `query`)",
    ),
    (
        trigger("records: a"),
        "2:3: one of `watermark`, `snapshot`, `object`, `availability` is missing (how is it known what is new?)",
    ),
    (trigger("snapshot: {}, object: {}"), "2:58: has both `snapshot`, `object` (how is it known what is new?)"),
    (
        trigger("snapshots: {}"),
        "2:3: one of `watermark`, `snapshot`, `object`, `availability` is missing (how is it known what is new?) / 2:44: unknown field `snapshots` (did you mean `snapshot`?)",
    ),
    (trigger("snapshot: {vrsion: a}"), "2:55: unknown field `snapshot.vrsion` (did you mean `version`?)"),
    (
        trigger("snapshot: {}, events: [changed]"),
        "2:67: there can be no event `changed` (known: `new`, `updated`, `removed`)",
    ),
    (trigger("snapshot: {}, events: [nwe]"), "2:67: `events[0]` should be `new`, `updated`, `changed` or `removed`"),
    (trigger("snapshot: {}, on: changed"), "2:62: it has no event `changed` (known: `new`, `updated`, `removed`)"),
    (
        trigger("snapshot: {}, every: 30s"),
        "2:65: `30s` is outside 1 to 15 minutes (expected `1m` to `15m`, or `auto`; or `cron`)",
    ),
    (trigger("snapshot: {}, every: auto"), "2:65: should be an interval of its own (an automation may say `auto`)"),
    (trigger("snapshot: {}, every: often"), "2:65: `often` is no interval (expected `1m` to `15m`, or `auto`)"),
    (trigger("watermark: {updated: a}"), "2:44: `watermark.added` is missing"),
    (
        trigger("watermark: {added: a, lookback: soon}"),
        "2:76: `soon` should be a length of time, such as 90s, 10m, 2h or 30d",
    ),
    (trigger("watermark: {added: a, since: {x: '{{ sinc }}'}}"), "2:77: unknown name `sinc` (did you mean `since`?)"),
    (
        trigger("watermark: {added: a, since: {x: '{{ since | dat }}'}}"),
        "2:77: unknown filter `dat` (did you mean `date`?)",
    ),
    (
        trigger("watermark: {added: a, since: {x: '{{ since + 1 }}'}}"),
        "2:77: the template fails: `+` does not go between null and a number (`| default(0) | float` makes a number of null and of text)",
    ),
    (
        trigger("watermark: {added: a, since: {x: 1}}"),
        "2:73: asks the same with a time as without (`{{ since }}` is the time, in ISO 8601)",
    ),
    (
        trigger("watermark: {added: a, since: []}"),
        "2:73: `watermark.since` should be a mapping of names to values or should not be empty",
    ),
    (trigger("snapshot: {within: {at: x, parameter: y}}"), "2:82: there is no parameter `y` of type `duration`"),
    (
        trigger("query: {y: text}, snapshot: {within: {at: x, parameter: y}}"),
        "2:100: there is no parameter `y` of type `duration`",
    ),
    (trigger("snapshot: {}, query: {a: txt}"), "2:69: `txt` is no type (did you mean `text`?)"),
    (trigger("snapshot: {}, query: {a: list of txt}"), "2:69: `txt` is no type (did you mean `text`?)"),
    (
        trigger("snapshot: {}, query: {a: 5}"),
        "2:69: should be a type (expected `text`, `number`, `integer`, `true/false`, `time`, `date`, `duration`, `email`, `phone`, `url`, `mapping`, `any`, `list of ...`, `mapping of ...` or `one of [...]`; `required` may stand in front)",
    ),
    (trigger("snapshot: {}, query: {a: {description: x}}"), "2:66: needs one of `type`, `one_of`, `list_of`, `fields`"),
    (trigger("snapshot: {}, query: {a: {type: text, one_of: [a]}}"), "2:66: has both `type`, `one_of`"),
    (trigger("snapshot: {}, query: {a: {type: integer, example: x}}"), "2:94: the example is not of the type"),
    (trigger("snapshot: {}, query: {a: {tpe: integer}}"), "2:70: unknown field `tpe` (did you mean `type`?)"),
    (trigger("snapshot: {}, query: {a: {fields: {b: txt}}}"), "2:82: `txt` is no type (did you mean `text`?)"),
    (
        trigger("snapshot: {}, query: {a: {type: text, from: location}}"),
        "2:88: `from` should be `location_id` or `company_id`",
    ),
    (trigger("snapshot: {}, one_of: [a]"), "2:67: there is no parameter `a`"),
    (trigger("snapshot: {}, body: {a: text}"), "2:58: a GET has no body (its parameters go under `query`)"),
    (trigger("snapshot: {}, path: {b: 'one of [x, y]'}"), "2:65: `{b}` is not in the path"),
    (
        trigger("snapshot: {}, path: {a: text}", "'GET /{a}'"),
        "2:72: should be `one of [a, b]` (other parameters of a path are texts anyway)",
    ),
    (trigger("snapshot: {}, query: {a: text}", "'GET /{a}'"), "2:70: there is a parameter `a` already"),
    (action("body: {a: text}, query: {a: text}"), "2:50: there is a parameter `a` already"),
    (
        action("body: {a: text}, query: {b: {type: text, as: c}}"),
        "2:84: cannot be written otherwise where there is a body",
    ),
    (action("repeat: guarded"), "2:51: `guarded` needs a `probe` (how is it seen that it took effect?)"),
    (action("repeat: natrual"), "2:51: `repeat` should be `natural`, `guarded` or `unsafe`"),
    (
        action("repeat: natural, probe: {request: GET /a}"),
        "2:60: nothing is looked for where twice is the same as once",
    ),
    (action("refusals: {a: b}"), "2:43: `refusals` belong to `repeat: guarded`"),
    (
        action("repeat: guarded, probe: {request: GET /a, asks: {x: y}}, body: {z: text}"),
        "2:95: the action has no parameter `y` (known: `z`)",
    ),
    (action("repeat: guarded, probe: {request: 'GET /a/{id}'}"), "2:60: `{id}` of the path is not asked for"),
    (
        action("probe: {request: GET /a, settles: soon}"),
        "2:77: `soon` should be a length of time, such as 90s, 10m, 2h or 30d",
    ),
    (action("bulk: {field: x, limit: 5}"), "2:57: there is no parameter `x`"),
    (action("bulk: {limit: 5}"), "2:43: `bulk.field` is missing"),
    (action("only_one_of: [x]"), "2:57: there is no parameter `x`"),
    (
        "triggers:\n  a.list: {summary: a, request: GET /a, snapshot: {}}\nactions: 5\n",
        "3:10: `actions` should be a mapping of names to values",
    ),
    (
        "triggers: {a.list: {summary: '${NOPE}', request: GET /a, snapshot: {}}}\n",
        "1:30: environment variable `NOPE` is not set (set it in the environment or in .env)",
    ),
]


def faults(folder: Path, **manifests: str) -> list[str]:
    """What is wrong with a project of these manifests."""
    (folder / "connectors").mkdir()
    for name, text in manifests.items():
        (folder / "connectors" / f"{name}.yaml").write_text(text)
    (folder / "connections.yaml").write_text("connections: {}\n")
    with pytest.raises(ConfigError) as caught:
        load(folder, {})
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(("manifest", "said"), MISTAKES)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, manifest: str, said: str) -> None:
    found = faults(tmp_path, shop=manifest)
    assert " / ".join(found) == " / ".join(f"connectors/shop.yaml:{each}" for each in said.split(" / "))


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    shop = "titel: x\n" + trigger("snapshot: {}, every: often") + action("body: {a: txt}", "PSOT /a")
    found = faults(tmp_path, shop=shop, store="triggers: 5\n")
    assert [place.partition(": ")[0] for place in found] == [
        "connectors/shop.yaml:1:1",
        "connectors/shop.yaml:3:65",
        "connectors/shop.yaml:5:34",
        "connectors/shop.yaml:5:53",
        "connectors/store.yaml:1:11",
    ]


def test_what_stands_on_a_broken_connector_is_not_blamed_as_well(tmp_path: Path) -> None:
    (tmp_path / "connectors").mkdir()
    (tmp_path / "automations").mkdir()
    (tmp_path / "connectors" / "shop.yaml").write_text(trigger("snapshot: {}", "GTE /a"))
    (tmp_path / "connections.yaml").write_text("connections: {main: {kind: shop, auth: {type: none}}}\n")
    use = "{use: shop.a.list, connection: main, on: nwe}"
    (tmp_path / "automations" / "a.yaml").write_text(
        f"automations: {{a: {{trigger: {use}, steps: [{{use: shop.a.do, connection: main}}], whn: x}}}}\n"
    )
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, {})
    assert [str(problem).partition(" (")[0] for problem in caught.value.problems] == [
        "automations/a.yaml:1:120: unknown field `whn`",
        "connectors/shop.yaml:2:36: `GTE /a` is no method and path",
    ]


def test_a_file_that_would_be_overlooked_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "connectors").mkdir()
    (tmp_path / "connectors" / "shop.yml").write_text("title: Shop\n")
    (tmp_path / "connections.yaml").write_text("connections: {}\n")
    with pytest.raises(ConfigError, match=r"connectors/shop.yml: is not read \(name it .yaml\)"):
        load(tmp_path, {})


def test_a_broken_file_is_told_of_like_any_other(tmp_path: Path) -> None:
    assert faults(tmp_path, shop="triggers: [\n")[0].startswith("connectors/shop.yaml:2:1: is no YAML")
