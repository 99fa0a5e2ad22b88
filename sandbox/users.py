"""Users of a company and its locations. A deleted user stays known to searches that ask for deleted ones."""

from __future__ import annotations

from typing import Any

from sandbox.refusal import bad_request, missing
from sandbox.route import Call, Route, delete, get, post, put, whole
from sandbox.seeds import found
from sandbox.shape import joined, shape, typed
from sandbox.state import Record
from sandbox.views import pick

FLAGS = (
    "campaignsEnabled campaignsReadOnly contactsEnabled workflowsEnabled workflowsReadOnly triggersEnabled "
    "funnelsEnabled websitesEnabled opportunitiesEnabled dashboardStatsEnabled bulkRequestsEnabled "
    "appointmentsEnabled reviewsEnabled onlineListingsEnabled phoneCallEnabled conversationsEnabled "
    "assignedDataOnly adwordsReportingEnabled membershipEnabled facebookAdsReportingEnabled "
    "attributionsReportingEnabled settingsEnabled tagsEnabled leadValueEnabled marketingEnabled "
    "agentReportingEnabled botService socialPlanner bloggingEnabled invoiceEnabled affiliateManagerEnabled "
    "contentAiEnabled refundsEnabled recordPaymentEnabled cancelSubscriptionEnabled paymentsEnabled "
    "communitiesEnabled exportPaymentsEnabled"
)
UPDATE = shape(
    "firstName lastName email password phone type role companyId locationIds:[text] permissions:PERMISSIONS "
    "scopes:[scope] scopesAssignedToOnly:[scope] profilePhoto twilioPhone:object "
    "platformLanguage:en_US|es|fr_CA|fr_FR|nl|de|pt_PT|pt_BR|it|sv|da|fi|no",
    PERMISSIONS=shape(typed(FLAGS, "bool")),
)
CREATE = joined(UPDATE, shape("companyId! firstName! lastName! email! password! type! role! locationIds!:[text]"))
SEARCH = shape("companyId! query skip limit locationId type role ids sort sortDirection enabled2waySync:bool")
BY_EMAIL = shape("companyId! emails! deleted:bool skip limit projection")
SHOWN = "id name firstName lastName email phone extension permissions roles platformLanguage lcPhone"


def view(user: Record) -> Record:
    """A user as the vendor shows it; never the password."""
    return pick(user, SHOWN)


def _listed(user: Record) -> Record:
    return {**view(user), "deleted": user["deleted"]}


def _one(call: Call) -> Record:
    user = call.record("users", "userId")
    if user["deleted"]:
        raise missing("User", user["id"])
    return user


def _of_location(users: Any, location: str | None) -> list[Record]:
    return [user for user in users if location in {None, ""} or location in user["roles"]["locationIds"]]


def _search(call: Call) -> Record:
    query = call.query
    found(call.state, query["companyId"])
    words, ids = query.get("query", "").lower(), query.get("ids")
    users = [
        user
        for user in _of_location(call.state.rows("users", query["companyId"]), query.get("locationId"))
        if not user["deleted"]
        and (words in user["name"].lower() or words in user["email"])
        and (not ids or user["id"] in ids.split(","))
        and query.get("type") in {None, user["roles"]["type"]}
        and query.get("role") in {None, user["roles"]["role"]}
    ]
    skip = call.whole("skip", 0)
    page = users[skip : skip + call.whole("limit", 25)]
    return {"users": [_listed(user) for user in page], "count": len(users)}


def _by_email(call: Call) -> Record:
    body = call.body
    found(call.state, body["companyId"])
    emails = {each.strip().lower() for each in body["emails"].split(",")}
    users = [
        user
        for user in call.state.rows("users", body["companyId"])
        if user["email"] in emails and user["deleted"] == body.get("deleted", False)
    ]
    skip, limit = whole(body, "skip", 0), whole(body, "limit", 25)
    return {"users": [_listed(user) for user in users[skip : skip + limit]], "count": len(users)}


def _by_location(call: Call) -> Record:
    company = call.state.location(call.location)["companyId"]
    users = _of_location(call.state.rows("users", company), call.location)
    return {"users": [_listed(user) for user in users if not user["deleted"]]}


def _refuse_email(call: Call, email: str, own: str | None = None) -> None:
    for user in call.state.every("users"):
        if user["email"] == email and user["id"] != own and not user["deleted"]:
            raise bad_request(f"A user with the email {email} already exists")


def _fields(body: Record, before: Record) -> Record:
    fields = pick(body, "firstName lastName phone permissions scopes scopesAssignedToOnly platformLanguage")
    if body.get("email"):
        fields["email"] = body["email"].lower()
    roles = {**before.get("roles", {"restrictSubAccount": False}), **pick(body, "type role locationIds")}
    name = " ".join({**before, **fields}.get(part, "") for part in ("firstName", "lastName")).strip()
    return {**fields, "roles": roles, "name": name}


def _create(call: Call) -> Record:
    fields = _fields(call.body, {})
    _refuse_email(call, fields["email"])
    company = call.body["companyId"]
    found(call.state, company)
    for location in call.body["locationIds"]:
        call.state.location(location, company)
    return view(call.state.create("users", company, {**fields, "companyId": company}))


def _read(call: Call) -> Record:
    return view(_one(call))


def _update(call: Call) -> Record:
    user = _one(call)
    fields = _fields(call.body, user)
    _refuse_email(call, str(fields.get("email", user["email"])), user["id"])
    return view(call.state.update("users", user, fields))


def _delete(call: Call) -> Record:
    user = _one(call)
    call.state.update("users", user, {"deleted": True})
    message = f"Queued deleting user with e-mail {user['email']} and name {user['name']}."
    return {"succeded": True, "message": f"{message} Will take effect in a few minutes."}


ONE = "/users/{userId}"
GET: dict[str, Any] = {"scope": "users.readonly", "access": "either"}
SET: dict[str, Any] = {"scope": "users.write", "access": "either"}
ROUTES: tuple[Route, ...] = (
    get("/users/search", _search, query=SEARCH, lists="users", **GET),
    post(
        "/users/search/filter-by-email",
        _by_email,
        body=BY_EMAIL,
        reads=True,
        lists="users",
        scope="users.readonly",
        access="agency",
    ),
    get("/users/", _by_location, query=shape("locationId!"), lists="users", scope="users.readonly"),
    post("/users/", _create, body=CREATE, ok=201, **SET),
    get(ONE, _read, **GET),
    put(ONE, _update, body=UPDATE, **SET),
    delete(ONE, _delete, **SET),
)
