"""The files of a new project, as `hightide init` writes them."""

from __future__ import annotations

from collections.abc import Mapping

CONNECTIONS = """\
# Accounts at vendors, by the names you give them. `${NAME}` is an environment variable, or a line in .env.
connections:
  acme:
    kind: ghl
    location_id: "${ACME_LOCATION_ID}"
    # A private integration token: Settings > Private Integrations in the location.
    auth: {type: private_token, token: "${ACME_TOKEN}"}
"""

WELCOME = """\
# `hightide check` says what is wrong in here, `hightide test welcome` what it would do, `hightide show OPERATION` what
# an operation takes.
automations:
  welcome:
    trigger: {use: ghl.contacts.search, connection: acme, on: new, every: 1m}
    when: "record.email"
    steps:
      - use: ghl.contacts.tags.add
        with: {contactId: "{{ record.id }}", tags: [welcomed]}
      - use: ghl.contacts.notes.create
        with: {contactId: "{{ record.id }}", body: "Welcome, {{ record.firstName | default('friend') }}!"}
"""

ENV = """\
# Copy this file to .env and fill it in; .env stays out of version control.
ACME_LOCATION_ID=
ACME_TOKEN=

# Without these Hightide brings its own SQLite and Valkey, in .hightide/ beside this file.
# HIGHTIDE_DATABASE_URL=postgresql://USER:PASSWORD@HOST/DATABASE
# HIGHTIDE_REDIS_URL=redis://HOST:6379/0
"""

GITIGNORE = """\
.env
.hightide/
"""

FILES: Mapping[str, str] = {
    "connections.yaml": CONNECTIONS,
    "automations/welcome.yaml": WELCOME,
    ".env.example": ENV,
    ".gitignore": GITIGNORE,
}
"""Every file of a new project, by its path."""
