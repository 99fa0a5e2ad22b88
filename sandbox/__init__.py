"""The simulated vendor: HighLevel over HTTP, with a memory (`python -m sandbox --port P --state FILE`).

It is a second reading of the vendor's documents and shares no code with the rest of this repository. Any bearer token
is welcome, any location exists from its first use, furnished with ids derived from its own (`sandbox.seeds`).

Tests and demos steer it under `/_sandbox/`, with JSON:

- `POST faults` {match: {method, path, location}, status: 400..599 | html | truncated | empty | shape, message, rate |
  count, skip, when: before | after, delay: s, cut: true, page: page_twice | repeat_page | shift, how: insert | delete |
  touch, seed}; or {late: s, count: n}; or {equal_times: n}. `GET faults`, `DELETE faults`
- `POST limits` {per_10s, per_day, location}; null is without end
- `POST leads` {location, count, rate, tags, prefix, source}, `GET leads`, `DELETE leads`
- `POST messages` {contactId, messageType, body, direction, recording: s, transcription: [...]}: one that comes in
- `POST records/TABLE` {op: create | patch | delete, location | company, id, data}: any record, its times moved
- `POST clock` {fix: time | null, advance: s, equal_times: n}
- `POST shapes` {documented: true}: answers as the documents show them where clients report otherwise
- `POST tokens` {anyone, tokens: [{token, app, location, company, scopes, expires_in}], lifetime, enforce_scopes,
  consent}, `POST apps` {client_id, client_secret}
- `GET state` ?table=&location=, `GET effects` ?method=&path=&location=, `GET stats`, `POST reset`
"""

from __future__ import annotations
