from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.filters import LIMIT
from config.language import STEPS
from config.templates import TemplateError, evaluate, holds, items, render

CONTEXT: dict[str, Any] = {
    "record": {
        "id": "c1",
        "email": "ada@example.com",
        "phone": "+15551234567",
        "zip": "01234",
        "tags": ["lead", "vip"],
        "score": 5,
        "ok": True,
        "empty": None,
        "items": ["a", "b"],
        "address": {"city": "Wien", "keys": "k"},
        "long": "x" * 300_000,
        "evil": "{{ 7 * 7 }} ${HOME}",
    },
    "steps": {"contract": {"id": "k9"}},
    "now": datetime(2026, 3, 1, 12, tzinfo=UTC),
}


KNOWN = "known: " + ", ".join(f"`{name}`" for name in CONTEXT["record"])


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("plain", "plain"),
        ("{{ record.id }}", "c1"),
        (" {{ record.id }}", " c1"),
        ("{{record.id}}-{{ steps.contract.id }}", "c1-k9"),
        # native values: what looks like a number in a text stays text
        ("{{ record.phone }}", "+15551234567"),
        ("{{ record.zip }}", "01234"),
        ("{{ record.score }}", 5),
        ("{{ record.score + 1 }}", 6),
        ("{{ record.ok }}", True),
        ("{{ record.empty }}", None),
        ("{{ record.tags }}", ["lead", "vip"]),
        ("{{ record.address }}", {"city": "Wien", "keys": "k"}),
        ("{{ none }}", None),
        ("{{ 5 }}", 5),
        ("{{ now }}", "2026-03-01T12:00:00+00:00"),
        ("{{ record.tags | map('upper') }}", ["LEAD", "VIP"]),
        ("{{ range(3) }}", [0, 1, 2]),
        # inside a text
        ("a {{ record.score }} {{ record.ok }} {{ record.empty }}|", "a 5 true |"),
        ("tags: {{ record.tags }}", 'tags: ["lead","vip"]'),
        ("{{ record.id ~ record.empty ~ record.ok }}", "c1true"),
        # the record's own names come before methods
        ("{{ record.items }}", ["a", "b"]),
        ("{{ record.address.keys }}", "k"),
        ("{{ record['items'][1] }}", "b"),
        ("{{ record.address.items() }}", [["city", "Wien"], ["keys", "k"]]),
        ("{{ record.id.upper() }}", "C1"),
        ("{{ record.email.split('@') }}", ["ada", "example.com"]),
        ("{{ record.id[0] }}", "c"),
        ("{{ now.year }}", 2026),
        # what is missing is false, empty and null where it is asked about
        ("{{ record.nick | default('none') }}", "none"),
        ("{{ record.a.b.c | default('none') }}", "none"),
        ("{{ record.empty | default('none') }}", "none"),
        ("{{ 'y' if record.nick else 'n' }}", "n"),
        ("{{ 'y' if record.nick }}", None),
        ("{{ record.nick == none }}", True),
        ("{{ record.nick is defined }}", False),
        ("{{ 'a' in record.nicks }}", False),
        ("{{ record.nicks | length }}", 0),
        ("{% if record.ok %}yes{% else %}no{% endif %}", "yes"),
        ("{% for tag in record.tags %}{{ loop.index }}{{ tag }} {% endfor %}", "1lead 2vip "),
        ("{% for nick in record.nicks %}{{ nick }}{% endfor %}", ""),
        # nothing in a record is a template
        ("{{ record.evil }}", "{{ 7 * 7 }} ${HOME}"),
        ("<{{ record.evil }}>", "<{{ 7 * 7 }} ${HOME}>"),
        # comments are YAML's: this is text
        ("{# {{ record.id }} #}", "{# c1 #}"),
        ("{# no #}", "{# no #}"),
        ("{{ record.id }}\n", "c1\n"),
        # filters
        ("{{ now | date('%d.%m.%Y %H:%M', 'Europe/Vienna') }}", "01.03.2026 13:00"),
        ("{{ record.tags | join(', ') }}", "lead, vip"),
        ("{{ record.phone | e164 }} {{ 5 | money('EUR') }}", "+15551234567 €5.00"),
    ],
)
def test_a_template_gives(template: str, expected: Any) -> None:
    found = render(template, CONTEXT)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": "{{ record.nick | default(omit) }}", "b": "{{ record.id | default(omit) }}"}, {"b": "c1"}),
        ({"a": {"b": "{{ omit }}"}, "c": ["{{ omit }}", "x"]}, {"a": {}, "c": ["x"]}),
        ({"a": "{{ record.empty | default | first_name | default(omit) }}"}, {}),
        ({"a": "{{ record.phone if record.nick else omit }}"}, {}),
        ({"a": "{{ {'b': omit, 'c': [omit, 1]} }}"}, {"a": {"c": [1]}}),
        ({"a": "{% if omit %}x{% endif %}"}, {"a": ""}),
    ],
)
def test_what_gives_omit_is_left_out(value: Any, expected: Any) -> None:
    assert render(value, CONTEXT) == expected


