"""The scopes that a connection needs: those of its operations, and of what is looked up by name for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.project import load
from worker.scopes import needed

ID = "0123456789abcdefghij"
PROJECT = """\
automations:
  won:
    trigger: {{use: ghl.opportunities.search, connection: acme, with: {{{asked}}}}}
    steps:
      - use: ghl.contacts.update
        with: {{contactId: "{{{{ record.contactId }}}}", {written}}}
"""
OWN = {"contacts.write", "contacts.readonly", "opportunities.readonly"}


@pytest.mark.parametrize(
    ("asked", "written", "more"),
    [
        ("", "firstName: Ada", set()),
        ("", f"assignedTo: {ID}", set()),
        ("", 'assignedTo: "{{ record.assignedTo }}"', set()),
        ("", "assignedTo: '${OWNER}'", set()),
        ("", "assignedTo: ada@example.com", {"users.readonly"}),
        ("", "assignedTo: \"{{ 'Ada' if record.monetaryValue > 1000 else 'Bob' }}\"", {"users.readonly"}),
        ("", "customFields: {Budget: 1}", {"locations/customFields.readonly"}),
        ("assignedTo: Ada King", "firstName: Ada", {"users.readonly"}),
    ],
)
def test_a_name_needs_the_scope_of_its_list(tmp_path: Path, asked: str, written: str, more: set[str]) -> None:
    (tmp_path / "automations").mkdir()
    (tmp_path / "automations" / "won.yaml").write_text(PROJECT.format(asked=asked, written=written))
    (tmp_path / "connections.yaml").write_text(
        "connections: {acme: {kind: ghl, location_id: loc1, auth: {type: private_token, token: '${TOKEN}'}}}\n"
    )
    project = load(tmp_path, {"TOKEN": "t", "OWNER": ID})
    assert set(needed(project, project.connections["acme"])) - OWN == more
