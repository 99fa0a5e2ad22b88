"""Every mistake in a file of automations is told with its place, what was expected, and what was probably meant."""

# ruff: noqa: E501  # one mistake a line
from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from config.automation import Auto, Automation, Cron, Every
from worker.scopes import needed

TRIGGER = "trigger: {use: toy.leads.search, connection: acme}"


def one(
    trigger: str = TRIGGER, steps: str = "[{use: toy.notes.create, with: {leadId: a, body: b}}]", more: str = ""
) -> str:
    """A file of one automation: line 3 is its trigger, line 4 its steps, line 5 whatever more."""
    return f"automations:\n  x:\n    {trigger}\n    steps: {steps}\n    {more}\n"


def trigger(fields: str, use: str = "toy.leads.search", connection: str = "acme") -> str:
    steps = "[{use: toy.notes.create, connection: acme, with: {leadId: a, body: b}}]"
    return one(f"trigger: {{use: {use}, connection: {connection}, {fields}}}", steps)


def step(fields: str, use: str = "toy.contracts.create") -> str:
    return one(steps=f"[{{use: {use}, {fields}}}]")


def with_(inputs: str, use: str = "toy.contracts.create") -> str:
    return step(f"with: {{{inputs}}}", use)


CONTRACT = "template_id: nda, client: {name: Ada}"


def test_an_automation_is_read_as_a_value(loaded) -> None:
    found = loaded().automations["welcome"]
    assert found.trigger.use == "toy.leads.search"
    assert found.trigger.connection == "acme"
    assert found.trigger.on == ("new",)
    assert found.trigger.schedule == Every(120)
    assert found.trigger.start == "now"
    assert found.when == "'lead' in record.tags and record.email"
    assert [step.id for step in found.steps] == ["contract", "2"]
    assert [step.connection for step in found.steps] == ["acme", "acme"]
    assert found.steps[1].with_ == {"leadId": "{{ record.id }}", "body": "Contract {{ steps.contract.id }} drafted"}
    assert (found.steps[0].on_error, found.steps[0].on_uncertain) == ("stop", "hold")


def read(loaded, text: str) -> Automation:
    return loaded(text).automations["x"]


@pytest.mark.parametrize(
    ("fields", "schedule"),
    [
        ("every: 1m", Every(60)),
        ("every: 15m", Every(900)),
        ("every: 90s", Every(90)),
        ("every: auto", Auto()),
        ('cron: "*/5 9-17 * * mon-fri", timezone: Europe/Vienna', Cron("*/5 9-17 * * mon-fri", "Europe/Vienna")),
        ('cron: "0 6 * * *"', Cron("0 6 * * *", "UTC")),
        ("on: new", Every(60)),
    ],
)
def test_schedules_are_read(loaded, fields: str, schedule: object) -> None:
    assert read(loaded, trigger(fields)).trigger.schedule == schedule


def test_asking_for_custom_fields_needs_a_scope(loaded) -> None:
    project = loaded(one(more="when: custom('Budget')"))
    assert needed(project, project.connections["acme"]) == {"locations/customFields.readonly": "x: custom"}
    assert needed(project, project.connections["agency"]) == {}


def test_an_automation_may_collect(loaded) -> None:
    steps = (
        "[{use: toy.notes.create, for_each: records, with: {leadId: '{{ item.id }}', body: '{{ records | length }}'}}]"
    )
    assert read(loaded, one(steps=steps, more="collect: 10m")).collect == timedelta(minutes=10)


def test_several_kinds_of_event_may_count(loaded) -> None:
    assert read(loaded, trigger("on: [new, updated, new]")).trigger.on == ("new", "updated")


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("beginning", "beginning"),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T09:30:00Z", datetime(2026, 1, 31, 9, 30, tzinfo=UTC)),
    ],
)
def test_starts_are_read_without_quotes(loaded, text: str, start: object) -> None:
    assert read(loaded, trigger(f"start: {text}")).trigger.start == start


