"""A simulated vendor: where it answers, what it can do, and how it deals with every request alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.refusal import Refusal
from sandbox.route import Call, Grant, Route, Router
from sandbox.state import Record, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What tells a request's account: the parameters of its path and query, its body, whose token it is."""

    state: State
    path: Mapping[str, str]
    query: Mapping[str, Any]
    body: Any
    grant: Grant


def _nothing(_call: Call) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """One vendor, whose paths begin with `prefix`; `credential` says with what one gets in.

    `grant` tells what a request's credential may do, or refuses it; `account` whose records and whose quota a request
    is about; `forbids` why the credential may not call a route there. `begin` makes what a request needs to be there.
    `words` is the body of a refusal with that status and message, `invalid` the status for what does not have the form
    that a route asks for, `no_route` the answer to a path that there is not.
    With `traced` answers carry a trace id.
    """

    title: str
    prefix: str
    credential: str
    router: Router
    grant: Callable[[State, Route, Mapping[str, str]], Grant]
    account: Callable[[Place], str]
    forbids: Callable[[Grant, Route, str], Refusal | None]
    words: Callable[[int, Any], Record]
    no_route: Refusal
    invalid: int = 422
    begin: Callable[[Call], None] = _nothing
    traced: bool = False

    def refusal(self, status: int, message: Any) -> Refusal:
        """A refusal in the vendor's words."""
        return Refusal(status, self.words(status, message))