def test_omit_is_no_text_and_no_value_of_an_expression() -> None:
    with pytest.raises(TemplateError, match="a: `omit` leaves a whole value out: it cannot stand inside a text"):
        render({"a": "x {{ record.nick | default(omit) }}"}, CONTEXT)
    assert evaluate("record.nick | default(omit)", CONTEXT) is None
    assert not holds("omit", CONTEXT)


def test_nested_values_are_rendered_and_the_original_is_left_alone() -> None:
    value = {"a": ["{{ record.id }}", {"b": "{{ record.score }}"}, 5, None], "{{ name }}": "x"}
    assert render(value, CONTEXT) == {"a": ["c1", {"b": 5}, 5, None], "{{ name }}": "x"}
    assert value["a"] == ["{{ record.id }}", {"b": "{{ record.score }}"}, 5, None]


def test_a_text_without_a_template_is_the_same_object() -> None:
    text = "just text " * 3
    assert render(text, CONTEXT) is text


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ record.emial }}", "`record.emial` is not there (did you mean `email`?)"),
        ("x {{ record.emial }}", "`record.emial` is not there (did you mean `email`?)"),
        ("{{ record.address.zip }}", "`record.address.zip` is not there (known: `city`, `keys`)"),
        ("{{ record.a.b }}", f"`record.a` is not there ({KNOWN})"),
        ("{{ record.empty.x }}", "`record.empty.x` is not there"),
        ("{{ record.nick | default('') }}{{ record.idd }}", "`record.idd` is not there (did you mean `id`?)"),
        ("{{ steps.contrct.id }}", "`steps.contrct` is not there (did you mean `contract`?)"),
        ("{{ recrod.id }}", "`recrod` is not there"),
        ("{{ record.score + record.nick }}", f"`record.nick` is not there ({KNOWN})"),
        ("{{ record.nick > 3 }}", f"`record.nick` is not there ({KNOWN})"),
        ("{{ record.nick() }}", f"`record.nick` is not there ({KNOWN})"),
        ("{{ record.tags[7] }}", "`7` is not there"),
        ("{{ [record.nick] }}", f"`record.nick` is not there ({KNOWN})"),
        ("{{ record.address.get }}", "found a method: call it with ()"),
        ("a {{ record.id.upper }}", "found a method: call it with ()"),
        ("{{ self }}", "gives no value that JSON knows"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ record.id + 1 }}", 'can only concatenate str (not "int") to str'),
        ("{{ record.id | money }}", "expected an amount of money"),
        ("{{ record.id | nope }}", "does not parse: No filter named 'nope'."),
        ("{{ a b }}", "does not parse: expected token 'end of print statement', got 'b'"),
        ("{{", "does not parse: unexpected 'end of template'"),
        ("{% set a = 1 %}", "uses a statement other than `if` and `for`"),
        ("{% include 'x' %}", "uses a statement other than `if` and `for`"),
    ],
)  # fmt: skip
def test_a_template_that_fails_says_what_is_missing_and_what_there_is(template: str, message: str) -> None:
    with pytest.raises(TemplateError) as caught:
        render({"with": [template]}, CONTEXT)
    assert caught.value.path == ("with", "0")
    assert str(caught.value) == f"with.0: {message}"


@pytest.mark.parametrize(
    "template",
    [
        "{{ 'x' * 10 ** 9 }}",
        "{{ 10 ** 9 * 'x' }}",
        "{{ [0] * 10 ** 9 }}",
        "{{ 9 ** 9 ** 9 ** 9 }}",
        "{{ record.long }}",
        "{{ record.tags | join(record.long) }}",
        "{{ 'xx' | replace('x', record.long) }}",
        "{{ record.long ~ record.long }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '{:>1000000000}'.format(1) }}",
        "{{ 'x'.ljust(10 ** 9) }}",
        "{{ 'x' | center(10 ** 9) }}",
        "{{ range(10 ** 9) }}",
        "{% for a in range(1000) %}{% for b in range(1000) %}{{ a }}{% endfor %}{% endfor %}",
        "{% for a in range(1000) %}{% for b in range(1000) %}{{ '' }}{% endfor %}{% endfor %}",
        "{% for a in b %}{% for a in b %}{% for a in b %}{% endfor %}{% endfor %}{% endfor %}",
        "{% for a in record.long %}{% endfor %}",
        "{{ " + "(" * 3000 + " }}",
        "{{ " + "-" * 3000 + "1 }}",
        "{{ " + "'x' ~ " * 10_000 + "'x' }}",
        "{{ lipsum(1000) }}",
        "{{ cycler('a') }}",
        "{{ namespace(a=1) }}",
    ],
)
def test_what_would_grow_without_bounds_is_refused(template: str) -> None:
    with pytest.raises(TemplateError):
        render(template, CONTEXT)


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__ }}",
        "{{ ''['__class__'] }}",
        "{{ record | attr('__class__') }}",
        "{{ record.tags | map(attribute='__class__') | list }}",
        "{{ now.__init__.__globals__ }}",
        "{{ record.update({'a': 1}) }}",
        "{{ record.tags.append(1) }}",
        "{{ range.__globals__ }}",
        "{{ self._TemplateReference__context }}",
        "{{ config }}",
        "{{ dict(a=1) }}",
    ],
)
def test_the_sandbox_holds(template: str) -> None:
    with pytest.raises(TemplateError):
        render(template, CONTEXT)


