"""What the ledger knows of runs and their steps: which are due, who carries them out, what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Connection,
    FromClause,
    Integer,
    RowMapping,
    Text,
    and_,
    any_,
    bindparam,
    exists,
    func,
    insert,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from worker.ledger import bulk
from worker.ledger.database import storable
from worker.ledger.tables import AUTOMATIONS, EVENTS, RUNS, STEPS

LEASE = 60_000
"""How long (ms) a run stays ours without a word in the ledger; each step renews it, and no call may take that long."""
FRESH = 15_000
"""So long after the claim (ms) a lease needs no renewal yet."""

WAIT = "wait"
"""What stands in the step row of a step's `wait` where others have their action."""

State = Literal["open", "done", "failed", "uncertain", "skipped"]

_DUE_COUNTS = text(
    """
    WITH RECURSIVE accounts(name) AS (
        SELECT min(connection) FROM runs WHERE state = 'open'
        UNION ALL
        SELECT (SELECT min(connection) FROM runs WHERE state = 'open' AND connection > accounts.name)
        FROM accounts WHERE accounts.name IS NOT NULL
    )
    SELECT name, (
        SELECT count(*) FROM (
            SELECT 1 FROM runs WHERE state = 'open' AND connection = accounts.name AND due_at <= :now LIMIT :most
        ) AS due
    )
    FROM accounts WHERE name IS NOT NULL
    """
)


