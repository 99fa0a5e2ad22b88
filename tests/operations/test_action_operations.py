"""Every action against the vendor's process: done, refused, tried again, and cut off in the middle."""

from __future__ import annotations

import re
from typing import Any, Literal

import pytest

from actions.action import Action, Natural, Unsafe
from actions.catalog import CATALOG
from tests.operations.calendar_deeds import CALENDARS
from tests.operations.connector_deeds import KIT, RANKR
from tests.operations.connectors import account_of
from tests.operations.deeds import CONTACTS, NOBODY, Deed
from tests.operations.engine import ACTIONS, Engine, Errand, Killed
from tests.operations.more_deeds import ACCOUNT, CONVERSATIONS, DOCUMENTS, OPPORTUNITIES, USERS
from tests.operations.vendor import Account
from worker.ledger.runs import LEASE

pytestmark = pytest.mark.slow

DEEDS = (*CONTACTS, *CALENDARS, *OPPORTUNITIES, *USERS, *CONVERSATIONS, *DOCUMENTS, *ACCOUNT, *RANKR, *KIT)
SCOPED = tuple(deed for deed in DEEDS if deed.action in CATALOG)
"""The vendor's documents name no scopes for what is beside the catalogue."""
REFUSED = tuple(deed for deed in DEEDS if deed.refused is not None)
READS = {
    "ghl.contacts.find",
    "ghl.contacts.notes.find",
    "ghl.locations.find",
    "ghl.calendars.groups.validate_slug",
    "rankr.clients.get",
    "rankr.documents.find",
    "rankr.documents.get",
    *(deed.action for deed in KIT),
}
"""Actions without an effect."""
WORDS = "startTime must be a valid date"
NO_SCOPE = "The token is not authorized for this scope."

each_deed = pytest.mark.parametrize("deed", DEEDS, ids=[deed.name for deed in DEEDS])


class Doing:
    """A deed, ready to be done: its row, its inputs, the connection it is done on."""

    def __init__(
        self,
        deed: Deed,
        engine: Engine,
        scopes: tuple[str, ...] | None = None,
        *,
        refused: bool = False,
    ) -> None:
        self.deed, self.engine = deed, engine
        self.account: Account = account_of(engine.vendor, deed.action)
        self.row: Action = ACTIONS[deed.action]
        agency = self.row.token == "agency"
        self.account.allow("exact", agency=agency, scopes=scopes)
        connection = engine.connection(self.account, "exact", agency=agency)
        self.inputs = deed.given(self.account)
        assert self.seen == deed.before
        if refused and deed.refused is not None:
            self.inputs = deed.refused(self.account, self.inputs)
        self.earlier = self.effects
        self.errand = Errand(engine, connection, deed.action, self.inputs)

    @property
    def seen(self) -> Any:
        return self.deed.seen(self.account, self.inputs)

    @property
    def effects(self) -> int:
        """How many requests like the action's took effect."""
        sent = self.row.operation(self.inputs)
        return self.account.effects(f"{sent.method} {sent.path}") - getattr(self, "earlier", 0)

    def fault(self, **what: Any) -> None:
        """The next request of this action goes wrong."""
        sent = self.row.operation(self.inputs)
        self.account.fault(sent.method, re.sub(r"\{\w+\}", "*", sent.path), **what)

    def die(self, when: Literal["before", "after"]) -> None:
        """The worker is ended in the middle of the call; its lease runs out."""
        self.engine.wire.dies = when
        with pytest.raises(Killed):
            self.errand.carry()
        self.engine.wire.dies = None
        assert self.errand.carry() == "open"
        self.engine.wait(LEASE / 1000 + 1)

    @property
    def sent(self) -> int:
        """How often the action's own request went out."""
        sent = self.row.operation(self.inputs)
        path = re.compile(re.sub(r"\{\w+\}", "[^/]+", sent.path))
        asked = self.engine.wire.sent
        return sum(each.method == sent.method and path.fullmatch(each.path) is not None for each in asked)

    def assert_done(self) -> None:
        """The action took effect, once unless a repeat leaves the same state, and its result is what the row says."""
        assert self.errand.state == "done", self.errand.row["reason"]
        assert self.seen == self.deed.after
        most = self.sent if isinstance(self.row.repeat, Natural) else 1
        assert self.effects in ({0} if self.deed.action in READS else range(1, most + 1))
        assert self.errand.step["result_id"] == self.deed.result(self.account, self.inputs)

    def assert_held(self, *, happened: bool) -> None:
        """Nobody knows whether it took effect; it is left to a person."""
        assert self.errand.state == "uncertain"
        self.engine.wait(3600)
        assert self.errand.carry() == "uncertain"
        assert self.effects == int(happened)
        assert self.seen == (self.deed.after if happened else self.deed.before)

    def assert_settled(self, *, happened: bool, answered: bool) -> None:
        """It ended as its row's kind of repetition says; `answered`: the vendor itself said that it failed."""
        before = int(happened or answered)
        match self.row.repeat:
            case Natural():
                self.assert_done()
                assert self.sent == before + 1
            case Unsafe(probe=probe) if probe is None or (not happened and not answered):
                self.assert_held(happened=happened)
                assert self.sent == before
            case _:
                self.assert_done()
                assert self.sent == (before if happened else before + 1)


