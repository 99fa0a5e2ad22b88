"""The shape of a manifest (`connectors/KIND.yaml`), field by field, one level at a time."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Required

from pydantic import ConfigDict, Field, TypeAdapter
from typing_extensions import TypedDict

from config.shapes import Mapping_, Name, QuotaShape

_CLOSED = ConfigDict(extra="forbid", strict=True)

Names = Annotated[list[Name], Field(min_length=1)]
OneOrMore = Name | Names
Length = Annotated[Name, Field(description="A length of time, as in `90s`, `10m`, `2h` or `30d`.")]
Scalar = str | int | float
Kinds = Literal["new", "updated", "changed", "removed"]


class TypeShape(TypedDict, total=False):
    """A parameter's type and what else there is to say of it; exactly one of the first four."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]  # pydantic's documented hook

    type: Annotated[Name, Field(description="The type in words, as in `text` or `list of email`.")]
    one_of: Annotated[list[Scalar], Field(min_length=1, description="The values it may have.")]
    list_of: Annotated[str | Mapping_, Field(description="A list of this type.")]
    fields: Annotated[Mapping_, Field(min_length=1, description="An object with these fields, each with its type.")]
    required: Annotated[bool, Field(description="Whether it must be given.")]
    description: Annotated[Name, Field(description="What it is.")]
    example: Annotated[Any, Field(description="A value, for examples.")]
    as_: Annotated[
        str, Field(alias="as", description='Where the vendor wants it, if not under its name; "" for nowhere.')
    ]
    from_: Annotated[
        Literal["location_id", "company_id"],
        Field(alias="from", description="The field of the connection that is taken where the author gives nothing."),
    ]
    comma: Annotated[bool, Field(description="A list that the vendor wants as one text, joined by commas.")]
    secret: Annotated[bool, Field(description="Never shown and never logged.")]


class VersionShape(TypedDict, total=False):
    """The header that says which version of the API is meant."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]  # pydantic's documented hook

    header: Required[Annotated[Name, Field(description="The header's name.")]]
    value: Required[Annotated[Name, Field(description="The version.")]]


class PaginationShape(TypedDict, total=False):
    """How a list is handed out in pages."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]  # pydantic's documented hook

    style: Required[
        Annotated[
            Literal["none", "offset", "pages", "keyset", "link"],
            Field(
                description="`offset` leaves out so many records, `pages` numbers the pages, `keyset` asks for the "
                "next page with values of this one, `link` follows the answer's Link header, `none` has one page."
            ),
        ]
    ]
    size: Annotated[int, Field(ge=1, le=100_000, description="How many records a page has; 100 by default.")]
    limit: Annotated[Name, Field(description="The parameter for the page's size.")]
    skip: Annotated[Name, Field(description="`offset`: the parameter for how many are left out.")]
    as_text: Annotated[bool, Field(description="`offset`: send the numbers as text.")]
    page: Annotated[Name, Field(description="`pages`: the parameter for the page's number.")]
    first: Annotated[int, Field(ge=0, le=1, description="`pages`: the number of the first page.")]
    values: Annotated[
        dict[str, OneOrMore],
        Field(
            min_length=1,
            description="`keyset`: for each parameter where its value lies in the answer; `last.NAME` is in the page's "
            "last record.",
        ),
    ]
    more: Annotated[OneOrMore, Field(description="`keyset`: where the answer says whether there is more.")]


class SinceShape(TypedDict, total=False):
    """`watermark`: records in the order of their times."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]  # pydantic's documented hook

    added: Required[Annotated[Name, Field(description="The field with the time at which a record came into being.")]]
    updated: Annotated[Name, Field(description="The field with the time of its last change.")]
    also: Annotated[Name, Field(description="A field beside the time whose change is an update.")]
    since: Annotated[
        Mapping_ | Annotated[list[Mapping_], Field(min_length=1)],
        Field(
            description="Parameters that filter and sort, as templates of `since` (ISO 8601), `since_ms`, `since_s`, "
            "`watch` (`new` or `updated`) and `newest_first`; several are tried in turn. Without it the list must come "
            "newest first."
        ),
    ]
    lookback: Annotated[Length, Field(description="How long after its time a record may show up; `2m` by default.")]


class WithinShape(TypedDict, total=False):
    """Records count only when their time is near."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]  # pydantic's documented hook

    at: Required[Annotated[Name, Field(description="The field with the time.")]]
    parameter: Required[Annotated[Name, Field(description="The parameter, a `duration`, that says how near.")]]


