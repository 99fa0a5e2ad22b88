"""The pages as blocks of what they show."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
BLOCK = re.compile(r"^```([\w-]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block of a page, and the line it begins at."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(REPOSITORY)}:{self.line}"

    @property
    def commands(self) -> list[str]:
        """The commands of a console block."""
        return [line.removeprefix("$ ") for line in self.text.splitlines() if line.startswith("$ ")]

    @property
    def file(self) -> str | None:
        """The file that the block says it is: `# shop/connections.yaml` in its first line."""
        found = re.match(r"# ([\w./-]+\.yaml)\n", self.text)
        return found[1] if found else None


def pages() -> list[Path]:
    """Every page that people read."""
    return sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md"), *REPOSITORY.glob("examples/*/*.md")])


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    for found in BLOCK.finditer(text):
        yield Block(page, text[: found.start()].count("\n") + 1, found[1], found[2])


@pytest.fixture
def files_before(yaml_block: Block) -> dict[str, str]:
    """The files that a page has written when it comes to this block, by name, that of the block included."""
    written = [block for block in blocks(yaml_block.page) if block.file and block.line <= yaml_block.line]
    return {block.file: block.text for block in written if block.file}


@pytest.fixture
def blocks_of() -> Callable[[str], list[Block]]:
    """Reads a page by its path in the repository: its blocks, in order."""
    return lambda name: list(blocks(REPOSITORY / name))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each page, and for each block of YAML or of commands."""
    every = [block for page in pages() for block in blocks(page)]
    if "page" in metafunc.fixturenames:
        found = pages()
        metafunc.parametrize("page", found, ids=[str(page.relative_to(REPOSITORY)) for page in found])
    if "yaml_block" in metafunc.fixturenames:
        written = [block for block in every if block.language == "yaml" and "catalogue" not in block.page.parts]
        metafunc.parametrize("yaml_block", written, ids=str)
    if "catalogue_page" in metafunc.fixturenames:
        found = [page for page in pages() if "catalogue" in page.parts and page.name != "README.md"]
        metafunc.parametrize("catalogue_page", found, ids=[page.name for page in found])
    if "console_block" in metafunc.fixturenames:
        metafunc.parametrize("console_block", [block for block in every if block.language == "console"], ids=str)