def test_a_variable_may_stand_for_any_text_and_stays_unread_in_parameters(loaded) -> None:
    environ = {"ACME_TOKEN": "t", "PACE": "5m", "WHERE": "acme", "TITLE": "nda"}
    text = trigger("every: '${PACE}', with: {query: '${TITLE}'}", connection="'${WHERE}'")
    found = loaded(text, environ=environ).automations["x"]
    assert found.trigger.schedule == Every(300)
    assert found.trigger.connection == "acme"
    assert found.trigger.with_ == {"query": "${TITLE}"}
    assert found.with_environment(environ).trigger.with_ == {"query": "nda"}


def test_anchors_and_merges_work_as_in_any_yaml(loaded) -> None:
    text = """
    automations:
      x:
        trigger: &often {use: toy.leads.search, connection: acme, every: 1m}
        steps: &note [{use: toy.notes.create, with: {leadId: a, body: b}}]
      y:
        trigger: {<<: *often, every: 3m}
        steps: *note
    """
    automations = loaded(text).automations
    assert automations["y"].trigger.schedule == Every(180)
    assert automations["y"].steps == automations["x"].steps


MISTAKES = [
    # the trigger
    (trigger("", use="toy.leads.serach"), "3:20: unknown operation `toy.leads.serach` (did you mean `toy.leads.search`?)"),
    (trigger("", use="zzz"), "3:20: unknown operation `zzz` (`hightide catalog --all` lists them)"),
    (
        trigger("", use="toy.notes.create"),
        "3:20: `toy.notes.create` is an action, and a trigger is expected (`hightide catalog --all --kind trigger` lists them)",
    ),
    (trigger("", connection="amce"), "3:50: unknown connection `amce` (did you mean `acme`?)"),
    (
        trigger("", connection="paper"),
        "3:50: `paper` is a connection of kind other, and `toy.leads.search` is not (of kind toy: `acme`, `agency`)",
    ),
    (one(trigger="trigger: {use: toy.leads.search}"), "3:5: `connection` is missing"),
    (one(trigger="trigger: {connection: acme}"), "3:5: `use` is missing"),
    (one(trigger="trigger: acme"), "3:14: `trigger` should be a mapping of names to values"),
    (trigger("on: nwe"), "3:60: `toy.leads.search` has no event `nwe` (did you mean `new`?)"),
    (trigger("on: [new, removed]"), "3:66: `toy.leads.search` has no event `removed` (known: `new`, `updated`)"),
    (trigger("evry: 2m"), "3:56: unknown field `evry` (did you mean `every`?)"),
    (trigger("every: 30s"), "3:63: `30s` is outside 1 to 15 minutes (expected `1m` to `15m`, or `auto`; or `cron`)"),
    (trigger("every: 20m"), "3:63: `20m` is outside 1 to 15 minutes (expected `1m` to `15m`, or `auto`; or `cron`)"),
    (trigger("every: 5min"), "3:63: `5min` is no interval (did you mean `5m`?)"),
    (trigger("every: 5"), "3:63: `5` is no interval (did you mean `5m`?)"),
    (trigger("every: 90 seconds"), "3:63: `90 seconds` is no interval (did you mean `90s`?)"),
    (trigger("every: often"), "3:63: `often` is no interval (expected `1m` to `15m`, or `auto`)"),
    (trigger("every: [1m]"), "3:63: `every` should be text or a whole number (it is a list)"),
    (
        trigger('cron: "61 * * * *"'),
        "3:62: `61 * * * *` is no cron expression (the minute `61` is wrong: 0 to 59)",
    ),
    (trigger('cron: "*/5 25 * * *"'), "3:62: `*/5 25 * * *` is no cron expression (the hour `25` is wrong: 0 to 23)"),
    (
        trigger('cron: "* * * * * *"'),
        "3:62: `* * * * * *` is no cron expression of five fields "
        "(expected minute, hour, day, month, weekday, such as `*/5 9-17 * * mon-fri`)",
    ),
    (trigger('cron: "0 0 30 2 *"'), "3:62: `0 0 30 2 *` never comes due"),
    (
        trigger('cron: "0 6 * * *", timezone: Europe/Viena'),
        "3:85: unknown time zone `Europe/Viena` (did you mean `Europe/Vienna`?)",
    ),
    (
        trigger('cron: "0 6 * * *", timezone: CEST'),
        "3:85: unknown time zone `CEST` (expected such as `Europe/Vienna`)",
    ),
    (trigger("timezone: UTC"), "3:56: `timezone` belongs to `cron`"),
    (trigger('every: 1m, cron: "0 6 * * *"'), "3:67: `cron` and `every` exclude each other (leave one of them out)"),
    (
        trigger("start: yesterday"),
        "3:63: `yesterday` is no start (expected `now`, `beginning`, `2026-01-31` or `2026-01-31T09:00:00Z`)",
    ),
    (
        trigger('start: "2026-01-31T09:00:00"'),
        "3:63: `2026-01-31T09:00:00` names no time zone (`2026-01-31T09:00:00Z` is UTC)",
    ),
    (trigger("with: {qury: x}"), "3:63: unknown parameter `qury` (did you mean `query`?)"),
    (
        trigger("with: {query: '{{ record.id }}'}"),
        "3:70: a trigger's parameters cannot be templates (there is no record yet when it is polled)",
    ),
    (trigger("", use="toy.leads.get"), "3:5: `leadId` is missing"),
    (
        trigger("with: {calendarId: c, startTime: x}", use="toy.events.list"),
        "3:77: `startTime` is set by Hightide (leave it out)",
    ),
    (trigger("with: {}", use="toy.events.list"), "3:55: one of `calendarId`, `userId` is missing"),
    (
        trigger("", connection="agency"),
        "3:20: connection `agency` has no `location_id` (give it a `location_id`, or `locationId` under `with`)",
    ),
    (
        trigger("", use="toy.agencies.list"),
        "3:20: connection `acme` is no agency's "
        "(`toy.agencies.list` takes an agency's token: use a connection with a `company_id`)",
    ),
    (
        trigger("with: {leadId: a}", use="toy.leads.get", connection="agency"),
        "3:20: connection `agency` is an agency's "
        "(`toy.leads.get` takes a location's token: use a connection with a `location_id`)",
    ),
    # the automation
    (one(more="whn: x"), "5:5: unknown field `whn` (did you mean `when`?)"),
    (one(more="when: true"), "5:11: `when` should be text (text that looks like something else needs quotes)"),
    (one(more="when: '{{ record.x }}'"), "5:11: the expression is to be written without {{ }}"),
    (one(more="when: record.tags | lowr"), "5:11: unknown filter `lowr` (did you mean `lower`?)"),
    (one(more="when: recrod.tags"), "5:11: unknown name `recrod` (did you mean `record`?)"),
    (one(more="when: record.x is defned"), "5:11: unknown test `defned` (did you mean `defined`?)"),
    (one(more="when: steps.a.id"), "5:11: `steps` is only there in the steps after the first"),
    (one(more="when: record.x ="), "5:11: the expression goes on with `=`, which does not belong to it (write `==` to compare)"),
    (one(more="when: record.x && 1"), "5:11: the expression does not parse: unexpected char '&' at 9 (write `and`)"),
    (one(more="when: record.x || 1"), "5:11: the expression does not parse: expected token 'name', got '|' (write `or`)"),
    (one(more="when: '!record.x'"), "5:11: the expression does not parse: unexpected char '!' at 0 (write `not`)"),
    (one(more="when: record.tags contains '&&'"), "5:11: the expression goes on with `contains`, which does not belong to it (write `'x' in record.tags`)"),
    (one(more="when: now | date('%d', 'Berlin') == '1'"), "5:11: `date`: unknown time zone 'Berlin': expected a name such as Europe/Vienna"),
    (one(more="when: now | date(zone='Berlin') == '1'"), "5:11: `date`: unknown time zone 'Berlin': expected a name such as Europe/Vienna"),
    (one(more="when: now | date('Europe/Berlin') == '1'"), "5:11: `date`: 'Europe/Berlin' is no form of a time: expected `iso` or such as '%d.%m.%Y'; the zone comes second"),
    (one(more="when: now | plus('3 days') > record.x"), "5:11: `plus`: '3 days' is no span of time: expected such as 30s, 10m, 2h, 2d or -2d"),
    (one(more='when: ""'), "5:11: `when` should not be empty"),
    (one(more="once_per: record.email"), "5:15: `record.email` names no value and span (expected an expression and a span, such as `record.email per 1d`)"),
    (one(more="once_per: record.email per day"), "5:15: `record.email per day` is no span of time (expected an expression and a span, such as `record.email per 1d`)"),
    (one(more="once_per: recrd.email per 1d"), "5:15: unknown name `recrd` (did you mean `record`?)"),
    (one(more="collect: 30s"), "5:14: `30s` is not between 1m and 1d (expected such as `10m` or `1h`)"),
    (one(more="collect: 2d"), "5:14: `2d` is not between 1m and 1d (expected such as `10m` or `1h`)"),
    (one(more="collect: soon"), "5:14: `soon` is no span between 1m and 1d (expected such as `10m` or `1h`)"),
    (one(more="when: records | length > 1"), "5:11: `records` is only there in the steps of an automation with `collect`"),
    (with_(f"{CONTRACT}, tags: ['{{{{ records }}}}']"), "4:94: `records` is only there in the steps of an automation with `collect`"),
    (one(more="when: custom.budget"), "5:11: `custom` is a function (write `custom('NAME')`, with the name of a custom field)"),
    (one(more="when: custom()"), "5:11: `custom` wants the name of a custom field, and perhaps `of=` whose it is"),
    (one(more="when: custom('a', whose=record)"), "5:11: `custom` wants the name of a custom field, and perhaps `of=` whose it is"),
    (
        trigger("", connection="agency", use="toy.agencies.list").replace("    \n", "    when: custom('a')\n"),
        "5:11: `custom` is not there: the trigger's connection has no custom fields "
        "(HighLevel's locations have them: the trigger's connection has to be of kind ghl, with a location)",
    ),
    (one(more="echoes: ignore"), "5:13: `echoes` should be `run` or `skip`"),
    (one(more="echos: skip"), "5:5: unknown field `echos` (did you mean `echoes`?)"),
    (one(steps="[]"), "4:12: `steps` should not be empty"),
    (one(steps="{use: x}"), "4:12: `steps` should be a list"),
    ("automations:\n  x:\n    steps: [{use: toy.notes.create, with: {leadId: a, body: b}}]\n", "2:3: `trigger` is missing"),
    (f"automations:\n  x:\n    {TRIGGER}\n", "2:3: `steps` is missing"),
    ("automations:\n  x: 5\n", "2:6: this should be a mapping of names to values"),
    ("automations:\n", "1:1: there is no automation in the file (write one beneath `automations:`, or remove the file)"),
    ("automations:\nx:\n  steps: []\n", "2:1: `x` is not beneath `automations` (indent it by two spaces)"),
    ("automation: {}\n", "1:1: unknown field `automation` (did you mean `automations`?)"),
    ("- x\n", "1:1: this should be a mapping of names to values"),
    ("", "1:1: there is no automation in the file (write one beneath `automations:`, or remove the file)"),
    # the steps
    (one(steps="[note]"), "4:13: this should be a mapping of names to values"),
    (with_(CONTRACT, use="toy.contract.create"), "4:19: unknown operation `toy.contract.create` (did you mean `toy.contracts.create`?)"),
    (with_("leadId: a", use="toy.leads.get"), "4:19: `toy.leads.get` is a trigger, and an action is expected (`hightide catalog --all --kind action` lists them)"),
    (with_("body: x", use="other.papers.create"), "4:13: `connection` is missing: the trigger's is of kind toy (of kind other: `paper`)"),
    (step("connection: papr, with: {body: x}", use="other.papers.create"), "4:52: unknown connection `papr` (did you mean `paper`?)"),
    (step(f"id: my-step, with: {{{CONTRACT}}}"), "4:45: `id` should be letters, digits and underscores, with no digit first"),
    (step(f"on_error: ignore, with: {{{CONTRACT}}}"), "4:51: `on_error` should be `stop` or `continue`"),
    (step(f"on_uncertain: ask, with: {{{CONTRACT}}}"), "4:55: `on_uncertain` should be `hold`, `retry` or `skip`"),
    (step(f"wait: two days, with: {{{CONTRACT}}}"), "4:47: `two days` is no span of time (expected such as `30s`, `10m`, `2h` or `2d`, up to `90d`)"),
    (step(f"wait: 91d, with: {{{CONTRACT}}}"), "4:47: `91d` is not between 1s and 90d (expected such as `30s`, `10m`, `2h` or `2d`, up to `90d`)"),
    (step(f"wait: 30, with: {{{CONTRACT}}}"), "4:47: `30` is no span of time (expected such as `30s`, `10m`, `2h` or `2d`, up to `90d`)"),
    (step(f"for_each: [a], with: {{{CONTRACT}}}"), "4:51: `for_each` should be text (it is a list)"),
    (step(f"for_each: item.x, with: {{{CONTRACT}}}"), "4:51: `item` is only there in a step with `for_each`"),
    (with_(f"{CONTRACT}, tags: ['{{{{ item }}}}']"), "4:94: `item` is only there in a step with `for_each`"),
    # its parameters
    (step("when: record.x"), "4:13: `client` is missing\n4:13: `template_id` is missing"),
    (with_("template_id: 5, client: {name: Ada}"), "4:61: `template_id` should be text (text that looks like something else needs quotes)"),
    (with_("template_id: 0123, client: {name: Ada}"), "4:61: a number cannot begin with 0 (put it in quotes to have it as text)"),
    (with_("template_id: a, client: {nme: Ada, name: B}"), "4:73: unknown parameter `client.nme` (did you mean `name`?)"),
    (with_("template_id: a, client: {}"), "4:64: `client.name` is missing"),
    (with_("template_id: a, client: Ada"), "4:72: `client` should be a mapping of names to values"),
    (with_(f"{CONTRACT}, pages: many"), "4:94: `pages` should be a whole number"),
    (with_(f"{CONTRACT}, pages: 0"), "4:94: `pages` should be greater than or equal to 1"),
    (with_(f"{CONTRACT}, state: drafft"), "4:94: `state` should be `draft` or `sent`"),
    (with_(f"{CONTRACT}, tags: [a, '{{{{ record.x }}}}', 5]"), "4:115: `tags[2]` should be text (text that looks like something else needs quotes)"),
    (with_(f"{CONTRACT}, extra: [1, x]"), "4:98: `extra[1]` should be a whole number"),
    (with_(f"{CONTRACT}, extra: {{a: b}}"), "4:94: `extra` should be text or a list (it is a mapping)"),
    (with_(f"{CONTRACT}, surplus: '{{{{ record.x }}}}'"), "4:87: unknown parameter `surplus` (known: `template_id`, `client`, `pages`, `tags`, `state`, `extra`)"),
    (with_("email: a, phone: b", use="toy.leads.find"), "4:35: exactly one of `email`, `phone`, `leadId` must be given"),
    (with_("leadId: a, phone: b", use="toy.leads.find"), "4:35: exactly one of `email`, `phone`, `leadId` must be given"),
    (step("with: {}", use="toy.company.update"), "4:19: connection `acme` has no `company_id` (give it a `company_id`, or `companyId` under `with`)"),
    (with_("template_id: '{{ a b }}', client: {name: Ada}"), "4:61: the template does not parse: expected token 'end of print statement', got 'b'"),
    (with_("template_id: '{{ record.x', client: {name: Ada}"), "4:61: the template does not parse: unexpected end of template, expected 'end of print statement'. (a `{{` needs its `}}`, a `{%` its `%}`)"),
    (with_("template_id: '{% if %}', client: {name: Ada}"), "4:61: the template does not parse: Expected an expression, got 'end of statement block' (nothing is asked, as in `{% if record.email %}`)"),
    (with_("template_id: '{% if record.x %}a', client: {name: Ada}"), "4:61: the template does not parse: Unexpected end of template. Jinja was looking for the following tags: 'elif' or 'else' or 'endif'. The innermost block that needs to be closed is 'if'. (`{% endif %}` is missing)"),
    (with_("template_id: '{{ 1 }}{% endif %}', client: {name: Ada}"), "4:61: the template does not parse: Encountered unknown tag 'endif'. (there is no `{% if ... %}` before it)"),
    (with_("template_id: '{{ record.x = 1 }}', client: {name: Ada}"), "4:61: the template does not parse: expected token 'end of print statement', got '=' (write `==` to compare)"),
    (with_("template_id: {{ record.id }}, client: {name: Ada}"), '4:61: a template without quotes (write "{{ ... }}")'),
    (with_("template_id: , client: {name: Ada}"), "4:48: `template_id` should be text (it is null)"),
    (with_("templateId: a, client: {name: Ada}"), "4:48: unknown parameter `templateId` (did you mean `template_id`?)"),
    (with_("template_id: '{% set a = 1 %}', client: {name: Ada}"), "4:61: the template uses a statement other than `if` and `for`"),
    (with_("template_id: '{{ recrod.id }}', client: {name: Ada}"), "4:61: unknown name `recrod` (did you mean `record`?)"),
    (with_("template_id: '{{ record.x | slugg }}', client: {name: Ada}"), "4:61: unknown filter `slugg` (did you mean `slug`?)"),
    (with_("template_id: '{{ steps.other.id }}', client: {name: Ada}"), "4:61: no step `other` comes before this one (no step before it has an `id`)"),
    (with_("template_id: '${NOPE}', client: {name: Ada}"), "4:61: environment variable `NOPE` is not set (set it in the environment or in .env)"),
    (with_("template_id: '${ACME_TOKN}', client: {name: Ada}"), "4:61: environment variable `ACME_TOKN` is not set (set it in the environment or in .env; did you mean `ACME_TOKEN`?)"),
    (with_("template_id: '${NO PE}', client: {name: Ada}"), "4:61: `${NO PE}` is no name of an environment variable"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), MISTAKES)
