"""Rankr as one of the simulated vendors."""

from __future__ import annotations

from sandbox.rankr import access, papers, people, reminders
from sandbox.rankr.seeds import APP
from sandbox.route import Router
from sandbox.vendor import Vendor

ROUTES = (*access.ROUTES, *people.ROUTES, *papers.ROUTES, *reminders.ROUTES)
RANKR = Vendor(
    title="Rankr",
    prefix="/rankr",
    credential="client id {client_id}, client secret {client_secret}".format(**APP),
    router=Router(ROUTES),
    grant=access.grant,
    account=lambda _place: access.HOME,
    forbids=access.forbids,
    words=access.words,
    no_route=access.refused(404, "There is nothing at this address."),
)
