"""What a location has from the start, with ids derived from its own, so that tests and examples know them."""

from __future__ import annotations

from sandbox.ids import derived
from sandbox.state import State

FIELD_TYPES = (
    ("Budget", "NUMERICAL", ()),
    ("Deal size", "MONETORY", ()),
    ("Interests", "MULTIPLE_OPTIONS", ("Roofing", "Solar", "Windows")),
    ("Region", "SINGLE_OPTIONS", ("North", "South")),
    ("Consent", "CHECKBOX", ("E-mail", "Phone")),
    ("Visit on", "DATE", ()),
)


def furnish(state: State, location: str) -> None:
    """Gives a new location its custom fields, a campaign and a workflow."""
    _custom_fields(state, location)
    state.create("campaigns", location, {"name": "Welcome", "status": "published"}, key=derived(location, "campaign"))
    state.create(
        "workflows",
        location,
        {"name": "New lead", "status": "published", "version": 1},
        key=derived(location, "workflow"),
    )


def _custom_fields(state: State, location: str) -> None:
    plain = [(f"Custom {number}", "TEXT", ()) for number in range(1, 11)]
    for position, (name, kind, options) in enumerate([*plain, *FIELD_TYPES]):
        key = name.lower().replace(" ", "_")
        field = {
            "name": name,
            "fieldKey": f"contact.{key}",
            "dataType": kind,
            "placeholder": "",
            "position": position * 50,
            "model": "contact",
        }
        more = {"picklistOptions": list(options)} if options else {}
        state.create("customFields", location, {**field, **more}, key=derived(location, "field", key))
    field = {"name": "Source detail", "fieldKey": "opportunity.source_detail", "dataType": "TEXT", "placeholder": ""}
    key = derived(location, "field", "source_detail")
    state.create("customFields", location, {**field, "position": 0, "model": "opportunity"}, key=key)