def test_a_mistake_is_told_with_its_place_and_a_hint_and_nothing_else_is(faults, text: str, expected: str) -> None:
    assert [each.removeprefix("automations/a.yaml:") for each in faults(text)] == expected.split("\n")


def test_the_kind_of_a_connection_is_known_though_its_variable_is_not_set(faults) -> None:
    text = one(
        "trigger: {use: toy.leads.search, connection: paper}",
        "[{use: other.papers.create, with: {body: x}}, {use: toy.notes.create, with: {leadId: a, body: b}}]",
    )
    unset, found = faults(text, environ={})[:3], faults(text, environ={})[3:]
    assert all("connections.yaml:" in each and "`ACME_TOKEN` is not set" in each for each in unset)
    assert found == [
        "automations/a.yaml:3:50: `paper` is a connection of kind other, and `toy.leads.search` is not "
        "(of kind toy: `acme`, `agency`)",
        "automations/a.yaml:4:58: `connection` is missing: the trigger's is of kind other (of kind toy: `acme`, `agency`)",
    ]


def test_all_mistakes_of_a_project_are_told_at_once(faults) -> None:
    first = trigger("every: 20m, on: nwe", use="toy.leads.search", connection="amce")
    second = "automations:\n  y:\n    trigger: {use: toy.leads.search}\n    steps: [{use: nope}, 5]\n"
    found = faults(first, CONNECTIONS.replace("kind: toy", "kind: tyo", 1), automations__b_yaml=second)
    assert found == [
        "connections.yaml:3:11: unknown kind `tyo` (did you mean `toy`?)",
        "automations/a.yaml:3:50: unknown connection `amce` (did you mean `acme`?)",
        "automations/a.yaml:3:63: `20m` is outside 1 to 15 minutes (expected `1m` to `15m`, or `auto`; or `cron`)",
        "automations/a.yaml:3:72: `toy.leads.search` has no event `nwe` (did you mean `new`?)",
        "automations/b.yaml:3:5: `connection` is missing",
        "automations/b.yaml:4:19: unknown operation `nope` (`hightide catalog --all` lists them)",
        "automations/b.yaml:4:26: this should be a mapping of names to values",
    ]


