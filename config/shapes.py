"""The shape of the YAML files, field by field, one level at a time."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Required

from pydantic import ConfigDict, Field, TypeAdapter, WithJsonSchema
from typing_extensions import TypedDict

_CLOSED = ConfigDict(extra="forbid", strict=True)

Name = Annotated[str, Field(min_length=1)]
Mapping_ = dict[str, Any]
Span = Annotated[str | int, WithJsonSchema({"type": "string", "pattern": r"^\d{1,7}[smhd]$|\$\{"})]


class QuotaShape(TypedDict, total=False):
    """How many requests the vendor allows."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]  # pydantic's documented hook

    per_10s: Annotated[int, Field(ge=1, le=100_000, description="Requests in ten seconds.")]
    per_day: Annotated[int, Field(ge=1, le=1_000_000_000, description="Requests in a day.")]


class LocationsShape(TypedDict, total=False):
    """Some of an agency's locations."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]  # pydantic's documented hook

    name: Annotated[Name, Field(description="A pattern that their names fit, in either case: `Dental*`.")]
    except_: Annotated[list[Name], Field(alias="except", description="Ids of locations that are left out.")]


class ConnectionShape(TypedDict, total=False):
    """A named account at a vendor."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]  # pydantic's documented hook

    kind: Required[Annotated[Name, Field(description="The vendor.")]]
    auth: Required[Annotated[Mapping_, Field(description="How the vendor knows you.")]]
    base_url: Annotated[Name, Field(description="Where the vendor answers; the vendor's own address by default.")]
    location_id: Annotated[Name, Field(description="The HighLevel location (sub-account).")]
    company_id: Annotated[Name, Field(description="The HighLevel company (agency).")]
    locations: Annotated[
        Literal["all"] | Annotated[list[Name], Field(min_length=1)] | LocationsShape,
        Field(description="The agency's locations that this connection stands for: `all`, ids, or a filter."),
    ]
    quota: Annotated[
        QuotaShape | Literal["off"], Field(description="What the vendor allows; the vendor's own limits by default.")
    ]


class ConnectionsShape(TypedDict, total=False):
    """connections.yaml."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]  # pydantic's documented hook

    connections: Required[Annotated[Mapping_, Field(description="Accounts at vendors, by the names you give them.")]]


class TriggerShape(TypedDict, total=False):
    """What is polled, where, and how often."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]  # pydantic's documented hook

    use: Required[Annotated[Name, Field(description="The trigger, such as `ghl.contacts.search`.")]]
    connection: Required[Annotated[Name, Field(description="A connection of connections.yaml.")]]
    on: Annotated[
        Name | Annotated[list[Name], Field(min_length=1)],
        Field(description="The kind of event that counts, or several."),
    ]
    every: Annotated[str | int, Field(description="`1m` to `15m`, or `auto`.")]
    cron: Annotated[Name, Field(description="Five fields, in place of `every`: `*/5 9-17 * * mon-fri`.")]
    timezone: Annotated[Name, Field(description="The time zone of `cron`, such as `Europe/Vienna`; UTC by default.")]
    start: Annotated[
        str, Field(description="What the first poll fires for: `now` (nothing), `beginning`, or a date or time.")
    ]
    with_: Annotated[Mapping_, Field(alias="with", description="The trigger's parameters.")]


class StepShape(TypedDict, total=False):
    """One action."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]  # pydantic's documented hook

    id: Annotated[
        str,
        Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="A name, for `{{ steps.NAME.... }}` in later steps."),
    ]
    use: Required[Annotated[Name, Field(description="The action, such as `ghl.contacts.notes.create`.")]]
    connection: Annotated[Name, Field(description="A connection; the trigger's by default, where the kind agrees.")]
    with_: Annotated[Mapping_, Field(alias="with", description="The action's parameters; `{{ }}` is a template.")]
    when: Annotated[Name, Field(description="The step is left out where this expression is false.")]
    for_each: Annotated[Name, Field(description="An expression for a list; the step is done for each `item` of it.")]
    wait: Annotated[Span, Field(description="Let so much time pass before the step: `30s`, `10m`, `2h`, `2d`.")]
    on_error: Annotated[Literal["stop", "continue"], Field(description="After a final failure; `stop` by default.")]
    on_uncertain: Annotated[
        Literal["hold", "retry", "skip"],
        Field(description="When nobody can tell whether it was done: `hold` for a person (the default)."),
    ]


class AutomationShape(TypedDict, total=False):
    """One trigger, a condition, and steps."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]  # pydantic's documented hook

    trigger: Required[Annotated[Mapping_, Field(description="What starts the automation.")]]
    when: Annotated[Name, Field(description="Events for which this expression is false are passed over.")]
    once_per: Annotated[
        Name,
        Field(description="`record.email per 1d`: of events with the same value within the span the first runs."),
    ]
    echoes: Annotated[
        Literal["run", "skip"],
        Field(description="`skip` passes over changes that Hightide itself made; `run` by default."),
    ]
    collect: Annotated[
        Span, Field(description="The events of so long a time run as one, which sees all `records`: `1m` to `1d`.")
    ]
    steps: Required[Annotated[list[Any], Field(min_length=1, description="What is done, one after the other.")]]


class AutomationsShape(TypedDict, total=False):
    """A file of automations."""

    __pydantic_config__ = _CLOSED  # type: ignore[misc]  # pydantic's documented hook

    automations: Required[Annotated[Mapping_, Field(description="Automations, by the names you give them.")]]


CONNECTIONS: TypeAdapter[Any] = TypeAdapter(ConnectionsShape)
CONNECTION: TypeAdapter[Any] = TypeAdapter(ConnectionShape)
AUTOMATIONS: TypeAdapter[Any] = TypeAdapter(AutomationsShape)
AUTOMATION: TypeAdapter[Any] = TypeAdapter(AutomationShape)
TRIGGER: TypeAdapter[Any] = TypeAdapter(TriggerShape)
STEP: TypeAdapter[Any] = TypeAdapter(StepShape)
