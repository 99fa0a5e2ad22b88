"""The tables of the ledger. Times are epoch milliseconds; `due_at` doubles as the lease of what is being worked on.

Claiming a feed or a run moves its `due_at` to the end of the lease and raises its `fence`. A worker that dies lets the
lease run out, and the row is due again; whoever comes back late finds another fence and is refused.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
    true,
)

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
SERIAL = BigInteger().with_variant(Integer, "sqlite")

FEEDS = Table(
    "feeds",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("trigger", Text, nullable=False),
    Column("connection", Text, nullable=False),
    Column("watch", Text, nullable=False),
    Column("params", Text, nullable=False),
    Column("start", Text, nullable=False),
    Column("schedule", Text, nullable=False),
    Column("active", Boolean, nullable=False, server_default=true()),
    Column("cursor", Text),
    Column("due_at", BigInteger, nullable=False),
    Column("slot", BigInteger, nullable=False, server_default="0"),
    Column("woken_until", BigInteger, nullable=False, server_default="0"),
    Column("fence", BigInteger, nullable=False, server_default="0"),
    Column("working", Boolean, nullable=False, server_default=false()),
    Column("created_at", BigInteger, nullable=False),
    Column("nudged_at", BigInteger, nullable=False, server_default="0"),
    Column("polled_at", BigInteger, nullable=False, server_default="0"),
    Column("succeeded_at", BigInteger),
    Column("brought_at", BigInteger),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("error", Text),
    Column("polls", BigInteger, nullable=False, server_default="0"),
    Column("requests", BigInteger, nullable=False, server_default="0"),
    Column("events", BigInteger, nullable=False, server_default="0"),
    Column("missed", BigInteger, nullable=False, server_default="0"),
    Column("pace", Integer, nullable=False, server_default="0"),
)
Index("ix_feeds_due", FEEDS.c.due_at, sqlite_where=text("active"), postgresql_where=text("active"))

AUTOMATIONS = Table(
    "automations",
    METADATA,
    Column("digest", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("feed", Text, nullable=False),
    Column("kinds", Text, nullable=False),
    Column("definition", Text, nullable=False),
    Column("connection", Text, nullable=False),
    Column("active", Boolean, nullable=False, server_default=true()),
    Column("since", BigInteger, nullable=False),
)
Index("ix_automations_feed", AUTOMATIONS.c.feed)

EVENTS = Table(
    "events",
    METADATA,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("feed", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("found_at", BigInteger, nullable=False),
    UniqueConstraint("feed", "key", "version"),
)
Index("ix_events_found_at", EVENTS.c.found_at)

RUNS = Table(
    "runs",
    METADATA,
    Column("id", SERIAL, primary_key=True, autoincrement=True),
    Column("event", BigInteger().with_variant(Integer, "sqlite"), ForeignKey("events.id"), nullable=False),
    Column("automation", Text, nullable=False),
    Column("replay", Integer, nullable=False, server_default="0"),
    Column("digest", Text, nullable=False),
    Column("connection", Text, nullable=False),
    Column("state", Text, nullable=False, server_default="open"),
    Column("due_at", BigInteger, nullable=False),
    Column("fence", BigInteger, nullable=False, server_default="0"),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("reason", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("batch", BigInteger),
    UniqueConstraint("event", "automation", "replay"),
)
OPEN = text("state = 'open'")
Index("ix_runs_open", RUNS.c.connection, RUNS.c.due_at, sqlite_where=OPEN, postgresql_where=OPEN)
COLLECTED = text("batch IS NOT NULL")
Index("ix_runs_batch", RUNS.c.batch, RUNS.c.digest, RUNS.c.id, sqlite_where=COLLECTED, postgresql_where=COLLECTED)
Index("ix_runs_automation", RUNS.c.automation, RUNS.c.id)
HELD = text("state IN ('failed', 'uncertain')")
Index("ix_runs_held", RUNS.c.state, RUNS.c.id, sqlite_where=HELD, postgresql_where=HELD)

STEPS = Table(
    "steps",
    METADATA,
    Column("run", BigInteger().with_variant(Integer, "sqlite"), ForeignKey("runs.id"), primary_key=True),
    Column("number", Text, primary_key=True),
    Column("name", Text),
    Column("action", Text, nullable=False),
    Column("connection", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", SmallInteger, nullable=False, server_default="0"),
    Column("inputs", Text, nullable=False),
    Column("started_at", BigInteger),
    Column("sent_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("status", Integer),
    Column("result", Text),
    Column("result_id", Text),
    Column("reason", Text),
)
MADE = text("result_id IS NOT NULL")
Index("ix_steps_made", STEPS.c.result_id, STEPS.c.action, sqlite_where=MADE, postgresql_where=MADE)

TURNS = Table(
    "turns",
    METADATA,
    Column("automation", Text, primary_key=True),
    Column("connection", Text, primary_key=True),
    Column("value", Text, primary_key=True),
    Column("run", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
)
Index("ix_turns_until", TURNS.c.until)

SET_ASIDE = Table(
    "set_aside",
    METADATA,
    Column("feed", Text, primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("record", Text, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)

BREAKERS = Table(
    "breakers",
    METADATA,
    Column("process", Text, primary_key=True),
    Column("connection", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("retry_at", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
)

PROCESSES = Table(
    "processes",
    METADATA,
    Column("id", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", BigInteger, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("stopped", Boolean, nullable=False, server_default=false()),
)

CREDENTIALS = Table(
    "credentials",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("access", Text, nullable=False),
    Column("refresh", Text),
    Column("expires_at", BigInteger, nullable=False),
    Column("scope", Text),
    Column("user_type", Text),
    Column("location_id", Text),
    Column("company_id", Text),
    Column("lease_until", BigInteger, nullable=False, server_default="0"),
    Column("spending", Boolean, nullable=False, server_default=false()),
    Column("reason", Text),
    Column("updated_at", BigInteger, nullable=False),
)

CONSENTS = Table(
    "consents",
    METADATA,
    Column("state", Text, primary_key=True),
    Column("connection", Text, nullable=False),
    Column("redirect_uri", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("verifier", Text),
    Column("ends_at", BigInteger, nullable=False),
)

INSTALLATIONS = Table(
    "installations",
    METADATA,
    Column("agency", Text, primary_key=True),
    Column("location_id", Text, primary_key=True),
    Column("name", Text),
    Column("installed", Boolean, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)
