"""The simulated vendors over HTTP, with a memory (`python -m sandbox --port P --state FILE`).

They are a second reading of the vendors' documents and share no code with the rest of this repository.

- HighLevel at `/`: any bearer token is welcome, any location exists from its first use, furnished with ids derived
  from its own (`sandbox.seeds`).
- Rankr at `/rankr`: tokens for client id `sandbox` and client secret `sandbox-rankr-secret`; one account, furnished
  from the start (`sandbox.rankr.seeds`). Its tables are called `rankr.leads`, `rankr.clients` and so on; where a
  location is asked for it is `rankr`.
- 0CodeKit at `/0codekit`: the key `sandbox` in the header `auth`; it keeps nothing.

Tests and demos steer it under `/_sandbox/`, with JSON:

- `POST faults` {match: {method, path, location}, status: 400..599 | html | truncated | empty | shape, message, rate |
  count, skip, when: before | after, delay: s, cut: true, page: page_twice | repeat_page | shift, how: insert | delete |
  touch, seed}; or {late: s, count: n}; or {equal_times: n}. `GET faults`, `DELETE faults`
- `POST limits` {per_10s, per_day, location}; null is without end
- `POST leads` {location | vendor: rankr, count, rate, tags, prefix, source}; its answer tells how many are made at
  once, with their ids. `GET leads` tells how many came in all, `DELETE leads` ends the streams
- `POST signatures` {document, status: viewed | signed | approved | declined}: what people do with a document of Rankr's
- `POST webhooks` {url, secret, lost: chance, doubled: chance, late: s}: Rankr tells that address of changes, signed
  (HMAC-SHA256 in `X-Signature`); `GET webhooks`, `DELETE webhooks`
- `POST messages` {contactId, messageType, body, direction, recording: s, transcription: [...]}: one that comes in
- `POST records/TABLE` {op: create | patch | delete, location | company, id, data}: any record, its times moved; to
  create one at HighLevel takes its `location` (or `company`), beside `data` and not in it
- `POST clock` {fix: time | null, advance: s, equal_times: n}
- `POST shapes` {documented: true}: answers as the documents show them where clients report otherwise
- `POST tokens` {anyone, tokens: [{token, app, location, company, scopes, expires_in}], lifetime, enforce_scopes,
  consent, rankr_lifetime}, `POST apps` {client_id, client_secret, vendor: ghl | rankr, scopes}
- `GET state` ?table=&location=, `GET effects` ?method=&path=&location=, `GET stats`, `POST reset`
"""

from __future__ import annotations