CONNECTIONS = """
connections:
  acme:
    kind: toy
    location_id: L1
    auth: {type: private_token, token: "${ACME_TOKEN}"}
"""


def test_two_automations_of_one_name_are_told_at_both_places(faults) -> None:
    assert faults(one(), automations__b_yaml="# more\n" + one()) == [
        "automations/a.yaml:2:3: there are two automations `x` (the other is in automations/b.yaml:3)",
        "automations/b.yaml:3:3: there are two automations `x` (the other is in automations/a.yaml:2)",
    ]


def test_two_automations_of_one_name_in_one_file_are_a_repeated_key(faults) -> None:
    again = one().removeprefix("automations:\n")
    assert faults(one() + again) == ["automations/a.yaml:6:3: `x` is here a second time (the first is in line 2)"]


def test_two_steps_of_one_id_are_refused(faults) -> None:
    steps = (
        "[{id: a, use: toy.company.update, connection: agency}, {id: a, use: toy.company.update, connection: agency}]"
    )
    assert faults(one(steps=steps)) == ["automations/a.yaml:4:72: there is a step `a` already (the first is step 1)"]


def test_a_step_knows_those_before_it_and_not_itself_or_later_ones(loaded, faults) -> None:
    call = "use: toy.notes.create, with: {leadId: '{{ steps.%s.id }}', body: b}"
    first = "{id: a, use: toy.company.update, connection: agency}"
    assert len(loaded(one(steps=f"[{first}, {{id: b, {call % 'a'}}}]")).automations["x"].steps) == 2
    said = {
        "b": "no step `b` comes before this one (known: `a`)",
        "c": "step `c` comes after this one (move it up)",
    }
    for name, message in said.items():
        text = one(steps=f"[{first}, {{id: b, {call % name}}}, {{id: c, {call % 'b'}}}]")
        assert faults(text) == [f"automations/a.yaml:4:113: {message}"]


