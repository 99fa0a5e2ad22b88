"""Many rows in one statement, without the price that SQLAlchemy's and the driver's own ways have for each row.

SQLite gets the statement once, compiled, with plain tuples. PostgreSQL gets all rows as one JSON text, which it takes
apart itself (`json_to_recordset`). It fits columns of text and numbers, which is all that the hot path writes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import orjson
from sqlalchemy import JSON, Connection, FromClause, Row, Text, bindparam, cast, column, func
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import TypeEngine

Statement = Callable[[FromClause | None], Any]
"""Makes the statement, once: from rows that come as a table, or, given None, for one row of bound parameters."""


class Types(dict[str, TypeEngine[Any]]):
    """The columns of the rows with their types; one for each statement, made once."""

    def __hash__(self) -> int:  # type: ignore[override]  # it is never changed
        return id(self)


def execute(
    connection: Connection, statement: Statement, rows: Sequence[Mapping[str, Any]], types: Types, **bound: Any
) -> None:
    """Carry the statement out for each of these rows; every row has just the names in `types`.

    `bound` are further parameters of the statement that takes a table.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(_from_table(statement, types), {"rows": orjson.dumps(rows).decode(), **bound})
    else:
        sql, order = _compiled(statement)
        connection.exec_driver_sql(sql, [tuple([row[name] for name in order]) for row in rows])


def returned(
    connection: Connection, statement: Statement, rows: Sequence[Mapping[str, Any]], types: Types
) -> list[Row[Any]]:
    """The same for a statement that says what became of the rows: all that it returns."""
    if connection.dialect.name == "postgresql":
        return list(connection.execute(_from_table(statement, types), {"rows": orjson.dumps(rows).decode()}))
    return list(connection.execute(_alone(statement), rows))


@cache
def _alone(statement: Statement) -> Any:
    return statement(None)


@cache
def _from_table(statement: Statement, types: Types) -> Any:
    given = func.json_to_recordset(cast(bindparam("rows", type_=Text), JSON))
    columns = [column(name, kind) for name, kind in types.items()]
    return statement(given.table_valued(*columns, name="given").render_derived(with_types=True))


@cache
def _compiled(statement: Statement) -> tuple[str, tuple[str, ...]]:
    compiled = statement(None).compile(dialect=sqlite.dialect())
    return str(compiled), tuple(compiled.positiontup)
