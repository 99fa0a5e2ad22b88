from __future__ import annotations

from pathlib import Path

import pytest

from config.document import LARGEST, MOST, Document, parse, read_document


def read(text: str) -> tuple[Document | None, list[str]]:
    document, problems = parse(text, "f.yaml")
    return document, [str(problem).removeprefix("f.yaml:") for problem in problems]


def value(text: str) -> object:
    document, problems = read(text)
    assert not problems
    assert document is not None
    return document.value


def test_every_key_and_value_has_its_place() -> None:
    document, _ = read("a:\n  - x\n  - {b: [1, 2], c:   y}\n")
    assert document is not None
    assert document.keys[("a",)] == (1, 1)
    assert document.values[("a",)] == (2, 3)
    assert document.values[("a", 0)] == (2, 5)
    assert document.keys[("a", 1, "c")] == (3, 17)
    assert document.values[("a", 1, "c")] == (3, 22)
    assert document.values[("a", 1, "b", 1)] == (3, 13)


def test_what_is_not_there_is_shown_at_what_it_should_be_in() -> None:
    document, _ = read("a:\n  b: {c: 1}\n")
    assert document is not None
    assert str(document.problem(("a", "b", "d", "e"), "m")) == "f.yaml:2:3: m"
    assert str(document.problem(("x",), "m", "h")) == "f.yaml:1:1: m (h)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{on: yes, off: no, y: ~, n: null}", {"on": "yes", "off": "no", "y": None, "n": None}),
        ("{a: true, b: False, c: 'true'}", {"a": True, "b": False, "c": "true"}),
        ("{1: a, true: b, 2026-01-31: c, 1.5: d}", {"1": "a", "true": "b", "2026-01-31": "c", "1.5": "d"}),
        ("[1, -2, 0x1F, 0o17, 1_000, '1', 0]", [1, -2, 31, 15, 1000, "1", 0]),
        ("[1.5, 1e3, -0.5]", [1.5, 1000.0, -0.5]),
        ("[2026-01-31, 2026-01-31T09:00:00Z, 12:30]", ["2026-01-31", "2026-01-31T09:00:00Z", "12:30"]),
        ("a: |\n  one\n  two\nb: >-\n  three\n  four\n", {"a": "one\ntwo\n", "b": "three four"}),
        ("{a: &x {b: 1}, c: *x}", {"a": {"b": 1}, "c": {"b": 1}}),
        ("{a: &x {b: 1}, d: {<<: *x, e: 2}, f: {b: 3, <<: *x}}", {"a": {"b": 1}, "d": {"b": 1, "e": 2}, "f": {"b": 3}}),
        ("{a: &x 1, b: &x 2, c: *x}", {"a": 1, "b": 2, "c": 2}),
        ("{m: {<<: [{a: 1, b: 1}, {a: 2, c: 2}]}}", {"m": {"a": 1, "b": 1, "c": 2}}),
        ("'<<': 1", {"<<": 1}),
        ("", None),
        ("# nothing", None),
    ],
)  # fmt: skip
def test_values_are_those_of_yaml_1_2_as_json_has_them(text: str, expected: object) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [", "1:5: is no YAML: expected the node content, but found '<stream end>'"),
        ("a: 'x\n", "2:1: is no YAML: found unexpected end of stream"),
        ("a:\n\t- b", "2:1: a tab (YAML is indented by spaces)"),
        (
            "a: b: c",
            "1:5: a colon that belongs to nothing "
            "(text with `: ` in it needs quotes; or the line before is indented wrongly)",
        ),
        ("a:\n  b: 1\n c: 2", "3:2: is indented wrongly (begin it in the same column as its neighbours)"),
        ("a:\n  - b: 1\n  c: 2", "3:3: is indented wrongly (begin it in the same column as its neighbours)"),
        ("a: {{ x }} y", "1:12: goes on after its end (put the whole text in quotes)"),
        ("a: @x", "1:4: a text cannot begin so (put it in quotes)"),
        ("a: *x", "1:4: is no YAML: found undefined alias 'x'"),
        ("a: 1\n---\nb: 2", "2:1: is no YAML: but found another document"),
        ("a: 1\nb: \x00", "2:4: a character that YAML does not allow"),
        ("- " * 2000, "1:1: is nested too deeply"),
        ("[" * 60 + "]" * 60, "1:41: is nested too deeply"),
        ("a: &x [*x]", "1:4: an anchor that contains itself"),
        ("a: 1\nb: 2\na: 3", "3:1: `a` is here a second time (the first is in line 1)"),
        ("[a]: 1", "1:1: a key must be plain text"),
        ("!x y: 1", "1:1: a key must be plain text"),
        ("a: !!python/object:os.system {}", "1:4: a YAML tag that means nothing here"),
        ("a: !x y", "1:4: a YAML tag that means nothing here (put it in quotes to have it as text)"),
        ("a: !!set {x}", "1:4: a YAML tag that means nothing here"),
        ("a: !!int x", "1:4: is not the number it is marked as (put it in quotes to have it as text)"),
        ("a: !!float x", "1:4: is not the number it is marked as (put it in quotes to have it as text)"),
        ("a: 0123", "1:4: a number cannot begin with 0 (put it in quotes to have it as text)"),
        ("a: " + "9" * 20, "1:4: the number is too large (put it in quotes to have it as text)"),
        ("a: " + "9" * 5000, "1:4: the number is too large (put it in quotes to have it as text)"),
        ("a: .nan", "1:4: a number that JSON does not know (put it in quotes to have it as text)"),
        ("a: -.inf", "1:4: a number that JSON does not know (put it in quotes to have it as text)"),
        ("a: 1e999", "1:4: a number that JSON does not know (put it in quotes to have it as text)"),
        ("a: {<<: 5}", "1:9: expected a mapping to merge"),
        ("a: &x {<<: *x}", "1:4: expected a mapping to merge"),
    ],
)
def test_what_is_no_yaml_is_told_with_its_place(text: str, expected: str) -> None:
    assert read(text)[1] == [expected]


@pytest.mark.slow
def test_anchors_cannot_blow_a_file_up() -> None:
    bomb = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9))
    _, problems = read(bomb)
    assert problems[0].endswith(f"the file has more than {MOST:,} values")
    assert len(problems) == 1


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    def problems(data: bytes | None) -> list[str]:
        path = tmp_path / "f.yaml"
        path.unlink(missing_ok=True)
        if data is not None:
            path.write_bytes(data)
        return [str(problem) for problem in read_document(path, "f.yaml")[1]]

    assert problems(None) == ["f.yaml: cannot be read: No such file or directory"]
    assert problems(b"a: 1\nb: \xff") == ["f.yaml:2:4: is not UTF-8 here"]
    assert problems(b"#" * (LARGEST + 1)) == ["f.yaml: is larger than 1,048,576 bytes (split it)"]
    assert problems(b"\xef\xbb\xbfa: 1") == []
    assert [str(problem) for problem in read_document(tmp_path, "f.yaml")[1]] == [
        "f.yaml: cannot be read: Is a directory"
    ]
