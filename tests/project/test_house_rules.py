"""The house's rules about sizes, names and words."""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
MODULE_LINES, FUNCTION_LINES = 350, 50
TOO_LARGE = {
    "worker/ledger/migrations/versions/v0001_ledger.py:upgrade": "a list of tables, one statement each",
}
"""Place -> why it may be larger."""
BANNED = {"utils", "util", "helpers", "helper", "common", "base", "misc", "manager", "managers"}
FORBIDDEN = {
    r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b": "what is left to do does not lie in the code",
    r"(?<![\w.])/(ro" + r"ot|wo" + r"rk|home/\w+|Users/\w+)/": "a path of somebody's machine",
}


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_what_may_be_larger_is_there_and_is(sources: tuple[Path, ...]) -> None:
    for place in TOO_LARGE:
        name, _, function = place.partition(":")
        found = [node for node in functions(REPOSITORY / name) if node.name == function]
        assert all((node.end_lineno or 0) - node.lineno >= FUNCTION_LINES for node in found)
        assert found or len((REPOSITORY / name).read_text().splitlines()) > MODULE_LINES


def large(path: Path, place: str) -> Iterator[str]:
    """What in a file is larger than it may be."""
    lines = len(path.read_text().splitlines())
    if lines > MODULE_LINES and place not in TOO_LARGE:
        yield f"{place} has {lines} lines"
    for function in functions(path):
        length = (function.end_lineno or 0) - function.lineno + 1
        if length > FUNCTION_LINES and f"{place}:{function.name}" not in TOO_LARGE:
            yield f"{place}:{function.name} has {length} lines"


def test_modules_and_functions_are_small(sources: tuple[Path, ...]) -> None:
    assert sources
    found = [each for path in sources for each in large(path, str(path.relative_to(REPOSITORY)))]
    assert found == []


def test_what_is_large_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("def f():\n" + "    pass\n" * 350)
    assert list(large(path, "a.py")) == ["a.py has 351 lines", "a.py:f has 351 lines"]


def named_badly(path: Path) -> list[str]:
    """The banned names among a file's folders, its own name, and the words of its classes' names."""
    parts = [part.lower() for part in path.relative_to(REPOSITORY).with_suffix("").parts]
    classes = [node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)]
    words = [word.lower() for name in classes for word in re.findall(r"[A-Z][a-z]+", name)[-1:]]
    return sorted(BANNED & {*parts, *words})


def test_nothing_has_a_name_that_says_nothing(tracked: tuple[Path, ...]) -> None:
    found = {str(path): bad for path in tracked if path.suffix == ".py" and (bad := named_badly(path))}
    assert found == {}


def test_no_file_speaks_of_what_is_none_of_its_business(tracked: tuple[Path, ...]) -> None:
    found = []
    for path in tracked:
        if path.suffix in {".lock", ".png"}:
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found += [f"{path}:{number}: {why}" for words, why in FORBIDDEN.items() if re.search(words, line)]
    assert found == []


@pytest.mark.parametrize("line", ["# TO" + "DO", "open('/ro" + "ot/x')"])
def test_forbidden_words_are_found(line: str) -> None:
    assert any(re.search(words, line) for words in FORBIDDEN)


def test_the_tree_of_errors_is_the_one_that_is_drawn() -> None:
    from connections import errors  # noqa: PLC0415  # what is under test

    drawn: dict[str, str] = {}
    above: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"([│├└─ ]*)(\w+)( {2,}\S|$)", line)
        if found is None:
            continue
        depth = len(found[1]) // 4
        above[depth:] = [found[2]]
        drawn[found[2]] = above[depth - 1] if depth else "Exception"
    classes = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, Exception)]
    assert drawn == {each.__name__: each.__base__.__name__ for each in classes}
    assert len(drawn) > 10


def test_our_top_level_names_are_ours_alone(packages: tuple[str, ...]) -> None:
    owners = importlib.metadata.packages_distributions()
    assert {name: owners[name] for name in packages if set(owners.get(name, ())) - {"hightide"}} == {}
    for name in packages:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert Path(str(spec.origin)).is_relative_to(REPOSITORY)
        places = [Path(place) for place in sys.path if Path(place).is_dir() and Path(place) != REPOSITORY]
        assert [place for place in places if (place / name).exists() or (place / f"{name}.py").exists()] == []


def test_every_folder_with_code_is_in_the_wheel_or_said_not_to_be(
    tracked: tuple[Path, ...], packages: tuple[str, ...]
) -> None:
    folders = {path.relative_to(REPOSITORY).parts[0] for path in tracked if path.suffix == ".py"}
    assert folders - set(packages) == {"benchmarks", "docs", "tests"}