def test_every_action_is_done() -> None:
    assert {deed.action for deed in DEEDS} == set(ACTIONS)


@each_deed
def test_an_action_takes_effect_with_just_the_scopes_of_its_row(engine: Engine, deed: Deed) -> None:
    doing = Doing(deed, engine, ACTIONS[deed.action].scopes)
    assert doing.errand.carry() == "done", doing.errand.row["reason"]
    doing.assert_done()
    assert doing.errand.step["attempts"] == 1


@pytest.mark.parametrize("deed", SCOPED, ids=[deed.name for deed in SCOPED])
def test_without_its_scope_an_action_fails_at_once(engine: Engine, deed: Deed) -> None:
    doing = Doing(deed, engine, scopes=("nothing.readonly",))
    assert doing.errand.carry() == "failed"
    assert (doing.errand.step["status"], doing.effects, doing.seen) == (401, 0, deed.before)
    assert NO_SCOPE in doing.errand.row["reason"]


@each_deed
def test_a_refusal_is_final_and_in_the_vendors_words(engine: Engine, deed: Deed) -> None:
    doing = Doing(deed, engine)
    doing.fault(status=422, message=[WORDS, "title should not be empty"])
    assert doing.errand.carry() == "failed"
    assert f"422 {WORDS}; title should not be empty" in doing.errand.row["reason"]
    engine.wait(3600)
    assert doing.errand.carry() == "failed"
    assert (doing.effects, doing.seen, doing.errand.step["attempts"]) == (0, deed.before, 1)


@pytest.mark.parametrize("deed", REFUSED, ids=[deed.name for deed in REFUSED])
def test_what_the_vendor_does_not_allow_fails_at_once(engine: Engine, deed: Deed) -> None:
    doing = Doing(deed, engine, refused=True)
    assert doing.errand.carry() == "failed"
    assert deed.words in doing.errand.row["reason"]
    assert doing.effects == 0


@each_deed
def test_too_many_requests_are_tried_again_later_and_take_effect_once(engine: Engine, deed: Deed) -> None:
    doing = Doing(deed, engine)
    doing.fault(status=429)
    assert doing.errand.carry() == "open"
    assert doing.errand.row["due_at"] > engine.clock() + 1000
    doing.errand.end()
    doing.assert_done()


@each_deed
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_server_fault_is_settled(engine: Engine, deed: Deed, when: Literal["before", "after"]) -> None:
    doing = Doing(deed, engine)
    doing.fault(status=500, when=when)
    doing.errand.end()
    doing.assert_settled(happened=when == "after", answered=True)


@each_deed
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_in_the_middle_is_settled(engine: Engine, deed: Deed, when: Literal["before", "after"]) -> None:
    doing = Doing(deed, engine)
    doing.die(when)
    doing.errand.end()
    doing.assert_settled(happened=when == "after", answered=False)


@pytest.mark.parametrize("action", [row.id for row in CATALOG.values() if row.missing_is_done])
def test_what_is_gone_already_counts_as_deleted(engine: Engine, account: Account, action: str) -> None:
    [deed] = [deed for deed in DEEDS if deed.action == action]
    key = CATALOG[action].send.path_params[-1]
    account.allow("exact")
    errand = Errand(engine, engine.connection(account, "exact"), action, {**deed.given(account), key: NOBODY})
    assert errand.carry() == "done"
    assert errand.step["result_id"] is None