def test_what_a_template_gives_is_not_guessed_at(loaded) -> None:
    inputs = (
        "template_id: '{{ record.n }}', client: '{{ record.who }}', pages: '{{ record.n }}', state: '{{ record.s }}',"
        " tags: '{{ record.tags }}', extra: ['{{ record.n }}', 5]"
    )
    found = loaded(step(f"for_each: record.people, when: item.name, with: {{{inputs}}}")).automations["x"]
    assert found.steps[0].for_each == "record.people"


def test_a_variable_is_checked_like_what_it_stands_for(loaded, faults) -> None:
    text = with_(f"{CONTRACT}, pages: '${{PAGES}}'")
    assert loaded(text, environ={"ACME_TOKEN": "t", "PAGES": "4"}).automations["x"].steps
    assert faults(text, environ={"ACME_TOKEN": "t", "PAGES": "four"}) == [
        "automations/a.yaml:4:94: `pages` should be a whole number"
    ]
    assert faults(text, environ={"ACME_TOKEN": "t", "PAGES": "{{ 4 }}"}) == [
        "automations/a.yaml:4:94: the value of `PAGES` holds {{ or {%, which would be taken for a template"
    ]


def test_parameters_that_hightide_fills_in_are_not_missed(loaded) -> None:
    found = loaded(trigger("with: {calendarId: c}", use="toy.events.list")).automations["x"]
    assert found.trigger.with_ == {"calendarId": "c"}