class SnapshotShape(TypedDict, total=False):
    """`snapshot`: a list that is compared with what it was."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]  # pydantic's documented hook

    version: Annotated[Name, Field(description="The field that changes with the record; a digest of it by default.")]
    added: Annotated[Name, Field(description="The field with the time at which a record came into being.")]
    missing: Annotated[int, Field(ge=1, le=10, description="In how many lists in a row it must be missing.")]
    within: Annotated[WithinShape, Field(description="Only records whose time is near count as there.")]


class ObjectShape(TypedDict, total=False):
    """`object`: one object that is compared with what it was."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]  # pydantic's documented hook


class AvailabilityShape(TypedDict, total=False):
    """`availability`: computed answers, of which appearing and disappearing count."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]  # pydantic's documented hook

    once: Annotated[bool, Field(description="The feed ends with its first event.")]
    missing: Annotated[int, Field(ge=1, le=10, description="In how many answers in a row it must be missing.")]
    waiting: Annotated[list[int], Field(description="HTTP statuses that mean that it is not there yet.")]


class RequestShape(TypedDict, total=False):
    """What triggers and actions have in common."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]  # pydantic's documented hook

    summary: Required[Annotated[Name, Field(description="What it is, in one sentence without a full stop.")]]
    request: Required[Annotated[Name, Field(description="Method and path, as in `GET /leads/{id}`.")]]
    category: Annotated[Name, Field(description="What it is listed under; the connector's title by default.")]
    path: Annotated[Mapping_, Field(description="The values that parameters of the path may have: `one of [a, b]`.")]
    query: Annotated[Mapping_, Field(description="The parameters in the query string, each with its type.")]
    body: Annotated[Mapping_, Field(description="The fields of the JSON body, each with its type.")]
    fixed: Annotated[Mapping_, Field(description="What is always sent beside the author's parameters.")]
    one_of: Annotated[Names, Field(description="Parameters of which at least one must be given.")]
    version: Annotated[Name, Field(description="The version of the API, where it is not the connector's.")]
    scopes: Annotated[Names, Field(description="What the credential must be allowed to do.")]
    warning: Annotated[Name, Field(description="What `hightide check` warns of wherever it is used.")]


class TriggerShape(RequestShape, total=False):
    """A trigger; exactly one of `watermark`, `snapshot`, `object` and `availability`."""

    watermark: Annotated[SinceShape, Field(description="The vendor sorts by time.")]
    snapshot: Annotated[SnapshotShape, Field(description="A list that is compared with what it was.")]
    object: Annotated[ObjectShape, Field(description="One object that is compared with what it was.")]
    availability: Annotated[AvailabilityShape, Field(description="Computed answers.")]
    records: Annotated[OneOrMore, Field(description="Where the records lie in the answer; several places are tried.")]
    key: Annotated[OneOrMore, Field(description="The fields that identify a record; `id` by default.")]
    pagination: Annotated[PaginationShape, Field(description="How the list is paged; the connector's by default.")]
    events: Annotated[list[Kinds], Field(min_length=1, description="The kinds of event there are.")]
    on: Annotated[Kinds, Field(description="The kind of event that is meant where the author says nothing.")]
    every: Annotated[Name, Field(description="How often it is polled where the author says nothing; `5m` by default.")]
    volatile: Annotated[list[Name], Field(description="Fields whose change does not count.")]
    sets: Annotated[list[Name], Field(description="Lists whose order does not count.")]
    gone: Annotated[Mapping_, Field(description="What a record holds that counts as not there.")]
    wakes: Annotated[list[Name], Field(description="The vendor's webhooks that make it due at once.")]


class ProbeShape(TypedDict, total=False):
    """How to look whether an earlier attempt took effect."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]  # pydantic's documented hook

    request: Required[Annotated[Name, Field(description="Method and path, as in `GET /contracts`.")]]
    asks: Annotated[dict[str, Name], Field(description="For each parameter of the request the input it is taken from.")]
    fixed: Annotated[Mapping_, Field(description="What is sent beside.")]
    records: Annotated[OneOrMore, Field(description="Where the records lie in the answer.")]
    same: Annotated[dict[str, Name], Field(description="For each field of a record the input that it must equal.")]
    unless: Annotated[Mapping_, Field(description="Values of fields that a record must not have.")]
    since: Annotated[Name, Field(description="The field with the time at which the record came into being.")]
    id: Annotated[Name, Field(description="The field that identifies a record; `id` by default.")]
    settles: Annotated[
        Length, Field(description="How long after an attempt looking tells the truth; `10s` by default.")
    ]
    pagination: Annotated[
        PaginationShape,
        Field(
            description="How the list is paged; the connector's by default, and none where the path ends with `{...}`."
        ),
    ]


class BulkShape(TypedDict, total=False):
    """A list that goes in several calls."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]  # pydantic's documented hook

    field: Required[Annotated[Name, Field(description="The parameter that is the list.")]]
    limit: Required[Annotated[int, Field(ge=1, description="How many items one call takes.")]]


