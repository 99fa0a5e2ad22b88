"""`hightide plan`, and what `check` foresees from it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.console.shell import CONNECTIONS, LOCATION, hightide

pytestmark = pytest.mark.slow
FEED = """\
  {name}:
    trigger: {{use: ghl.contacts.search, connection: acme, on: new, every: {every}, with: {{query: "{name}"}}}}
    steps:
      - use: ghl.contacts.tags.add
        with: {{contactId: "{{{{ record.id }}}}", tags: [a]}}
"""


def project(folder: Path, per_day: int, *every: str) -> Path:
    (folder / "automations").mkdir(parents=True)
    connections = CONNECTIONS.format(location=LOCATION, url="http://127.0.0.1:9")
    (folder / "connections.yaml").write_text(f"{connections}    quota: {{per_day: {per_day}}}\n")
    feeds = "".join(FEED.format(name=f"a{number}", every=each) for number, each in enumerate(every))
    (folder / "automations" / "all.yaml").write_text(f"automations:\n{feeds}")
    (folder / ".env").write_text("ACME_TOKEN=pit-0123456789\n")
    return folder


@pytest.mark.parametrize(
    ("per_day", "every", "status", "said"),
    [
        (2000, ["1m"], 0, ""),
        (1700, ["1m"], 0, "warning: acme: 1,440 requests a day are 85% of its quota of 1,700"),
        (1000, ["1m"], 1, "acme: 1,440 requests a day are 144% of its quota of 1,000; poll less often"),
        (300, ["auto", "auto"], 0, ""),
        (100, ["auto", "auto"], 0, "warning: acme: 192 requests a day are 192%"),
    ],
    ids=["enough", "nearly all", "too much", "auto that fits", "auto that cannot"],
)
def test_check_foresees_a_quota_that_is_used_up(
    tmp_path: Path, per_day: int, every: list[str], status: int, said: str
) -> None:
    folder = project(tmp_path / "shop", per_day, *every)
    done = hightide("check", project=folder)
    assert done.status == status, done.out + done.err
    assert said in done.out + done.err
    assert ("quota" in done.out + done.err) is bool(said)
    foreseen = hightide("check", "--json", project=folder).json
    assert foreseen["ok"] is (status == 0)
    assert bool(foreseen["foreseen"]["faults"]) is (status == 1)


def test_the_plan_adds_up_what_a_day_costs(tmp_path: Path) -> None:
    folder = project(tmp_path / "shop", 2000, "5m", "15m", "auto")
    [account] = hightide("plan", "--json", project=folder).json
    assert account["connections"] == ["acme"]
    assert [feed["requests"] for feed in account["feeds"]] == [288, 96, 288]
    assert (account["requests"], account["share"], account["per_day"]) == (672, 0.336, 2000)
    assert account["stretched"] is False or account["auto_interval"] > 60
    shown = hightide("plan", project=folder).out
    assert "33.6%" in shown
    assert "288 (auto)" in shown
