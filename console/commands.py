"""The table of commands; each one's module is imported when it is called for, so that starting up stays quick."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

HELP = "Watch HighLevel accounts and act on what changes: nothing lost, nothing twice."


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A command: its name, the module and the function that carry it out, and one line of help."""

    name: str
    module: str
    function: str
    summary: str
    hidden: bool = False


def _rows(module: str, **summaries: str) -> tuple[Row, ...]:
    """The rows of a module whose functions are called as the commands are, with `_` for `-`."""
    return tuple(
        Row(name=name.replace("_", "-"), module=f"console.{module}", function=name, summary=summary)
        for name, summary in summaries.items()
    )


ROWS = (
    *_rows(
        "project_commands",
        init="Make a project: connections, an automation, .env.example.",
        check="Check all that the project's files say; which feeds are new.",
    ),
    *_rows(
        "catalog_commands",
        catalog="List triggers and actions by category.",
        show="One operation: parameters, how it is repeated, YAML to paste.",
    ),
    *_rows(
        "process_commands",
        run="Beat, worker and web process in one go; embedded where nothing is configured.",
        beat="The scheduler alone: it wakes workers for what is due.",
        worker="A worker alone: it polls and carries out.",
        web="The web process alone: webhooks, health, metrics.",
    ),
    Row(
        name="valkey",
        module="console.process_commands",
        function="valkey",
        summary="The project's own Valkey alone.",
        hidden=True,
    ),
    *_rows(
        "call_commands",
        poll="Ask a trigger's question once and print the records; moves no cursor.",
        act="Carry out one action now.",
    ),
    Row(
        name="test",
        module="console.rehearsal_commands",
        function="rehearsal",
        summary="What each step of an automation would send, for a real or given record.",
    ),
    *_rows(
        "connect_commands",
        connect="OAuth in the browser: tokens for a connection.",
    ),
    *_rows(
        "keys_commands",
        keys="The keys that tokens are encrypted with: new, rotate.",
    ),
    *_rows(
        "plan_commands",
        plan="What share of each account's quota the automations will use.",
    ),
    *_rows(
        "report_commands",
        status="Processes, feeds, runs: what is going on, and what is not.",
        runs="List runs, the newest first.",
        show_run="One run: its event, its steps, what can be done about it.",
    ),
    *_rows(
        "correction_commands",
        retry="Take failed runs up again.",
        resolve="Settle a run whose step may or may not have taken effect.",
        replay="Fire an automation again for past events.",
    ),
    *_rows(
        "feed_commands",
        cursor="What a feed remembers: show, rewind, reset.",
        nudge="Make an automation's feed due now.",
    ),
    *_rows(
        "explain_commands",
        explain="Why a record fired, or did not.",
    ),
    *_rows(
        "project_commands",
        schema="The JSON Schema of the YAML files, for editors.",
    ),
    *_rows(
        "process_commands",
        sandbox="The simulated vendors.",
    ),
    *_rows(
        "demo",
        demo="Sandbox, engine and examples together, then what happened.",
    ),
    *_rows(
        "doctor",
        doctor="What is installed, reachable, misconfigured.",
    ),
)


class Commands(TyperGroup):
    """The command line as a whole; commands come from the table."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(rich_markup_mode=None, epilog="`hightide --version` prints the version.", **attributes)
        self._rows = {row.name: row for row in ROWS}
        # what is suggested for a misspelt name; the commands themselves are made by `get_command`
        self.commands = dict.fromkeys(self._rows)  # type: ignore[assignment]  # only the names are used

    def parse_args(self, ctx: Any, args: list[str]) -> Any:  # the signature of the group
        """The options before the command; `--version` is the only one, beside `--help`."""
        if args[:1] == ["--version"]:
            from importlib.metadata import version  # noqa: PLC0415  # for this alone

            typer.echo(f"hightide {version('hightide')}")
            ctx.exit()
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:  # the signature of the group
        """Carry out the command; what is said of a wrong option is said without the words of a library."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = error.message.removeprefix("Value error, ")
            raise

    def list_commands(self, ctx: Any) -> list[str]:  # the signature of the group
        """The names, in the order of the table."""
        return list(self._rows)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # the signature of the group
        """The command of that name, its module imported now."""
        row = self._rows.get(cmd_name)
        return None if row is None else made(row)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # the signature of the group
        """The list in `hightide --help`, from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(row.name, row.summary) for row in self._rows.values() if not row.hidden])


def made(row: Row) -> Any:
    """The command of a row, ready to be called."""
    function = getattr(importlib.import_module(row.module), row.function)
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    if isinstance(function, typer.Typer):
        return get_command(function)
    app.command(name=row.name, short_help=row.summary)(function)
    return get_command(app)