# Built once: putting a statement together costs more than carrying it out.
_OPEN = and_(RUNS.c.state == "open", RUNS.c.connection == bindparam("name"), RUNS.c.due_at <= bindparam("now"))
_DUE = (
    select(RUNS, EVENTS.c.feed, EVENTS.c.key, EVENTS.c.version, EVENTS.c.kind, EVENTS.c.record)
    .join(EVENTS, EVENTS.c.id == RUNS.c.event)
    .where(_OPEN)
    .order_by(RUNS.c.due_at, RUNS.c.id)
    .limit(bindparam("most"))
)
_DUE_UNLOCKED = _DUE.with_for_update(skip_locked=True, of=RUNS)
_LEASE = (
    update(RUNS)
    .where(RUNS.c.id.in_(bindparam("ids", expanding=True)))
    .values(due_at=bindparam("until"), fence=RUNS.c.fence + 1, tries=RUNS.c.tries + 1)
)
_LATER, _EARLIER, _ACTIVE = RUNS.alias(), RUNS.alias(), RUNS.alias()
_LATER_EVENT, _EARLIER_EVENT = EVENTS.alias(), EVENTS.alias()
_PAUSING = exists().where(STEPS.c.run == _ACTIVE.c.id, STEPS.c.action == WAIT, STEPS.c.state == "waiting")
_AHEAD = (
    select(_LATER.c.id.label("run"), _ACTIVE.c.id, _ACTIVE.c.due_at)
    .where(_LATER.c.id.in_(bindparam("ids", expanding=True)), _LATER_EVENT.c.id == _LATER.c.event)
    .where(_EARLIER_EVENT.c.feed == _LATER_EVENT.c.feed, _EARLIER_EVENT.c.key == _LATER_EVENT.c.key)
    .where(_EARLIER.c.event == _EARLIER_EVENT.c.id, _EARLIER.c.automation == _LATER.c.automation)
    .where(_EARLIER.c.id < _LATER.c.id, _ACTIVE.c.id == func.coalesce(_EARLIER.c.batch, _EARLIER.c.id))
    .where(_ACTIVE.c.state == "open", ~_PAUSING)
    .order_by(_EARLIER.c.id)
)
_HELD = select(RUNS.c.id, RUNS.c.fence).where(RUNS.c.id.in_(bindparam("ids", expanding=True))).order_by(RUNS.c.id)
# One text for any number of ids. PostgreSQL takes rows that come as JSON for a hundred, and would read through a table
# that is not large to join them; the ids let it see how few they are.
_AMONG = RUNS.c.id == any_(bindparam("ids", type_=ARRAY(BigInteger)))
_HELD_LOCKED = select(RUNS.c.id, RUNS.c.fence).where(_AMONG).order_by(RUNS.c.id).with_for_update()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """A step as the ledger has it.

    `sent` is an attempt whose outcome is not known, `waiting` one that is known to have had no effect; `status` is the
    HTTP status of the last answer, None where none came.
    """

    number: str
    name: str | None
    action: str
    connection: str
    state: Literal["sent", "waiting", "done", "failed", "uncertain", "skipped"]
    attempts: int = 0
    inputs: str = "{}"
    started_at: int | None = None
    sent_at: int | None = None
    ended_at: int | None = None
    status: int | None = None
    result: str | None = None
    result_id: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedRun:
    """A run that is ours to carry out until the lease ends; `batch` is explained in `worker.ledger.batches`."""

    id: int
    fence: int
    tries: int
    automation: str
    digest: str
    connection: str
    created_at: int
    claimed_at: int
    feed: str
    key: str
    version: str
    kind: str
    record: Any
    batch: int | None = None
    steps: Mapping[str, StepRow] = field(default_factory=dict)
    ahead: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Something to be written about a run: a step as it now stands, and what changes in the run itself.

    A run that stays open is due again at `due_at`, which is the end of the lease while it is being worked on. Without
    `renew` only the step is written, and the lease stays as it is.
    """

    run: int
    fence: int
    due_at: int
    step: StepRow | None = None
    state: State = "open"
    connection: str | None = None
    reason: str | None = None
    ended_at: int | None = None
    tries: int | None = None
    renew: bool = True


def due_counts(connection: Connection, now: int, most: int) -> dict[str, int]:
    """The connections that have runs due, and how many, counted to `most`.

    The cost grows with the number of connections, not with that of the runs.
    """
    return {name: count for name, count in connection.execute(_DUE_COUNTS, {"now": now, "most": most}) if count}


def claim(connection: Connection, shares: Mapping[str, int], now: int) -> list[ClaimedRun]:
    """Take up to so many due runs of each connection, oldest first, with their events and steps."""
    due = _DUE_UNLOCKED if connection.dialect.name == "postgresql" else _DUE
    taken: list[RowMapping] = []
    for name, most in shares.items():
        taken += connection.execute(due, {"name": name, "now": now, "most": most}).mappings()
    if not taken:
        return []
    connection.execute(_LEASE, {"ids": [row["id"] for row in taken], "until": now + LEASE})
    before = _steps(connection, [row["id"] for row in taken if row["fence"]])
    ahead = _ahead(connection, [row for row in taken if row["id"] not in before])
    return [_claimed(row, before.get(row["id"], {}), ahead.get(row["id"]), now) for row in taken]


def write(connection: Connection, entries: Sequence[Entry]) -> list[bool]:
    """Write these entries in one go; False for each whose run has another fence by now, and is left alone.

    Of several about the same run or step the last one counts.
    """
    held = _HELD_LOCKED if connection.dialect.name == "postgresql" else _HELD
    ids = list({entry.run for entry in entries})
    fences: dict[int, int] = {row[0]: row[1] for row in connection.execute(held, {"ids": ids})}
    ours = [entry for entry in entries if fences.get(entry.run) == entry.fence]
    # one row for each: PostgreSQL would refuse a step that comes twice, and take any of the rows about a run
    steps = {(entry.run, entry.step.number): _step_values(entry.run, entry.step) for entry in ours if entry.step}
    if steps:
        bulk.execute(connection, _step_upsert, [*steps.values()], _STEP_TYPES)
    changed = {entry.run: _run_values(entry) for entry in ours if entry.renew}
    if changed:
        bulk.execute(connection, _run_update, [*changed.values()], _RUN_TYPES, ids=ids)
    return [fences.get(entry.run) == entry.fence for entry in entries]


def made_elsewhere(connection: Connection, action: str, ids: Sequence[str], run: int, number: str) -> set[str]:
    """Which of these ids are known as the result of another step of the same action, in this run or any other."""
    rows = select(STEPS.c.result_id).where(
        STEPS.c.action == action,
        STEPS.c.result_id.in_(list(ids)),
        or_(STEPS.c.run != run, STEPS.c.number != number),
    )
    return set(connection.scalars(rows))


def definitions(connection: Connection, digests: Sequence[str]) -> dict[str, tuple[str, Any]]:
    """The automations with these digests: name and definition."""
    rows = select(AUTOMATIONS.c.digest, AUTOMATIONS.c.name, AUTOMATIONS.c.definition).where(
        AUTOMATIONS.c.digest.in_(list(digests))
    )
    return {row.digest: (row.name, orjson.loads(row.definition)) for row in connection.execute(rows)}


def open_run(connection: Connection, *, event: int, automation: str, digest: str, account: str, now: int) -> int:
    """Open a run for an event; the id of the new row."""
    row = {"event": event, "automation": automation, "digest": digest, "connection": account}
    inserted = insert(RUNS).values(**row, due_at=now, created_at=now).returning(RUNS.c.id)
    return int(connection.scalars(inserted).one())


_RUN_TYPES = bulk.Types(
    id_=BigInteger(),
    state_=Text(),
    due_at_=BigInteger(),
    connection_=Text(),
    reason_=Text(),
    ended_at_=BigInteger(),
    tries_=Integer(),
)


def _run_update(given: FromClause | None) -> Any:
    def new(name: str) -> Any:
        return bindparam(name, type_=_RUN_TYPES[name]) if given is None else given.c[name]

    return (
        update(RUNS)
        .where(RUNS.c.id == new("id_"), *([] if given is None else [_AMONG]))
        .values(
            state=new("state_"),
            due_at=new("due_at_"),
            connection=func.coalesce(new("connection_"), RUNS.c.connection),
            reason=new("reason_"),
            ended_at=new("ended_at_"),
            tries=func.coalesce(new("tries_"), RUNS.c.tries),
        )
    )


def _run_values(entry: Entry) -> dict[str, Any]:
    return {
        "id_": entry.run,
        "state_": entry.state,
        "due_at_": entry.due_at,
        "connection_": entry.connection,
        "reason_": storable(entry.reason),
        "ended_at_": entry.ended_at,
        "tries_": entry.tries,
    }


def _step_values(run: int, step: StepRow) -> dict[str, Any]:
    told = {"reason": storable(step.reason), "result_id": storable(step.result_id)}
    return {"run": run, **{name: getattr(step, name) for name in _STEP_FIELDS}, **told}


_STEP_FIELDS = tuple(str(column.name) for column in STEPS.c if column.name != "run")


_STEP_TYPES = bulk.Types({str(column.name): column.type for column in STEPS.c})


def _step_upsert(given: FromClause | None) -> Any:
    if given is None:
        row: Any = sqlite.insert(STEPS)
    else:
        row = postgresql.insert(STEPS).from_select(list(_STEP_TYPES), select(*(given.c[name] for name in _STEP_TYPES)))
    values = {column: row.excluded[column] for column in _STEP_FIELDS if column != "number"}
    return row.on_conflict_do_update(index_elements=["run", "number"], set_=values)


def _steps(connection: Connection, runs: Sequence[int]) -> dict[int, dict[str, StepRow]]:
    found: dict[int, dict[str, StepRow]] = {}
    if runs:
        for row in connection.execute(select(STEPS).where(STEPS.c.run.in_(runs))).mappings():
            step = StepRow(**{name: row[name] for name in _STEP_FIELDS})
            found.setdefault(row["run"], {})[step.number] = step
    return found


def _ahead(connection: Connection, begun: Sequence[RowMapping]) -> dict[int, tuple[int, int]]:
    """For runs that may have to wait for an earlier one about the same record: that one, and when it is due.

    One that is in a `wait`, or waits to be collected, is not under way; one that was collected stands for its leader.
    """
    later = [row["id"] for row in begun if row["kind"] != "new" and row["batch"] is None]
    rows = connection.execute(_AHEAD, {"ids": later}) if later else ()
    return {row.run: (row.id, row.due_at) for row in rows}


def _claimed(row: RowMapping, steps: Mapping[str, StepRow], ahead: tuple[int, int] | None, now: int) -> ClaimedRun:
    plain = {name: row[name] for name in _RUN_FIELDS} | {"fence": row["fence"] + 1, "tries": row["tries"] + 1}
    return ClaimedRun(**plain, claimed_at=now, record=orjson.loads(row["record"]), steps=steps, ahead=ahead)


_RUN_FIELDS = (
    "id",
    "fence",
    "tries",
    "automation",
    "digest",
    "connection",
    "created_at",
    "feed",
    "key",
    "version",
    "kind",
    "batch",
)
