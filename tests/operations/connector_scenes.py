"""What happens at Rankr in front of each of its triggers."""

from __future__ import annotations

from typing import Any

from tests.operations.scenes import Params, Scene, changed, deleted, in_days, it, keep, made


def a_draft(a: Any, _p: Params) -> str:
    return keep(a, a.document())


def sent_and_signed(a: Any, _p: Params) -> str:
    a.record("rankr.documents", "patch", it(a), status="sent")
    return str(a.answered(it(a), "signed"))


def ends_soon(a: Any, _p: Params) -> str:
    return keep(a, a.contract(in_days(10)))


RANKR = (
    Scene(
        trigger="rankr.leads.list",
        new=lambda a, _: keep(a, a.lead()),  # type: ignore[attr-defined]  # an account at Rankr
        change=changed("rankr.leads", status="qualified"),
        gone=deleted("rankr.leads"),
    ),
    Scene(
        trigger="rankr.clients.list",
        new=made("rankr.clients", name="Eve", email="eve@example.com"),
        change=changed("rankr.clients", phone="+15550123"),
        gone=deleted("rankr.clients"),
    ),
    Scene(
        trigger="rankr.documents.list",
        new=a_draft,
        change=sent_and_signed,
        gone=deleted("rankr.documents"),
    ),
    Scene(
        trigger="rankr.contracts.expiring",
        before=lambda _: {"expires_within": "30d"},
        new=ends_soon,
        change=changed("rankr.contracts", title="Agreement"),
        gone=changed("rankr.contracts", status="terminated"),
    ),
    Scene(
        trigger="rankr.templates.list",
        new=made("rankr.templates", name="Renewal"),
        change=changed("rankr.templates", name="Renewal offer"),
        gone=deleted("rankr.templates"),
    ),
)