def test_conditions_take_what_is_missing_as_false() -> None:
    assert holds("'lead' in record.tags and record.email", CONTEXT)
    assert not holds("'lead' in record.labels and record.email", CONTEXT)
    assert not holds("record.nick", CONTEXT)
    assert holds("not record.a.b.c", CONTEXT)
    assert holds("record.nick is none or record.nick == none", CONTEXT)
    assert not holds("record.empty", CONTEXT)
    with pytest.raises(TemplateError, match=r"`record\.age` is not there"):
        holds("record.age > 5", CONTEXT)
    with pytest.raises(TemplateError, match="is to be written without"):
        holds("{{ record.id }}", CONTEXT)
    with pytest.raises(TemplateError, match="does not belong"):
        holds("record.id record.x", CONTEXT)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("record.id > 5", "`>` does not go between text and a number (`| default(0) | float` makes a number of"),
        ("none >= 1.5", "`>=` does not go between null and a number (`| default(0) | float` makes a number of"),
        ("1 + record.id", "`+` does not go between a number and text (`| default(0) | float` makes a number of"),
        ("record.tags - record.id", "`-` does not go between a list and text"),
    ],
)
def test_what_does_not_go_together_is_told_in_words(condition: str, message: str) -> None:
    with pytest.raises(TemplateError, match=re.escape(message)):
        holds(condition, CONTEXT)
    assert holds("record.score | default(0) | float > 3 and not record.none | default(0) | float > 3", CONTEXT)


def test_an_expression_gives_its_value_and_null_for_what_is_missing() -> None:
    assert evaluate("record.score * 2", CONTEXT) == 10
    assert evaluate("record.tags | map('upper')", CONTEXT) == ["LEAD", "VIP"]
    assert evaluate("record.nick", CONTEXT) is None


@pytest.mark.parametrize("name", ["capitalize", "lower", "title", "trim", "upper"])
def test_a_filter_of_texts_leaves_null_and_what_is_missing_as_it_is(name: str) -> None:
    assert evaluate(f"record.email | {name}", {"record": {"email": None}}) is None
    assert evaluate(f"record.email | {name}", {"record": {}}) is None
    assert render(f"<{{{{ record.email | {name} }}}}>", {"record": {"email": None}}) == "<>"
    with pytest.raises(TemplateError, match=r"`record\.email` is not there"):
        render(f"{{{{ record.email | {name} }}}}", {"record": {}})
    assert evaluate("record.email | trim('x')", {"record": {"email": "xax"}}) == "a"


def test_items_are_those_of_a_list() -> None:
    assert items("record.tags", CONTEXT) == ["lead", "vip"]
    assert items("record.tags | reject('equalto', 'vip')", CONTEXT) == ["lead"]
    assert items("record.nicks | default([])", CONTEXT) == []
    for expression, message in [
        ("record.nicks", "`record.nicks` is not there"),
        ("record.id", "expected a list to go through, found str"),
        ("record.address", "expected a list to go through, found dict"),
        ("[0] * 1001", "more than 1,000 items"),
        ("[record.nick]", "`nick` is not there"),
    ]:
        with pytest.raises(TemplateError, match=message):
            items(expression, CONTEXT)
    assert len(items(f"[0] * {STEPS}", CONTEXT)) == STEPS


def test_a_message_never_shows_the_template_or_a_value() -> None:
    for template in ("canary {{ record.nick }}", "{{ 'canary' + 1 }}", "{{ 'canary' | money }}"):
        with pytest.raises(TemplateError) as caught:
            render(template, CONTEXT)
        assert "canary" not in str(caught.value)


PARTS = st.sampled_from(
    [
        *("{{ ", " }}", "{% for a in ", "{% if ", " %}", "{% endfor %}", "{% endif %}", "{% else %}", "record", ".id"),
        *(".tags", ".nick", "['x']", "[0]", " | ", "upper", "join", "default('x')", "map('upper')", "date", "e164"),
        *(
            " ~ ",
            " + ",
            " * ",
            " ** ",
            " % ",
            "9",
            "'x'",
            "(",
            ")",
            "[",
            "]",
            "{",
            "}",
            " in ",
            " if ",
            " else ",
            "-",
            "~",
        ),
        *(
            "loop.index",
            "range(9)",
            "none",
            " is ",
            "defined",
            "not ",
            "items()",
            "now",
            "self",
            "|",
            ":",
            ",",
            "\n",
            "\\",
        ),
    ]
)


@settings(max_examples=600, deadline=None)
@given(parts=st.lists(PARTS, max_size=14))
def test_any_template_renders_within_bounds_or_fails_as_a_template(parts: list[str]) -> None:
    source = "".join(parts)
    for attempt in (lambda: render(source, CONTEXT), lambda: evaluate(source, CONTEXT), lambda: items(source, CONTEXT)):
        try:
            found = attempt()
        except TemplateError:
            continue
        assert not isinstance(found, str) or len(found) <= LIMIT
