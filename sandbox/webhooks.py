"""Webhooks that Rankr sends of every change: signed, tried again, and lost, doubled or late where that is asked for."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from sandbox.clock import iso
from sandbox.ids import new_id
from sandbox.rankr.listing import view
from sandbox.refusal import unprocessable
from sandbox.shape import faults, shape
from sandbox.state import Record, State

ASKED = shape("url! secret! lost:number doubled:number late:number")
NOTICES: Mapping[str, tuple[str, str | None]] = {
    "rankr.leads": ("lead.changed", None),
    "rankr.clients": ("client.changed", None),
    "rankr.documents": ("document.status_changed", "status"),
    "rankr.contracts": ("contract.changed", None),
    "rankr.templates": ("template.changed", None),
}
"""Table -> the type of the webhook that tells of a change, and the field that must have changed for it."""
PAUSES = (0.0, 1.0, 5.0)
"""How long (s) to wait before each try; a receiver that takes it, or refuses it, ends them."""


@dataclass(slots=True)
class Webhooks:
    """Where webhooks go, which is kept with the settings, and which of them were sent in this life."""

    state: State
    sent: list[Record] = field(default_factory=list)
    _sending: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.state.watchers.append(self._tell)

    def subscribe(self, asked: Mapping[str, Any]) -> Record:
        """Sends webhooks to this address from now on: `lost` and `doubled` are chances, `late` is in seconds.

        Raises:
            Refusal: it is not described as it should be.
        """
        wrong = list(faults(ASKED, asked))
        if wrong:
            raise unprocessable(*wrong)
        self.state.set(webhooks=[*self.state.settings["webhooks"], dict(asked)])
        return self.told()

    def stop(self) -> Record:
        """Sends no more of them."""
        self.state.set(webhooks=[])
        self.sent.clear()
        return self.told()

    def told(self) -> Record:
        """The addresses and what was sent there, as the admin endpoint shows it."""
        return {"urls": [each["url"] for each in self.state.settings["webhooks"]], "sent": self.sent}

    def _tell(self, table: str, before: Record | None, after: Record | None) -> None:
        addresses = self.state.settings["webhooks"]
        if not addresses or table not in NOTICES:
            return
        kind, decides = NOTICES[table]
        if decides and before and after and before.get(decides) == after.get(decides):
            return
        now = iso(int(self.state.clock.now() * 1000))
        data = view(table, after) if after else {"id": (before or {})["id"], "deleted": True}
        body = orjson.dumps({"type": kind, "event_id": f"evt_{new_id()}", "sent_at": now, "data": data})
        for address in addresses:
            if random.random() < address.get("lost", 0):
                continue
            for _ in range(2 if random.random() < address.get("doubled", 0) else 1):
                task = asyncio.get_running_loop().create_task(self._send(address, kind, body))
                self._sending.add(task)
                task.add_done_callback(self._sending.discard)

    async def _send(self, address: Record, kind: str, body: bytes) -> None:
        proof = hmac.new(address["secret"].encode(), body, hashlib.sha256).hexdigest()
        headers = {"X-Signature": proof, "Content-Type": "application/json"}
        await asyncio.sleep(random.random() * address.get("late", 0))
        async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
            for pause in PAUSES:
                await asyncio.sleep(pause)
                try:
                    answer = await client.post(address["url"], content=body, headers=headers)
                except httpx.TransportError:
                    continue
                self.sent.append({"type": kind, "status": answer.status_code})
                if answer.status_code < 500:
                    return
