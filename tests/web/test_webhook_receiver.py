"""The web process without a port: what is counted, and what is answered to whoever asks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from console.web import application
from worker.factory import make_app
from worker.ledger.database import migrate

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def app(tmp_path: Path) -> Any:
    (tmp_path / "connections.yaml").write_text("connections: {}\n")
    return make_app({"HIGHTIDE_PROJECT": str(tmp_path), "HIGHTIDE_WEBHOOK_KEY_RANKR": "k" * 20})


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    web = application(app)
    transport = httpx.ASGITransport(web)
    async with web.router.lifespan_context(web), httpx.AsyncClient(transport=transport, base_url="http://web") as asked:
        yield asked


async def test_made_up_kinds_of_webhook_are_counted_as_one(app: Any) -> None:
    migrate(app.desk.place.database_url)
    async with served(app) as web:
        for number in range(3):
            assert (await web.post(f"/webhooks/evil{number}", content=b"x")).status_code == 404
        assert (await web.post("/webhooks/rankr", content=b"x")).status_code == 401
        lines = (await web.get("/metrics")).text.splitlines()
    assert sorted(line for line in lines if line.startswith("hightide_webhooks")) == [
        'hightide_webhooks_total{kind="other",outcome="refused"} 3.0',
        'hightide_webhooks_total{kind="rankr",outcome="refused"} 1.0',
    ]


async def test_it_is_ready_once_the_ledger_has_its_tables(app: Any) -> None:
    async with served(app) as web:
        assert (await web.get("/ready")).status_code == 503
        migrate(app.desk.place.database_url)
        assert (await web.get("/ready")).json() == {"ready": True}
