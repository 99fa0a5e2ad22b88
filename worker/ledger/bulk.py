"""Many rows in one statement, without the price that SQLAlchemy's own way has for each row.

The statement is compiled once a dialect and handed to the driver with plain parameters. It fits columns whose values
the driver takes as they are (text and numbers), which is all that the hot path writes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Executable
from sqlalchemy.engine.interfaces import Dialect

Statement = Callable[[str], Any]
"""Makes the statement for a dialect's name; it is asked once."""


def execute(connection: Connection, statement: Statement, rows: Sequence[Mapping[str, Any]]) -> None:
    """Carry the statement out for each of these rows; every row has the same names."""
    sql, order = _compiled(statement, _Named(connection.dialect), tuple(rows[0]))
    given: Any = [tuple([row[name] for name in order]) for row in rows] if order else list(rows)
    connection.exec_driver_sql(sql, given)


class _Named:
    """A dialect that is told apart by its name."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect

    def __hash__(self) -> int:
        return hash(self.dialect.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Named) and other.dialect.name == self.dialect.name


@cache
def _compiled(statement: Statement, named: _Named, names: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """The SQL, and the order of its parameters where they have no names."""
    made: Executable = statement(named.dialect.name)
    compiled: Any = made.compile(dialect=named.dialect, column_keys=list(names))  # type: ignore[attr-defined]  # all have it
    return str(compiled), tuple(compiled.positiontup or ())