class ActionShape(RequestShape, total=False):
    """An action."""

    only_one_of: Annotated[Names, Field(description="Parameters of which exactly one must be given.")]
    returns: Annotated[OneOrMore, Field(description="Where the id of what was made lies in the answer.")]
    repeat: Annotated[
        Literal["natural", "guarded", "unsafe"],
        Field(
            description="`natural`: twice leaves the same state as once. `guarded`: look first, and send again only "
            "what had no effect. `unsafe`: never twice on a guess. GET, PUT and DELETE are natural by default, others "
            "unsafe."
        ),
    ]
    probe: Annotated[ProbeShape, Field(description="How to look; `guarded` demands it, `unsafe` may have it.")]
    refusals: Annotated[
        dict[str, Name],
        Field(description="Words in a refusal of a second one, and where the existing id lies in that answer."),
    ]
    missing_is_done: Annotated[bool, Field(description="Whether `not found` is a success: what is gone is gone.")]
    bulk: Annotated[BulkShape, Field(description="A list that is too long for one call goes in several.")]


class WebhooksShape(TypedDict, total=False):
    """How the vendor signs its webhooks, and where they say what they are about."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]  # pydantic's documented hook

    header: Required[Annotated[Name, Field(description="The header with the signature over the raw body.")]]
    algorithm: Required[
        Annotated[
            Literal["hmac_sha256", "ed25519", "rsa_sha256"],
            Field(description="How it is signed: `hmac_sha256` in hex, the others in base64."),
        ]
    ]
    key: Annotated[
        Name,
        Field(
            description="The shared secret, or the vendor's public key (base64 of SPKI); the environment's "
            "`HIGHTIDE_WEBHOOK_KEY_KIND` goes before it."
        ),
    ]
    type: Annotated[
        Name,
        Field(
            description="Where the payload says what happened, `type` by default; `header.NAME` is a header, here and "
            "below."
        ),
    ]
    id: Annotated[Name, Field(description="Where it has an id of its own; a digest of the body by default.")]
    time: Annotated[Name, Field(description="Where it says when it was sent; without it none is too old.")]
    account: Annotated[
        OneOrMore,
        Field(description="Where it names the account, which is a connection's `location_id` or `company_id`."),
    ]


class ManifestShape(TypedDict, total=False):
    """A manifest: one vendor, its triggers and actions."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]  # pydantic's documented hook

    kind: Annotated[Name, Field(description="What connections and operations are named with; the file's name.")]
    extends: Annotated[Name, Field(description="A connector that Hightide ships, of which this one changes something.")]
    title: Annotated[Name, Field(description="The vendor's name.")]
    note: Annotated[Name, Field(description="What `hightide show` says about all of its operations.")]
    base_url: Annotated[Name, Field(description="Where the vendor answers, unless a connection says otherwise.")]
    auth: Annotated[
        Mapping_,
        Field(min_length=1, description="The ways to authenticate, each with its fields' values by default."),
    ]
    quota: Annotated[QuotaShape | Literal["off"], Field(description="What the vendor allows; `off` by default.")]
    version: Annotated[VersionShape, Field(description="The header for the version of the API.")]
    not_found: Annotated[Name, Field(description="A pattern in the message of a 400 that means `not found`.")]
    too_many: Annotated[Name, Field(description="A pattern in the message of a 403 that means `too many requests`.")]
    assumed: Annotated[
        dict[str, Scalar],
        Field(description="Values that are not known for sure: each stands elsewhere as `<name>`."),
    ]
    pagination: Annotated[PaginationShape, Field(description="How lists are paged; in one page by default.")]
    webhooks: Annotated[WebhooksShape, Field(description="How the vendor's webhooks are checked and read.")]
    triggers: Annotated[Mapping_, Field(description="What can be polled, by name, without the kind.")]
    actions: Annotated[Mapping_, Field(description="What can be done, by name, without the kind.")]


TYPE: TypeAdapter[Any] = TypeAdapter(TypeShape)
TRIGGER: TypeAdapter[Any] = TypeAdapter(TriggerShape)
ACTION: TypeAdapter[Any] = TypeAdapter(ActionShape)
MANIFEST: TypeAdapter[Any] = TypeAdapter(ManifestShape)