def test_a_parameter_may_lead_to_another_operation(loaded) -> None:
    assert loaded(with_("leadId: '{{ record.id }}'", use="toy.leads.find")).automations["x"].steps[0].with_


def test_a_warning_is_given_where_what_it_is_about_is_used(loaded) -> None:
    assert loaded(with_(CONTRACT)).warnings == ()
    [warning] = loaded(with_(f"{CONTRACT}, state: sent")).warnings
    assert str(warning).endswith("`toy.contracts.create`: `state` is for good")


def test_a_warning_of_a_row_is_no_error(loaded) -> None:
    project = loaded(trigger("", use="toy.agencies.list", connection="agency"))
    assert [str(each) for each in project.warnings] == [
        "automations/a.yaml:3:20: `toy.agencies.list`: the vendor lists them once a day"
    ]


def test_a_connection_at_fault_is_not_blamed_twice(faults) -> None:
    assert faults(one(), CONNECTIONS.replace("private_token", "privat_token")) == [
        "connections.yaml:5:18: unknown type `privat_token` (did you mean `private_token`?)"
    ]


@pytest.mark.parametrize(
    "text",
    [
        trigger("", use="'${ACME_TOKEN}'"),
        trigger("", connection="'${ACME_TOKEN}'"),
        trigger("every: '${ACME_TOKEN}'"),
        trigger("cron: '${ACME_TOKEN}'"),
        trigger("cron: '* * * * ${ACME_TOKEN}'"),
        one(more="when: record.${ACME_TOKEN} ="),
        one(more="when: record.x | ${ACME_TOKEN}"),
        trigger("cron: '0 6 * * *', timezone: '${ACME_TOKEN}'"),
        trigger("start: '${ACME_TOKEN}'"),
        trigger("on: '${ACME_TOKEN}'"),
        one(more="when: '${ACME_TOKEN}'"),
        step("with: {}", use="'${ACME_TOKEN}'"),
        step("id: '${ACME_TOKEN}', with: {}"),
        with_(f"{CONTRACT}, pages: '${{ACME_TOKEN}}'"),
        with_(f"{CONTRACT}, tags: ['{{{{ x | ${{ACME_TOKEN}} }}}}']"),
    ],
)
def test_no_message_shows_what_a_variable_holds(faults, text: str) -> None:
    for value in ("canary7F3A", "canary7F3A" * 200, "sk-canary7F3A x"):
        assert "canary7f3a" not in "".join(faults(text, environ={"ACME_TOKEN": value})).lower()


