"""A project's own connectors have Celery tasks by name, like everything else that can be polled or done."""

from __future__ import annotations

from pathlib import Path

from celery import Celery

from config.project import load
from config.settings import read_settings
from worker.bell import Bell
from worker.desk import Desk
from worker.tasks import register, register_own

SHOP = """
triggers:
  orders.list: {summary: An order, request: GET /orders, snapshot: {}}
actions:
  orders.create: {summary: Make an order, request: POST /orders}
"""


def app_of(folder: Path) -> tuple[Celery, Desk, Bell]:
    (folder / "connectors").mkdir()
    (folder / "connectors" / "shop.yaml").write_text(SHOP)
    (folder / "connections.yaml").write_text("connections: {}\n")
    app = Celery("test", set_as_current=False)
    desk, bell = Desk(read_settings({}, folder), {}), Bell(app)
    register(app, desk, bell)
    app.finalize()
    return app, desk, bell


def test_what_hightide_ships_has_tasks_from_the_start(tmp_path: Path) -> None:
    app, _, _ = app_of(tmp_path)
    names = {"triggers.ghl.contacts.search", "actions.ghl.documents.send", "triggers.rankr.leads.list"}
    assert names <= set(app.tasks)
    assert "triggers.shop.orders.list" not in app.tasks


def test_the_projects_own_have_tasks_once_a_worker_starts(tmp_path: Path) -> None:
    app, desk, bell = app_of(tmp_path)
    before = dict(app.tasks)
    register_own(app, desk, bell, load(tmp_path, {}))
    assert set(app.tasks) - set(before) == {"triggers.shop.orders.list", "actions.shop.orders.create"}
    assert {name: app.tasks[name] for name in before} == before
