"""An automation: one trigger, conditions and steps, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from config.environment import filled_in
from config.findings import strings
from config.references import custom_names
from config.span import spanned, spelled
from triggers.trigger import Kind

OnError = Literal["stop", "continue"]
OnUncertain = Literal["hold", "retry", "skip"]
OnEcho = Literal["run", "skip"]


@dataclass(frozen=True, slots=True)
class Every:
    """At an interval of that many seconds, 60 to 900."""

    seconds: int


@dataclass(frozen=True, slots=True)
class Cron:
    """At the times of a five-field cron expression, in that time zone."""

    expression: str
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Auto:
    """At an interval between 1 and 15 minutes that follows how often the feed brings events."""


Schedule = Every | Cron | Auto
Start = Literal["now", "beginning"] | datetime
"""What the first poll fires for: nothing, everything, or what is no older than that moment (an aware time)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerUse:
    """The trigger of an automation: what is polled, where, how often, and which events count."""

    use: str
    connection: str
    on: tuple[Kind, ...]
    schedule: Schedule
    with_: Mapping[str, Any] = field(default_factory=dict)
    start: Start = "now"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One action call.

    `id` is the author's, or the step's place counted from 1. `when` and `for_each` are expressions; with `for_each` the
    step is carried out once for each item, and `when` is asked for each item too. `wait` passes once before all of
    it. Where `${NAME}` has been replaced in `with_`, `written` is what it was before: that may be shown to people.
    """

    id: str
    use: str
    connection: str
    with_: Mapping[str, Any] = field(default_factory=dict)
    when: str | None = None
    for_each: str | None = None
    on_error: OnError = "stop"
    on_uncertain: OnUncertain = "hold"
    wait: timedelta | None = None
    written: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class OncePer:
    """Of several events for which the expression gives the same value within the span only the first runs."""

    expression: str
    span: timedelta

    @classmethod
    def read(cls, text: str) -> OncePer:
        """What `EXPRESSION per SPAN` says.

        Raises:
            ValueError: it says nothing of the kind.
        """
        expression, _, span = text.rpartition(" per ")
        if not expression.strip():
            raise ValueError("names no value and span")
        return cls(expression.strip(), spanned(span.strip()))

    @property
    def text(self) -> str:
        """`EXPRESSION per SPAN`."""
        return f"{self.expression} per {spelled(self.span)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Automation:
    """One trigger, a condition, and the steps that each of its events leads to.

    Texts are as they were written: `${NAME}` stands for an environment variable until `with_environment`. With
    `collect`, the runs of so long a time are carried out as one. `customs` are the custom fields that the texts ask for
    by name, None where nothing calls `custom`.
    """

    name: str
    trigger: TriggerUse
    steps: tuple[Step, ...]
    when: str | None = None
    once_per: OncePer | None = None
    echoes: OnEcho = "run"
    collect: timedelta | None = None
    customs: frozenset[str] | None = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "customs", _customs(self))  # found once, since runs ask for it

    def with_environment(self, environ: Mapping[str, str]) -> Automation:
        """The same automation with every `${NAME}` replaced by its value, ready to poll and to render.

        This comes before rendering, so that no `${NAME}` in a vendor's record is ever replaced.

        Raises:
            MissingVariable: the environment lacks one of them.
        """
        trigger = replace(self.trigger, with_=filled_in(self.trigger.with_, environ))
        steps = tuple(_step_with_environment(step, environ) for step in self.steps)
        once = self.once_per and replace(self.once_per, expression=filled_in(self.once_per.expression, environ))
        return replace(self, trigger=trigger, steps=steps, when=filled_in(self.when, environ), once_per=once)

    def definition(self) -> dict[str, Any]:
        """The automation without its name as JSON, in the words of the YAML; secrets stay `${NAME}`."""
        trigger = self.trigger
        return {
            "trigger": {
                "use": trigger.use,
                "connection": trigger.connection,
                "on": list(trigger.on),
                **schedule_definition(trigger.schedule),
                "with": dict(trigger.with_),
                "start": trigger.start.isoformat() if isinstance(trigger.start, datetime) else trigger.start,
            },
            "when": self.when,
            "once_per": self.once_per and self.once_per.text,
            "echoes": self.echoes,
            "collect": None if self.collect is None else spelled(self.collect),
            "steps": [_step_definition(step) for step in self.steps],
        }

    @classmethod
    def from_definition(cls, name: str, definition: Mapping[str, Any]) -> Automation:
        """The automation whose `definition()` this is."""
        trigger, steps = definition["trigger"], definition["steps"]
        return cls(
            name=name,
            trigger=TriggerUse(
                use=trigger["use"],
                connection=trigger["connection"],
                on=tuple(trigger["on"]),
                schedule=schedule_of(trigger),
                with_=trigger["with"],
                start=_start(trigger["start"]),
            ),
            when=definition["when"],
            once_per=OncePer.read(definition["once_per"]) if definition.get("once_per") else None,
            echoes=definition.get("echoes", "run"),
            collect=spanned(definition["collect"]) if definition.get("collect") else None,
            steps=tuple(_step(step) for step in steps),
        )


def _customs(automation: Automation) -> frozenset[str] | None:
    asked = [each for step in automation.steps for each in (step.when, step.for_each)]
    once = None if automation.once_per is None else automation.once_per.expression
    rendered = (text for step in automation.steps for _, text in strings(step.with_, ()))
    return custom_names([automation.when, once, *asked], rendered)


def _step_with_environment(step: Step, environ: Mapping[str, str]) -> Step:
    filled = filled_in(step.with_, environ)
    return replace(
        step,
        with_=filled,
        written=None if filled == step.with_ else step.with_,
        when=filled_in(step.when, environ),
        for_each=filled_in(step.for_each, environ),
    )


def schedule_definition(schedule: Schedule) -> dict[str, Any]:
    """The schedule as JSON, in the words of the YAML."""
    match schedule:
        case Every(seconds):
            return {"every": f"{seconds}s"}
        case Auto():
            return {"every": "auto"}
        case Cron(expression, timezone):
            return {"cron": expression, "timezone": timezone}


def schedule_of(trigger: Mapping[str, Any]) -> Schedule:
    """The schedule whose `schedule_definition` is (part of) this mapping."""
    if "cron" in trigger:
        return Cron(trigger["cron"], trigger["timezone"])
    return Auto() if trigger["every"] == "auto" else Every(int(trigger["every"].removesuffix("s")))


def _start(text: str) -> Start:
    match text:
        case "now" | "beginning":
            return text
        case _:
            return datetime.fromisoformat(text)


def _step_definition(step: Step) -> dict[str, Any]:
    return {
        "id": step.id,
        "use": step.use,
        "connection": step.connection,
        "with": dict(step.with_),
        "when": step.when,
        "for_each": step.for_each,
        "on_error": step.on_error,
        "on_uncertain": step.on_uncertain,
        "wait": None if step.wait is None else spelled(step.wait),
    }


def _step(step: Mapping[str, Any]) -> Step:
    wait = step.get("wait")
    named = {"with_" if name == "with" else name: value for name, value in step.items()}
    return Step(**{**named, "wait": None if wait is None else spanned(wait)})
