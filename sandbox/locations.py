"""Locations (sub-accounts) of a company."""

from __future__ import annotations

from sandbox.ids import new_id
from sandbox.refusal import missing
from sandbox.route import Call, Route, get, post, put
from sandbox.shape import joined, shape
from sandbox.state import DEFAULT_COMPANY, Record
from sandbox.views import pick

COUNTRIES = (
    "AF|AX|AL|DZ|AS|AD|AO|AI|AQ|AG|AR|AM|AW|AU|AT|AZ|BS|BH|BD|BB|BY|BE|BZ|BJ|BM|BT|BO|BA|BW|BV|BR|IO|BN|BG|BF|BI|KH|CM|CA|"
    "CV|KY|CF|TD|CL|CN|CX|CC|CO|KM|CG|CD|CK|CR|CI|HR|CU|CY|CZ|DK|DJ|DM|DO|EC|EG|SV|GQ|ER|EE|ET|FK|FO|FJ|FI|FR|GF|PF|TF|"
    "GA|GM|GE|DE|GH|GI|GR|GL|GD|GP|GU|GT|GG|GN|GW|GY|HT|HM|VA|HN|HK|HU|IS|IN|ID|IR|IQ|IE|IM|IL|IT|JM|JP|JE|JO|KZ|KE|KI|"
    "KP|KR|XK|KW|KG|LA|LV|LB|LS|LR|LY|LI|LT|LU|MO|MK|MG|MW|MY|MV|ML|MT|MH|MQ|MR|MU|YT|MX|FM|MD|MC|MN|ME|MS|MA|MZ|MM|NA|"
    "NR|NP|NL|AN|NC|NZ|NI|NE|NG|NU|NF|MP|NO|OM|PK|PW|PS|PA|PG|PY|PE|PH|PN|PL|PT|PR|QA|RE|RO|RU|RW|SH|KN|LC|MF|PM|VC|WS|"
    "SM|ST|SA|SN|RS|SC|SL|SG|SX|SK|SI|SB|SO|ZA|GS|ES|LK|SD|SR|SJ|SZ|SE|CH|SY|TW|TJ|TZ|TH|TL|TG|TK|TO|TT|TN|TR|TM|TC|TV|"
    "UG|GB|UA|AE|US|UM|UY|UZ|VU|VE|VN|VG|VI|WF|EH|YE|ZM|ZW"
)
SETTINGS = shape(
    "allowDuplicateContact:bool allowDuplicateOpportunity:bool allowFacebookNameMerge:bool disableContactTimezone:bool"
)
SOCIAL = shape(
    "facebookUrl googlePlus linkedIn foursquare twitter yelp instagram youtube pinterest blogRss googlePlacesId"
)
COMMON = shape(
    f"name phone companyId! address city state country:{COUNTRIES} postalCode website timezone prospectInfo:PROSPECT "
    "settings:SETTINGS social:SOCIAL twilio:TWILIO mailgun:MAILGUN",
    PROSPECT=shape("firstName! lastName! email!"),
    SETTINGS=SETTINGS,
    SOCIAL=SOCIAL,
    TWILIO=shape("sid! authToken!"),
    MAILGUN=shape("apiKey! domain!"),
)
CREATE = joined(COMMON, shape("name! snapshotId"))
UPDATE = joined(COMMON, shape("snapshot:SNAPSHOT", SNAPSHOT=shape("id! override:bool")))
SECRET = {"twilio", "mailgun", "snapshot", "snapshotId", "prospectInfo", "companyId"}
SHOWN = "id name phone email address city state country postalCode website timezone settings social"


def _fields(body: Record) -> Record:
    prospect = body.get("prospectInfo", {})
    fields = {name: value for name, value in body.items() if name not in SECRET}
    return {**fields, **pick(prospect, "firstName lastName email")}


def _search(call: Call) -> Record:
    """Those of a company; with a token of one location only that one."""
    company, own = call.query.get("companyId") or call.grant.company, call.grant.location
    rows = call.state.rows("locations", company or DEFAULT_COMPANY) if own is None else [call.state.location(own)]
    email = call.query.get("email")
    chosen = [each for each in rows if own in {None, each["id"]} and email in {None, "", each.get("email")}]
    ordered = chosen if call.query.get("order", "asc") == "asc" else chosen[::-1]
    skip = call.whole("skip", 0)
    return {"locations": [pick(each, SHOWN) for each in ordered[skip : skip + call.whole("limit", 10)]]}


def _read(call: Call) -> Record:
    location = call.state.location(call.path["locationId"])
    business = pick(location, "name address city state country postalCode website timezone")
    return {"location": {**pick(location, f"{SHOWN} companyId firstName lastName"), "business": business}}


def _create(call: Call) -> Record:
    company = call.body["companyId"]
    location = call.state.location(new_id(), company)
    made = call.state.update("locations", location, _fields(call.body))
    return pick(made, f"{SHOWN} companyId")


def _update(call: Call) -> Record:
    location = call.record("locations", "locationId")
    if location["companyId"] != call.body["companyId"]:
        raise missing("Location", location["id"])
    fields = _fields(call.body)
    for name in ("settings", "social"):
        if name in fields:
            fields[name] = {**location.get(name, {}), **fields[name]}
    return pick(call.state.update("locations", location, fields), f"{SHOWN} companyId")


ONE = "/locations/{locationId}"
ROUTES: tuple[Route, ...] = (
    get(
        "/locations/search",
        _search,
        query=shape("companyId skip limit order email"),
        scope="locations.readonly",
        access="either",
        lists="locations",
    ),
    post("/locations/", _create, body=CREATE, scope="locations.write", access="agency"),
    get(ONE, _read, scope="locations.readonly", access="either"),
    put(ONE, _update, body=UPDATE, scope="locations.write", access="agency"),
)
