"""Locations (sub-accounts) of an agency."""

from __future__ import annotations

from typing import Annotated, Required

from pydantic import Field
from typing_extensions import TypedDict

from actions.action import Action, Guarded, Probe
from connections.fields import Among, Email, Phone, Sensitive, Url
from connections.operation import AT_LOCATION, CompanyId, InCompany, get, post, put
from connections.paging import Offset

CATEGORY = "Other Operations"

WRITE = ("locations.write",)
COUNTRIES = """
    AF AX AL DZ AS AD AO AI AQ AG AR AM AW AU AT AZ BS BH BD BB BY BE BZ BJ BM BT BO BA BW BV BR IO BN BG BF BI KH
    CM CA CV KY CF TD CL CN CX CC CO KM CG CD CK CR CI HR CU CY CZ DK DJ DM DO EC EG SV GQ ER EE ET FK FO FJ FI FR
    GF PF TF GA GM GE DE GH GI GR GL GD GP GU GT GG GN GW GY HT HM VA HN HK HU IS IN ID IR IQ IE IM IL IT JM JP JE
    JO KZ KE KI KP KR XK KW KG LA LV LB LS LR LY LI LT LU MO MK MG MW MY MV ML MT MH MQ MR MU YT MX FM MD MC MN ME
    MS MA MZ MM NA NR NP NL AN NC NZ NI NE NG NU NF MP NO OM PK PW PS PA PG PY PE PH PN PL PT PR QA RE RO RU RW SH
    KN LC MF PM VC WS SM ST SA SN RS SC SL SG SX SK SI SB SO ZA GS ES LK SD SR SJ SZ SE CH SY TW TJ TZ TH TL TG TK
    TO TT TN TR TM TC TV UG GB UA AE US UM UY UZ VU VE VN VG VI WF EH YE ZM ZW
"""


class Prospect(TypedDict, total=False):
    """Who the location was set up for."""

    firstName: Required[str]
    lastName: Required[str]
    email: Required[Email]


class Settings(TypedDict, total=False):
    """How the location treats its contacts."""

    allowDuplicateContact: bool
    allowDuplicateOpportunity: bool
    allowFacebookNameMerge: bool
    disableContactTimezone: bool


class Social(TypedDict, total=False):
    """Where the business is found."""

    facebookUrl: Url
    googlePlus: Url
    linkedIn: Url
    foursquare: Url
    twitter: Url
    yelp: Url
    instagram: Url
    youtube: Url
    pinterest: Url
    blogRss: Url
    googlePlacesId: str


class Twilio(TypedDict, total=False):
    """The account that calls and text messages go through."""

    sid: Required[str]
    authToken: Required[str]


class Mailgun(TypedDict, total=False):
    """The account that e-mails go through."""

    apiKey: Required[str]
    domain: Required[str]


class SnapshotUpdate(TypedDict, total=False):
    """A snapshot that is loaded into the location."""

    id: Required[str]
    override: Annotated[bool, Field(description="Overwrite what is there and differs.")]


class Details(TypedDict, total=False):
    """What every location may have."""

    phone: Phone
    companyId: Required[CompanyId]
    address: str
    city: str
    state: str
    country: Annotated[str, Among(tuple(COUNTRIES.split())), Field(description="Two letters, as in US.")]
    postalCode: str
    website: str
    timezone: Annotated[str, Field(description="A time zone, as in US/Central.")]
    prospectInfo: Prospect
    settings: Settings
    social: Social
    twilio: Annotated[Twilio, Sensitive()]
    mailgun: Annotated[Mailgun, Sensitive()]


class NewLocation(Details, total=False):
    """A location that does not exist yet."""

    name: Required[str]
    snapshotId: Annotated[str, Field(description="The snapshot that is loaded into it.")]


class Location(Details, total=False):
    """A location's fields that change."""

    name: str
    snapshot: SnapshotUpdate


ROWS = (
    Action(
        id="ghl.locations.find",
        summary="Find a location by its id",
        send=get("/locations/{locationId}", path_from_connection=AT_LOCATION),
        returns="location.id",
        scopes=("locations.readonly",),
        token="either",
    ),
    Action(
        id="ghl.locations.create",
        summary="Create a location",
        send=post("/locations/", NewLocation),
        repeat=Guarded(
            probe=Probe(
                find=get("/locations/search", InCompany),
                records="locations",
                asks={"companyId": "companyId"},
                paging=Offset(),
                same={"name": "name", "phone": "phone", "address": "address", "postalCode": "postalCode"},
            )
        ),
        returns="id",
        scopes=WRITE,
        token="agency",
    ),
    Action(
        id="ghl.locations.update",
        summary="Change a location",
        send=put("/locations/{locationId}", Location, path_from_connection=AT_LOCATION),
        returns="id",
        scopes=WRITE,
        token="agency",
        warning="A snapshot with `override` overwrites what the location has",
        warned=("snapshot",),
    ),
)
