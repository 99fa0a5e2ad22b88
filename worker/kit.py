"""What carrying out runs needs of the world, as values and functions that tests can replace."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from actions.action import Action
from config.automation import Automation
from config.custom_values import CustomValues
from connections.connection import Connection
from connections.quota import Precedence
from connections.wire import Answer, Request
from worker.ledger.batches import Wait
from worker.ledger.runs import ClaimedRun, Entry
from worker.ledger.turns import Bid


class Caller(Protocol):
    """The part of the HTTP client that the engine needs."""

    async def call(self, connection: Connection, request: Request, precedence: Precedence) -> Answer:
        """Carry out one request.

        Raises:
            VendorError: see `connections.errors`.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """What carrying out needs of the world.

    `write` makes an entry durable, `inputs` checks what was rendered and brings it into the vendor's form, `customs`
    gives the function for the custom fields of a connection's location, `taken` tells which ids of an action's results
    belong to other steps than this one, `turn` which run has the turn that a run bids for, `echo` why a run would only
    carry on what Hightide did (None where it may be news). `wait` lets a run wait to be collected, `gather` tells which
    run carries out the records of a run (its id, its fence, now), `gathered` gives them all. `clock` is the time in
    epoch ms. When `closing`, the task is near its end: a run stops before its next call, and is due again at once.
    """

    actions: Mapping[str, Action]
    connections: Mapping[str, Connection]
    client: Caller
    write: Callable[[Entry], Awaitable[bool]]
    inputs: Callable[[Action, Any, Connection], Awaitable[dict[str, Any]]]
    customs: Callable[[Connection, Collection[str]], Awaitable[CustomValues]]
    taken: Callable[[str, Collection[str], int, str], Awaitable[Collection[str]]]
    turn: Callable[[Bid], Awaitable[int]]
    echo: Callable[[ClaimedRun, Automation], Awaitable[str | None]]
    wait: Callable[[Wait], Awaitable[bool]]
    gather: Callable[[int, int, int], Awaitable[int]]
    gathered: Callable[[int], Awaitable[list[Any]]]
    clock: Callable[[], int]
    closing: Callable[[], bool]
