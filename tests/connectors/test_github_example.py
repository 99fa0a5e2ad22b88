"""The example with a connector of its own, as real processes: both directions, pages, limits, webhooks, a kill."""

from __future__ import annotations

import hashlib
import hmac
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.connectors.github import TOKEN, GitHub, github
from tests.console.shell import LOCATION, Vendor, hightide, running, sandbox
from tests.credentials.conftest import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
EXAMPLE = Path(__file__).parents[2] / "examples" / "github-issues"
SECRET = "It's a Secret to Everybody"


@pytest.fixture(scope="module")
def _sandbox() -> Iterator[Vendor]:
    with sandbox() as vendor:
        yield vendor


@pytest.fixture
def vendor(_sandbox: Vendor) -> Vendor:
    _sandbox.ask("POST", "reset")
    return _sandbox


@pytest.fixture
def repository() -> Iterator[GitHub]:
    with github() as made:
        yield made


@pytest.fixture
def project(tmp_path: Path, vendor: Vendor, repository: GitHub) -> Path:
    """The example, on servers of this machine; GitHub's pages are small, and its quota is off."""
    folder = tmp_path / "shop"
    shutil.copytree(EXAMPLE, folder)
    _replaced(folder / "connections.yaml", "http://127.0.0.1:8766", vendor.url)
    _replaced(
        folder / "connections.yaml",
        "    kind: github\n",
        f"    kind: github\n    base_url: {repository.url}\n    quota: off\n",
    )
    _replaced(folder / "connectors" / "github.yaml", "size: 100", "size: 5")
    (folder / ".env").write_text(f"GITHUB_TOKEN={TOKEN}\n")
    return folder


def _replaced(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def told(number: str, secret: str = SECRET, **more: str) -> dict[str, Any]:
    """What GitHub posts about an issue."""
    body = json.dumps({"action": "opened", "delivery": number}).encode()
    proof = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-GitHub-Event": "issues", "X-GitHub-Delivery": number, "X-Hub-Signature-256": f"sha256={proof}"}
    return {"content": body, "headers": {**headers, **more}}


def tasks(vendor: Vendor) -> Counter[str]:
    found = vendor.ask("GET", f"state?table=tasks&location={LOCATION}")["tasks"]
    return Counter(each["title"] for each in found)


def test_the_example_passes_the_check_as_it_is() -> None:
    done = hightide("check", "--json", project=EXAMPLE, env={"GITHUB_TOKEN": TOKEN})
    assert (done.status, done.json["ok"]) == (0, True), done.out


def test_a_poll_reads_as_many_pages_as_are_asked_for(project: Path, repository: GitHub) -> None:
    for number in range(12):
        repository.open(f"Issue {number}", "customer")
    words = (
        "poll",
        "github.issues.list",
        "-c",
        "github",
        "--with",
        '{"owner": "octocat", "repo": "shop"}',
        "--json",
        "--limit",
        "12",
    )
    got = hightide(*words, project=project)
    assert got.status == 0, got.err
    assert [each["number"] for each in got.json] == list(range(12, 0, -1))
    assert [target.partition("?")[0] for _, target in repository.asked] == [
        "/repos/octocat/shop/issues",
        "/repositories/1/issues",
        "/repositories/1/issues",
    ]
    assert "page=3" in repository.asked[-1][1]


def test_a_refusal_is_told_in_the_vendor_s_words(project: Path, repository: GitHub) -> None:
    words = ("act", "github.issues.close", "-c", "github", "--with")
    got = hightide(*words, '{"owner": "octocat", "repo": "shop", "issue_number": 7}', project=project)
    assert (got.status, "Not Found" in got.err) == (3, True), got.err
    (project / ".env").write_text("GITHUB_TOKEN=github_pat_wrong\n")
    got = hightide(*words, '{"owner": "octocat", "repo": "shop", "issue_number": 7}', project=project)
    assert (got.status, "Bad credentials" in got.err) == (3, True), got.err


def test_issues_become_tasks_and_deals_become_issues_once_each_though_all_is_killed_in_the_middle(
    project: Path, vendor: Vendor, repository: GitHub
) -> None:
    for number in range(7):
        repository.open(f"Old {number}", "customer")
    repository.limited = 1
    web = f"127.0.0.1:{free_port()}"
    env = {"HIGHTIDE_WEB_ADDRESS": web, "HIGHTIDE_WEBHOOK_KEY_GITHUB": SECRET}
    words = ("run", "--concurrency", "2")
    with running(project, *words, env=env) as engine:
        engine.ready()
        repository.holding = True
        wanted = [repository.open(f"New {number}", "customer") for number in range(12)]
        repository.open("A pull request", "customer", pull_request={"url": "x"})
        repository.open("Somebody else's", "other")
        forged = httpx.post(f"http://{web}/webhooks/github", **told("d1", "guessed"))
        assert (forged.status_code, len(repository.comments)) == (401, 0)
        post = told("d1")
        assert httpx.post(f"http://{web}/webhooks/github", **post).status_code == 200
        assert httpx.post(f"http://{web}/webhooks/github", **post).status_code == 409
        engine.wait(lambda: repository.held == 12)  # each comment is on its way, and none of them is answered
        assert len(repository.comments) == 6
        for each in [*engine.family(), psutil.Process(engine.process.pid)]:
            each.kill()
        engine.process.wait()
    repository.holding = False
    repository.let_go.set()
    with running(project, *words, env=env) as engine:
        lead = vendor.leads(1)[0]
        pipeline = vendor.ask("GET", f"state?table=pipelines&location={LOCATION}")["pipelines"][0]["id"]
        deal = {"pipelineId": pipeline, "contactId": lead, "name": "Roof", "status": "open"}
        vendor.ask("POST", "records/opportunities", {"op": "create", "location": LOCATION, "data": deal})

        def done() -> bool:
            hightide("nudge", "deal-to-issue", project=project)
            made = [each for each in repository.issues if each["title"] == "Set up Roof"]
            return len(repository.comments) >= 12 and bool(made)

        engine.wait(done, 200)
        engine.wait(lambda: not engine.status()["runs"]["open"])
        runs = engine.status()["runs"]
    assert Counter(each["issue"] for each in repository.comments) == Counter(each["number"] for each in wanted)
    assert tasks(vendor) == Counter(f"Issue {each['number']}: {each['title']}" for each in wanted)
    assert Counter(each["title"] for each in repository.issues if {"name": "deal"} in each["labels"]) == {
        "Set up Roof": 1
    }
    assert (runs["done"], runs["skipped"], runs["uncertain"], runs["failed"]) == (13, 1, 0, 0)
