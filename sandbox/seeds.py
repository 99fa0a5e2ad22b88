"""What a company and a location have from the start, with ids derived from their own, so that tests know them."""

from __future__ import annotations

from sandbox.ids import derived, derived_hex
from sandbox.state import Record, State

FIELD_TYPES = (
    ("Budget", "NUMERICAL", ()),
    ("Deal size", "MONETORY", ()),
    ("Interests", "MULTIPLE_OPTIONS", ("Roofing", "Solar", "Windows")),
    ("Region", "SINGLE_OPTIONS", ("North", "South")),
    ("Consent", "CHECKBOX", ("E-mail", "Phone")),
    ("Visit on", "DATE", ()),
    ("Rankr lead", "TEXT", ()),
    ("Rankr client", "TEXT", ()),
    ("Rankr contract", "TEXT", ()),
    ("Rankr documents", "LARGE_TEXT", ()),
)
STAGES = ("New lead", "Contacted", "Proposal sent", "Closed")
ZONE = "America/New_York"
SETTINGS = {
    "allowDuplicateContact": False,
    "allowDuplicateOpportunity": False,
    "allowFacebookNameMerge": False,
    "disableContactTimezone": False,
}


def furnish(state: State, location: str, company: str) -> None:
    """Makes a location with its company, where that is new, and all that a location has."""
    found(state, company)
    place = {"name": f"Location {location}", "country": "US", "timezone": ZONE, "settings": SETTINGS}
    mail = f"office@{location.lower()}.example.com"
    state.create("locations", company, {**place, "companyId": company, "email": mail}, key=location)
    user = _user(state, company, derived(location, "user"), "account", [location])
    _pipeline(state, location)
    _calendar(state, location, user)
    _custom_fields(state, location)
    _blog(state, location)
    _marketing(state, location)
    template = {"name": "Non-disclosure agreement", "updatedBy": user["id"]}
    state.create("templates", location, template, key=derived_hex(location, "template"))


def found(state: State, company: str) -> Record:
    """The company of that id, made on first use with an agency user and a snapshot."""
    known = state.find("companies", company)
    if known is not None:
        return known
    fields = {"name": f"Agency {company}", "email": f"agency@{company.lower()}.example.com", "timezone": ZONE}
    made = state.create("companies", company, {**fields, "country": "US", "status": "active"}, key=company)
    _user(state, company, derived(company, "user"), "agency", [])
    state.create("snapshots", company, {"name": "Starter", "type": "own"}, key=derived(company, "snapshot"))
    return made


def _user(state: State, company: str, key: str, kind: str, locations: list[str]) -> Record:
    first, last = ("Olive", "Field") if kind == "account" else ("August", "Moore")
    user = {
        "name": f"{first} {last}",
        "firstName": first,
        "lastName": last,
        "email": f"{first}.{key}@example.com".lower(),
        "phone": "+15550100",
        "extension": "",
        "permissions": {"contactsEnabled": True, "opportunitiesEnabled": True, "conversationsEnabled": True},
        "roles": {"type": kind, "role": "admin", "locationIds": locations, "restrictSubAccount": False},
        "deleted": False,
        "companyId": company,
        "platformLanguage": "en_US",
    }
    return state.create("users", company, user, key=key)


def _pipeline(state: State, location: str) -> None:
    stages = [
        {
            "id": derived(location, "stage", str(position)),
            "name": name,
            "position": position,
            "showInFunnel": True,
            "showInPieChart": True,
        }
        for position, name in enumerate(STAGES)
    ]
    shown = {"name": "Sales", "stages": stages, "showInFunnel": True, "showInPieChart": True, "colorRenderMode": "dot"}
    state.create("pipelines", location, shown, key=derived(location, "pipeline"))


def _calendar(state: State, location: str, user: Record) -> None:
    group = {"name": "Visits", "description": "Visits at home", "slug": "visits", "isActive": True}
    made = state.create("groups", location, group, key=derived(location, "group"))
    names = {"name": "First visit", "slug": "first-visit", "widgetSlug": "first-visit", "description": "Half an hour"}
    team = {"groupId": made["id"], "teamMembers": [{"userId": user["id"], "priority": 0.5, "isPrimary": True}]}
    state.create("calendars", location, {**names, **team}, key=derived(location, "calendar"))


def _custom_fields(state: State, location: str) -> None:
    plain = [(f"Custom {number}", "TEXT", ()) for number in range(1, 11)]
    for position, (name, kind, options) in enumerate([*plain, *FIELD_TYPES]):
        _field(state, location, name, kind, "contact", {"position": position * 50, "picklistOptions": list(options)})
    _field(state, location, "Source detail", "TEXT", "opportunity", {"position": 0, "picklistOptions": []})


def _field(state: State, location: str, name: str, kind: str, model: str, more: Record) -> None:
    key = name.lower().replace(" ", "_")
    field = {"name": name, "fieldKey": f"{model}.{key}", "dataType": kind, "placeholder": "", "model": model, **more}
    if not field["picklistOptions"]:
        del field["picklistOptions"]
    state.create("customFields", location, field, key=derived(location, "field", key))


def _blog(state: State, location: str) -> None:
    state.create("blogs", location, {"name": "News"}, key=derived_hex(location, "blog"))
    author = {"name": "Olive Field", "canonicalLink": "https://example.com/olive"}
    state.create("authors", location, author, key=derived_hex(location, "author"))
    category = {"label": "Guides", "urlSlug": "guides", "canonicalLink": "https://example.com/guides"}
    state.create("categories", location, category, key=derived_hex(location, "category"))


def _marketing(state: State, location: str) -> None:
    state.create("campaigns", location, {"name": "Welcome", "status": "published"}, key=derived(location, "campaign"))
    workflow = {"name": "New lead", "status": "published", "version": 1}
    state.create("workflows", location, workflow, key=derived(location, "workflow"))
