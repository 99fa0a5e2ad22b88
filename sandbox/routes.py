"""All routes: every module of the sandbox that has rows."""

from __future__ import annotations

from sandbox import (
    appointment_notes,
    appointments,
    businesses,
    calendars,
    companies,
    contact_links,
    contact_lists,
    contacts,
    custom_fields,
    locations,
    marketing,
    notes,
    notifications,
    opportunities,
    opportunity_search,
    resources,
    tasks,
    users,
)
from sandbox.route import Route

ROUTES: tuple[Route, ...] = (
    *contacts.ROUTES,
    *contact_lists.ROUTES,
    *contact_links.ROUTES,
    *tasks.ROUTES,
    *notes.ROUTES,
    *businesses.ROUTES,
    *custom_fields.ROUTES,
    *calendars.ROUTES,
    *appointments.ROUTES,
    *appointment_notes.ROUTES,
    *notifications.ROUTES,
    *resources.ROUTES,
    *opportunities.ROUTES,
    *opportunity_search.ROUTES,
    *users.ROUTES,
    *locations.ROUTES,
    *companies.ROUTES,
    *marketing.ROUTES,
)
