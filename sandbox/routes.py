"""All routes: every module of the sandbox that has rows."""

from __future__ import annotations

from sandbox import businesses, contact_links, contact_lists, contacts, custom_fields, notes, tasks
from sandbox.route import Route

ROUTES: tuple[Route, ...] = (
    *contacts.ROUTES,
    *contact_lists.ROUTES,
    *contact_links.ROUTES,
    *tasks.ROUTES,
    *notes.ROUTES,
    *businesses.ROUTES,
    *custom_fields.ROUTES,
)