def test_what_a_message_quotes_is_cut_short_and_stays_on_one_line(faults) -> None:
    assert faults(trigger("", connection='"' + r"a\n\e[31m" * 50 + '"'))[0] == (
        f"automations/a.yaml:3:50: unknown connection `{('a  [31m' * 50)[:77]}...` (known: `acme`, `agency`, `paper`)"
    )


def test_echoes_run_unless_they_are_skipped(loaded) -> None:
    assert read(loaded, one()).echoes == "run"
    named = "[{use: toy.notes.create, with: {leadId: '{{ record.id }}', body: '{{ record.email }}'}}]"
    project = loaded(one(steps=named, more="echoes: skip"))
    assert project.automations["x"].echoes == "skip"
    assert project.warnings == ()


@pytest.mark.parametrize("body", ["changed", "{{ record.id }}", "{{ record | json }}"])
def test_echoes_that_nothing_tells_are_warned_of(loaded, body: str) -> None:
    steps = f"[{{use: toy.notes.create, with: {{leadId: '{{{{ record.id }}}}', body: '{body}'}}}}]"
    [warning] = loaded(one(steps=steps, more="echoes: skip")).warnings
    assert str(warning) == (
        "automations/a.yaml:5:13: echoes are told by the fields that are read, and this may read any "
        "(name the fields that matter, as in `record.email`)"
    )
