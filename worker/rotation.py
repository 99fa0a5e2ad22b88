"""Keys are rotated: every secret in the ledger is sealed anew with the newest one."""

from __future__ import annotations

from typing import Any

import orjson
from sqlalchemy import Connection, select, update

from worker.ledger import credentials
from worker.ledger.tables import CONSENTS, EVENTS
from worker.orders import ORDERED
from worker.seal import SEALED
from worker.vault import Vault


def rotate(connection: Connection, vault: Vault) -> int:
    """Seal all that is sealed anew, in one transaction; how many rows there are.

    Raises:
        NoKey: the key that something was sealed with is gone; nothing is changed then.
    """
    count = credentials.reseal(connection, vault.rotate)
    begun = select(CONSENTS.c.state, CONSENTS.c.verifier).where(CONSENTS.c.verifier.is_not(None))
    for row in connection.execute(begun).all():
        again = update(CONSENTS).where(CONSENTS.c.state == row.state)
        connection.execute(again.values(verifier=vault.rotate(row.verifier)))
        count += 1
    holding = select(EVENTS.c.id, EVENTS.c.record).where(
        EVENTS.c.feed == ORDERED, EVENTS.c.record.contains(f'"{SEALED}":', autoescape=True)
    )
    for row in connection.execute(holding).all():
        record = orjson.loads(row.record)
        resealed = {name: _resealed(value, vault) for name, value in record.items()}
        if resealed != record:
            again = update(EVENTS).where(EVENTS.c.id == row.id)
            connection.execute(again.values(record=orjson.dumps(resealed).decode()))
            count += 1
    return count


def _resealed(value: Any, vault: Vault) -> Any:
    """A sealed input, sealed anew; anything else as it is."""
    if isinstance(value, dict) and value.keys() == {SEALED} and isinstance(value[SEALED], str):
        return {SEALED: vault.rotate(value[SEALED])}
    return value
