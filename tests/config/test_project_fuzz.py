"""Whatever is in the files, a project is loaded or refused with problems: nothing else is ever raised."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from config.problems import ConfigError

pytestmark = pytest.mark.slow

PIECES = st.sampled_from(
    [
        *("automations", "connections", "x", "acme", "trigger", "use", "connection", "steps", "with", "on", "every"),
        *(
            ": ",
            ":\n",
            "- ",
            "\n",
            "\n  ",
            "\n    ",
            "{",
            "}",
            "[",
            "]",
            ", ",
            "&a ",
            "*a",
            "<<: ",
            "? ",
            "| ",
            "> ",
            "!!",
        ),
        *(
            "!!int ",
            "!x ",
            "'",
            '"',
            "#",
            "%",
            "---\n",
            "...\n",
            "~",
            "true",
            "0",
            "007",
            "1e999",
            ".nan",
            "2026-01-31",
        ),
        *(
            "9" * 90,
            "${",
            "${ACME_TOKEN}",
            "${X}",
            "{{ ",
            " }}",
            "{% ",
            " %}",
            "record.id",
            "steps.a",
            "|",
            "\t",
            "\x00",
        ),
        *(
            "\ufeff",
            "\u2028",
            "é",
            "toy.leads.search",
            "toy.notes.create",
            "1m",
            "private_token",
            "type",
            "auth",
            "kind",
        ),
    ]
)
TEXTS = st.one_of(st.lists(PIECES, max_size=40).map("".join), st.text(max_size=80))
SCALARS: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(
        [
            *("", "x", "acme", "agency", "paper", "toy", "toy.leads.search", "toy.leads.find", "toy.agencies.list"),
            *(
                "auto",
                "5m",
                "5min",
                "99m",
                "9" * 400,
                "* * * * *",
                "0 0 30 2 *",
                "@daily",
                "* * * * mon#9",
                "R R R R R",
            ),
            *("UTC", "America", "../etc/passwd", "now", "2026-01-31", "0001-01-01T00:00:00+14:00", "off", "${X}", "${"),
            *(
                "{{ record.id }}",
                "{{",
                "{{ steps.a }}",
                "{% for a in b %}{{ a }}{% endfor %}",
                "{{ " + "(" * 900 + " }}",
            ),
            *(
                "{{ 1" + "0" * 5000 + " }}",
                "{{ x | map('y') }}",
                "record.x and",
                "file:/",
                "file:\x00",
                "https://[::1",
                "http://a",
            ),
        ]
    ),
    st.text(max_size=20),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def check(toy: Any) -> Iterator[Any]:
    with TemporaryDirectory() as folder:

        def checking(files: dict[str, str | bytes]) -> list[str]:
            toy.write(
                Path(folder), {"connections.yaml": toy.connections, "automations/a.yaml": toy.automations} | files
            )
            try:
                toy.load(Path(folder))
            except ConfigError as exc:
                return [str(problem) for problem in exc.problems]
            return []

        yield checking


@settings(max_examples=400, deadline=None)
@given(text=TEXTS, file=st.sampled_from(["connections.yaml", "automations/a.yaml", ".env"]))
def test_any_text_is_read_or_refused(check: Any, text: str, file: str) -> None:
    check({".env": "", file: text.encode("utf-8", "surrogatepass")})


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=60), file=st.sampled_from(["connections.yaml", "automations/a.yaml", ".env"]))
def test_any_bytes_are_read_or_refused(check: Any, data: bytes, file: str) -> None:
    check({".env": "", file: data})


def places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place, *(found for name, each in inner for found in places(each, (*place, name)))]


def changed(value: Any, place: tuple[Any, ...], change: Any) -> Any:
    if not place:
        return change
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[place[0]] = changed(copy[place[0]], place[1:], change)
    return copy


@settings(max_examples=500, deadline=None)
@given(data=st.data())
def test_a_working_project_with_anything_changed_is_read_or_refused(check: Any, toy: Any, data: st.DataObject) -> None:
    file, text = data.draw(
        st.sampled_from([("connections.yaml", toy.connections), ("automations/a.yaml", toy.automations)])
    )
    value = YAML(typ="safe", pure=True).load(text)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(places(value)))
        value = changed(value, place, data.draw(VALUES))
    check({".env": "", file: written(value)})


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_working_project_with_text_cut_or_put_in_is_read_or_refused(
    check: Any, toy: Any, data: st.DataObject
) -> None:
    file, text = data.draw(
        st.sampled_from([("connections.yaml", toy.connections), ("automations/a.yaml", toy.automations)])
    )
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 12)))
    check({".env": "", file: text[:start] + data.draw(PIECES) + text[end:]})


def written(value: Any) -> str:
    """The value as YAML that every parser reads the same way: JSON, with what JSON lacks put in."""
    return json.dumps(value).replace("NaN", ".nan").replace("-Infinity", "-.inf").replace("Infinity", ".inf")
