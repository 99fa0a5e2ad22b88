"""Rankr: leads, clients, documents and contracts behind `/rankr`, with short-lived tokens (client credentials).

Its documents are not public. It is simulated as such APIs are: JSON lists under `data` with a `next_cursor`, times in
ISO 8601, errors under `error`, refusals 401, 403, 404, 409 and 422. There is one account, furnished from the start
(`sandbox.rankr.seeds`).
"""
